"""What of SVD learns: all of the UNet, or changes of low rank in its attention; what reads the prompt always does."""

from dataclasses import dataclass

from understudy.networks.video_diffusion.lora import add_lora
from understudy.networks.video_diffusion.svd import SvdVideoModel

__all__ = ["FineTuning", "make_trainable"]


@dataclass(frozen=True)
class FineTuning:
    """How SVD is trained. The paper says only that it is fine-tuned; VPP, its ancestor, trains the whole UNet."""

    lora_rank: int = 0
    """0 trains the whole UNet; else LoRA of this rank on the projections of every attention layer."""
    lora_alpha: float = 16.0
    """The change is scaled by alpha / rank."""
    checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, about a third slower."""


def make_trainable(model: SvdVideoModel, tuning: FineTuning) -> int:
    """Set what learns and how memory is spent.

    Returns:
        How many numbers learn.

    Raises:
        UnderstudyError: a negative rank, or LoRA is there already.
    """
    if tuning.lora_rank:
        add_lora(model.unet, tuning.lora_rank, tuning.lora_alpha)
    else:
        model.unet.requires_grad_(True)
    model.prompt.requires_grad_(True)
    if tuning.checkpointing:
        model.unet.enable_gradient_checkpointing()
    else:
        model.unet.disable_gradient_checkpointing()
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
