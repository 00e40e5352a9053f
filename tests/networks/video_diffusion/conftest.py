import pytest
import torch

from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import DEBUG, SvdIds

IDS = SvdIds(fps=5, motion_bucket=90, noise_aug=0.1)
BATCH, FRAMES, PROMPT, SIZE = 2, 3, 4, 32


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def images(*shape, seed=0):
    return random(*shape, seed=seed).clamp(-1, 1)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return SvdVideoModel.build(DEBUG, IDS).eval()
