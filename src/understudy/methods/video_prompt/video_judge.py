"""A small network that says what a robot's video shows: which skill, where the thing is that is handled, whose hand.

It is trained on true videos and asked about made ones, so it also sees true videos as the autoencoder gives them back,
and noise: what is made is less sharp than what is filmed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn

from understudy.networks.image_encoder import ColourJitter, ImageEncoder, random_colours, to_float
from understudy.networks.spatial_readout import SpatialReadout
from understudy.networks.transformer import Block, position_codes
from understudy.networks.video_diffusion.video_model import VideoModel

__all__ = ["TrueVideos", "Verdict", "VideoJudge", "train_judge"]

_WIDTH, _HEADS = 64, 4
_STAGES = ((24, 4), (48, 2), (64, 2))
_BATCH, _TOGETHER = 12, 8
_LEARNING_RATE, _NOISE, _JITTER = 1e-3, 0.08, 0.15


@dataclass(frozen=True)
class TrueVideos:
    """What a judge learns from."""

    videos: UInt8[np.ndarray, "N T S S 3"]
    skill: Int[np.ndarray, " N"]
    place_xy: Float[np.ndarray, "N 2"]
    """Where the target stands at first [m]."""
    is_robot: Bool[np.ndarray, " N"]
    """A person's video teaches what a person looks like, and nothing else."""


@dataclass(frozen=True)
class Verdict:
    """What a judge says of videos."""

    skill: Int[np.ndarray, " N"]
    place_xy: Float[np.ndarray, "N 2"]
    is_robot: Bool[np.ndarray, " N"]


class VideoJudge(nn.Module):
    """A video to numbers for every skill, a place, and one number that is positive for a robot."""

    mean: Float[Tensor, "2"]
    scale: Float[Tensor, "2"]

    def __init__(self, size: int, num_skills: int) -> None:
        """Make the network.

        Args:
            size: side of frames [px], a multiple of 16.
            num_skills: K.
        """
        super().__init__()
        self.frames = ImageEncoder(size, stages=_STAGES)
        self.flatten = nn.Linear(self.frames.size, _WIDTH)
        self.query = nn.Parameter(torch.randn(1, _WIDTH) * 0.02)
        self.blocks = nn.ModuleList([Block(_WIDTH, _HEADS) for _ in range(2)])
        self.readout = SpatialReadout(_WIDTH, _STAGES[-2][0], heads=4)
        self.norm = nn.LayerNorm(_WIDTH)
        self.out = nn.Linear(_WIDTH, num_skills + 3)
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("scale", torch.ones(2))

    def forward(
        self, videos_BTCSS: Float[Tensor, "B T 3 S S"]
    ) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B 2"], Float[Tensor, " B"]]:
        """Logits of skills, place in units of `mean` and `scale`, logit of a robot."""
        count, length = videos_BTCSS.shape[:2]
        maps = self.frames(videos_BTCSS.flatten(0, 1), videos_BTCSS[:, 0])
        fine, coarse = (part.unflatten(0, (count, length)) for part in maps[-2:])
        tokens = self.flatten(coarse.flatten(2))
        tokens = tokens + position_codes(torch.arange(length, device=tokens.device), _WIDTH)
        x = torch.cat([self.query.expand(count, -1, -1), tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        said = self.out(self.norm(self.readout(x[:, :1], fine)[:, 0]))
        return said[:, :-3], said[:, -3:-1], said[:, -1]

    @torch.inference_mode()
    def judge(self, videos_NTCSS: Float[Tensor, "N T 3 S S"]) -> Verdict:
        """What videos from -1 to 1 show."""
        parts = [self(some) for some in videos_NTCSS.split(_TOGETHER)]
        skill, place, robot = (torch.cat([part[i] for part in parts]) for i in range(3))
        place = place * self.scale + self.mean
        return Verdict(skill.argmax(1).numpy(), place.double().numpy(), (robot > 0).numpy())


def train_judge(true: TrueVideos, model: VideoModel, num_skills: int, steps: int, seed: int = 0) -> VideoJudge:
    """Train on true videos, half of them as the autoencoder of `model` gives them back.

    Args:
        true: videos of robots and of people.
        model: whose autoencoder it is.
        num_skills: K; skills of `true` lie below it.
        steps: of the optimiser, with 12 videos each.
        seed: of first weights, order, colours and noise.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = VideoJudge(true.videos.shape[2], num_skills)
    given_back = _given_back(true.videos, model)
    skill, robot = torch.from_numpy(true.skill), torch.from_numpy(true.is_robot)
    place = torch.from_numpy(true.place_xy).float()
    judge.mean.copy_(place.mean(0))
    judge.scale.copy_(place.std(0).clamp(min=1e-3))
    target = (place - judge.mean) / judge.scale
    optimiser = torch.optim.AdamW(judge.parameters(), _LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=max(steps, 4), pct_start=0.2)
    console = Console(stderr=True)
    for _ in track(range(steps), "judge of made videos", console=console, transient=True):
        chosen = torch.randint(len(skill), (_BATCH,), generator=generator)
        rows = chosen.numpy()
        blurred = torch.rand(_BATCH, generator=generator) < 0.5
        clips = np.where(blurred.numpy()[:, None, None, None, None], given_back[rows], true.videos[rows])
        videos = to_float(torch.from_numpy(clips), random_colours(_BATCH, ColourJitter(_JITTER), generator))
        skills, places, robots = judge(videos + _NOISE * torch.randn(videos.shape, generator=generator))
        of_robot = robot[chosen].float()
        wrong = nn.functional.cross_entropy(skills, skill[chosen], reduction="none", label_smoothing=0.05)
        off = (places - target[chosen]).square().sum(1)
        loss = ((wrong + off) * of_robot).sum() / of_robot.sum().clamp(min=1)
        loss = loss + nn.functional.binary_cross_entropy_with_logits(robots, of_robot)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return judge.eval()


@torch.inference_mode()
def _given_back(videos: UInt8[np.ndarray, "N T S S 3"], model: VideoModel) -> UInt8[np.ndarray, "N T S S 3"]:
    found = []
    for start in range(0, len(videos), _TOGETHER):
        decoded = model.decode(model.encode(to_float(torch.from_numpy(videos[start : start + _TOGETHER]))))
        found.append(((decoded.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).movedim(2, -1).numpy())
    return np.concatenate(found)
