"""Model, optimiser, averages and loss scaler: one optimiser step, and all of their state as named tensors."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Batch, Experiment
from understudy.training.batches import Sharding
from understudy.training.ema import Ema
from understudy.training.randomness import Purpose, derived_seed

__all__ = ["Learner", "copy_tensors", "model_tensors"]


class _LossModule(nn.Module):
    """The loss as a forward pass: where several processes exchange gradients, that must be the outermost call."""

    def __init__(self, model: nn.Module, experiment: Experiment) -> None:
        super().__init__()
        self.model = model
        self.experiment = experiment

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        loss, scalars = self.experiment.loss(self.model, batch, generator)
        return loss, dict(scalars)


class Learner:
    """Owns everything that changes during a run. After `load(tensors())` it goes on as if nothing had happened."""

    def __init__(
        self,
        experiment: Experiment,
        model: nn.Module,
        accelerator: Accelerator,
        sharding: Sharding,
    ) -> None:
        self.experiment = experiment
        self.model = model.to(accelerator.device).train()
        self.accelerator = accelerator
        self.sharding = sharding
        self.ema = Ema(self.model, experiment.ema_decay)
        self.weights = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
        self._optimizer = torch.optim.AdamW(
            _decay_groups(self.weights.values(), experiment.weight_decay),
            lr=experiment.learning_rate,
            betas=experiment.betas,
            fused=True,
        )
        self._module, self._stepper = accelerator.prepare(_LossModule(self.model, experiment), self._optimizer)
        self._generator = torch.Generator(accelerator.device)

    @property
    def num_parameters(self) -> int:
        """Trainable ones."""
        return sum(weight.numel() for weight in self.weights.values())

    def step(self, batches: Iterator[Batch], step: int, rate_factor: float) -> dict[str, Tensor]:
        """One optimiser step on the next `accumulate` batches.

        Returns the loss, its parts and the norm of the gradient, still on the device and of this process alone.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate_factor * self.experiment.learning_rate
        turns = self.sharding.accumulate
        means: dict[str, Tensor] = {}
        for turn in range(turns):
            batch = {
                name: value.to(self.accelerator.device, non_blocking=True) for name, value in next(batches).items()
            }
            self._seed(step, self.sharding.shard(turn))
            exchange = nullcontext() if turn == turns - 1 else self.accelerator.no_sync(self._module)
            with exchange:
                loss, scalars = self._module(batch, self._generator)
                self.accelerator.backward(loss / turns)
            for name, value in {"loss": loss, **scalars}.items():
                part = value.detach().float() / turns
                means[name] = means[name] + part if name in means else part
        norm = self.accelerator.clip_grad_norm_(self.weights.values(), self.experiment.clip_norm)
        self._stepper.step()
        self._stepper.zero_grad()
        self.ema.update(step)
        return means if norm is None else means | {"grad_norm": norm}

    def _seed(self, step: int, shard: int) -> None:
        """Noise of the loss comes from our generator, dropout from torch's own, of the CPU or of the device."""
        seed = self.experiment.seed
        self._generator.manual_seed(derived_seed(seed, Purpose.LOSS, step, shard))
        dropout = derived_seed(seed, Purpose.DROPOUT, step, shard)
        torch.default_generator.manual_seed(
            dropout
        )  # torch.manual_seed costs up to a millisecond where there is no GPU
        if self.accelerator.device.type != "cpu":
            torch.get_device_module(self.accelerator.device).manual_seed(dropout)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes, by name: `model.*`, `ema.*`, `optimizer.<moment>.*`."""
        named = {f"model.{name}": value for name, value in model_tensors(self.model).items()}
        named |= {f"ema.{name}": value for name, value in self.ema.averages.items()}
        for name, weight in self.weights.items():
            for moment, value in self._optimizer.state.get(weight, {}).items():
                named[f"optimizer.{moment}.{name}"] = value
        return named

    def scaler_state(self) -> dict[str, float] | None:
        """State of the fp16 loss scaler, which fits into JSON; None at other precisions."""
        return None if self.accelerator.scaler is None else self.accelerator.scaler.state_dict()

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor], scaler_state: Mapping[str, float] | None = None) -> None:
        """Take over what `tensors()` and `scaler_state()` gave.

        Raises:
            UnderstudyError: names or shapes are not those of this model.
        """
        copy_tensors(model_tensors(self.model), tensors, "model.")
        copy_tensors(self.ema.averages, tensors, "ema.")
        for key in tensors:
            if key.startswith("optimizer."):
                _, moment, name = key.split(".", 2)
                self._load_moment(moment, self.weights[name], tensors[key])
        if self.accelerator.scaler is not None and scaler_state is not None:
            self.accelerator.scaler.load_state_dict(dict(scaler_state))

    def _load_moment(self, moment: str, weight: Tensor, saved: Tensor) -> None:
        if saved.shape == weight.shape:
            # The fused optimiser walks through memory: moments must lie as the weights do (channels last or not).
            saved = torch.empty_like(weight, dtype=saved.dtype).copy_(saved)
        self._optimizer.state[weight][moment] = saved.to(weight.device)


def copy_tensors(into: Mapping[str, Tensor], tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Copy every `prefix + name` over the tensor `name` of `into`; both must have the same names and shapes."""
    given = {key.removeprefix(prefix) for key in tensors if key.startswith(prefix)}
    if given != into.keys():
        raise UnderstudyError(
            f"the checkpoint is of another model: {sorted(given ^ into.keys())[0]!r} is on one side only"
        )
    for name, value in into.items():
        saved = tensors[prefix + name]
        if saved.shape != value.shape:
            raise UnderstudyError(
                f"the checkpoint is of another model: {name} has shape {tuple(saved.shape)}, not {tuple(value.shape)}"
            )
        with torch.no_grad():
            value.copy_(saved)


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers, shared ones once."""
    persistent = model.state_dict(keep_vars=True).keys()
    buffers = {name: value for name, value in model.named_buffers() if name in persistent}
    return {**dict(model.named_parameters()), **buffers}


def _decay_groups(weights: Iterable[Tensor], weight_decay: float) -> list[dict]:
    """Matrices decay towards zero; biases and scales of norms, which have one dimension, do not."""
    weights = list(weights)
    return [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
