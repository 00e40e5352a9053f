"""Training runs of the ablations: other ways to z, everything else as in the full row.

Rows of the suite `video_prompt_ablations`. Stage 1 with another P, untrained, or left out: `--set representation=...`
gives what it exported to `video_prompt_xhand_tiny`. An encoder that learns with the policy, and z made anew for every
chunk, are runs of stage 2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.video_prompt.end_to_end import EndToEndConfig, EndToEndModel, to_json
from understudy.methods.video_prompt.experiments import Stage2Experiment, VideoPromptExperiment, xhand_debug, xhand_tiny
from understudy.methods.video_prompt.loss import loss, position_reach
from understudy.methods.video_prompt.model import ModelConfig
from understudy.methods.video_prompt.pdcp import PDCP
from understudy.methods.video_prompt.representation import LATENTS
from understudy.methods.video_prompt.stage1_experiments import CrossPredictionExperiment, stage1_debug, stage1_tiny
from understudy.networks.image_encoder import random_colours, to_float
from understudy.networks.prompt_encoder import PromptEncoderConfig

__all__ = ["EXPERIMENTS", "EachChunkExperiment", "EndToEndExperiment"]


class _Trained(nn.Module):
    """The policy with its encoder, and what only training needs."""

    reach: Float[Tensor, "3"]
    """See `position_reach`."""

    def __init__(self, model: EndToEndModel, pdcp: PDCP | None, normalisation: Normalisation) -> None:
        super().__init__()
        self.model, self.pdcp = model, pdcp
        self.register_buffer("reach", position_reach(normalisation), persistent=False)


@dataclass(frozen=True)
class EndToEndExperiment(Stage2Experiment):
    """The prompt is a video, and its encoder learns with the policy."""

    derived: ClassVar[Mapping[str, str]] = {
        **Stage2Experiment.derived,
        "encoder.image_size": "model.image_size",
        "encoder.tokens": "model.num_phases",
        "encoder.width": "model.diffusion.width",
    }
    encoder: PromptEncoderConfig = field(default_factory=PromptEncoderConfig)
    """Its frames have the size of the policy's images, and its tokens, one for each phase of the path, the width of the
    policy's, whatever it says."""

    @property
    def sizes(self) -> EndToEndConfig:
        """Of both networks."""
        assert isinstance(self.model, ModelConfig)
        model = self.model
        encoder = replace(
            self.encoder, image_size=model.image_size, tokens=model.num_phases, width=model.diffusion.width
        )
        return EndToEndConfig(encoder, model, self.acted.prompt_frames)

    def make_data(self) -> ActedWindows:
        """Windows with their prompts.

        Raises:
            UnderstudyError: prompts of no frames.
        """
        if self.acted.prompt_frames < 1:
            raise UnderstudyError(f"{self.name}: acted.prompt_frames {self.acted.prompt_frames}: a prompt has frames")
        return self.open_windows()

    def make_model(self, data: TrainingData) -> _Trained:
        """New networks for the skills of the data."""
        assert isinstance(data, ActedWindows)
        return _Trained(EndToEndModel(self.sizes), self.make_pdcp(len(data.skills)), data.normalisation)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `loss.py`; its gradient reaches the encoder through z."""
        assert isinstance(model, _Trained)
        colours = random_colours(len(batch["prompt"]), self.losses.jitter, generator)
        z = model.model.z(to_float(batch["prompt"], colours))
        return loss(model.model.policy, model.pdcp, batch | {"z": z}, generator, self.losses, model.reach)

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A policy folder, which needs no representation."""
        assert isinstance(model, _Trained)
        self.write(model.model, to_json(model.model.config), data, folder)


@dataclass(frozen=True)
class EachChunkExperiment(VideoPromptExperiment):
    """Z is of the prompt and the present image, made anew for every chunk: scenes of any time are learned from."""

    any_scene: ClassVar[bool] = True

    def fitted(self, data: TrainingData) -> dict[str, Any]:
        """And that z is made so."""
        return super().fitted(data) | {"z_each_chunk": True}


def stage1_p0() -> CrossPredictionExperiment:
    """Stage 1 without cross-prediction: every clip predicts itself (P = 0)."""
    return _with_probability(0.0, "video_prompt_stage1_tiny_p0")


def stage1_p1() -> CrossPredictionExperiment:
    """Stage 1 with cross-prediction always (P = 1)."""
    return _with_probability(1.0, "video_prompt_stage1_tiny_p1")


def _with_probability(cross: float, name: str) -> CrossPredictionExperiment:
    tiny = stage1_tiny()
    return replace(tiny, name=name, clips=replace(tiny.clips, cross_probability=cross))


def stage1_untrained() -> CrossPredictionExperiment:
    """The trained autoencoder and a video model with its first weights: one step that changes nothing."""
    return _untrained(stage1_tiny(), "video_prompt_stage1_tiny_untrained")


def _untrained(experiment: CrossPredictionExperiment, name: str) -> CrossPredictionExperiment:
    return replace(experiment, name=name, num_steps=1, warmup_steps=0, learning_rate=0.0, weight_decay=0.0)


def stage1_latents() -> CrossPredictionExperiment:
    """No video model: z is made of the autoencoder's latents of the prompt."""
    return _latents(stage1_tiny(), "video_prompt_stage1_tiny_latents")


def stage1_latents_debug() -> CrossPredictionExperiment:
    """Seconds: for tests."""
    return _latents(stage1_debug(), "video_prompt_stage1_debug_latents")


def _latents(experiment: CrossPredictionExperiment, name: str) -> CrossPredictionExperiment:
    untrained = _untrained(experiment, name)
    return replace(untrained, pooling=replace(untrained.pooling, taps=(LATENTS,)))


def end_to_end() -> EndToEndExperiment:
    """The full row with a prompt encoder that learns with the policy, in place of stage 1."""
    tiny = replace(xhand_tiny(), batch_size=16, num_times=8)  # as many windows; each prompt costs its frames
    return _end_to_end(tiny, "video_prompt_xhand_tiny_end_to_end", PromptEncoderConfig(), 10)


def end_to_end_debug() -> EndToEndExperiment:
    """Seconds: for tests."""
    smallest = PromptEncoderConfig(layers=1, stages=((8, 4), (8, 2), (8, 2)), heads=2)
    return _end_to_end(xhand_debug(), "video_prompt_xhand_debug_end_to_end", smallest, 4)


def _end_to_end(
    experiment: VideoPromptExperiment, name: str, encoder: PromptEncoderConfig, frames: int
) -> EndToEndExperiment:
    shared = {entry.name: getattr(experiment, entry.name) for entry in fields(Stage2Experiment)}
    acted: ActedConfig = replace(experiment.acted, prompt_frames=frames)
    assert isinstance(experiment.model, ModelConfig)
    model = replace(experiment.model, plan_dropout=0.0)  # which is for z that is made of few clips, once
    return EndToEndExperiment(**shared | {"name": name, "acted": acted, "model": model, "encoder": encoder})


def z_each_chunk() -> EachChunkExperiment:
    """The full row with z made anew for every chunk."""
    return _each_chunk(xhand_tiny(), "video_prompt_xhand_tiny_z_each_chunk")


def z_each_chunk_debug() -> EachChunkExperiment:
    """Seconds: for tests."""
    return _each_chunk(xhand_debug(), "video_prompt_xhand_debug_z_each_chunk")


def _each_chunk(experiment: VideoPromptExperiment, name: str) -> EachChunkExperiment:
    shared = {entry.name: getattr(experiment, entry.name) for entry in fields(VideoPromptExperiment)}
    return EachChunkExperiment(**shared | {"name": name})


EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {
    "video_prompt_stage1_tiny_p0": stage1_p0,
    "video_prompt_stage1_tiny_p1": stage1_p1,
    "video_prompt_stage1_tiny_untrained": stage1_untrained,
    "video_prompt_stage1_tiny_latents": stage1_latents,
    "video_prompt_stage1_debug_latents": stage1_latents_debug,
    "video_prompt_xhand_tiny_end_to_end": end_to_end,
    "video_prompt_xhand_debug_end_to_end": end_to_end_debug,
    "video_prompt_xhand_tiny_z_each_chunk": z_each_chunk,
    "video_prompt_xhand_debug_z_each_chunk": z_each_chunk_debug,
}
"""Name -> experiment."""
