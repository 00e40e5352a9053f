"""What of SVD learns: all of the UNet, or changes of low rank in its attention; what reads the prompt always does."""

from understudy.networks.video_diffusion.lora import add_lora
from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import FineTuning

__all__ = ["FineTuning", "make_trainable"]


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
