r"""What stage 1 of video_prompt has learned, on layouts that it never saw.

1. How much nearer the video that is made comes to the true one than the first frame held still (PSNR, in dB), from
   another embodiment's clip and from its own, by 1 and by 25 passes; the autoencoder's own error is the ceiling.
2. Where the robot's wrist is in the videos that are made: a small network that was trained on true frames reads it off.
3. Linear probes of z: which skill, what is touched and where, and where it is to end. They learn on other recordings,
   `--probes`, and are tested on all layouts of `--test`; without one, half of the layouts train the probes
   and the other half test them. The same probes on the autoencoder's latents of the prompt say what the video model
   adds to it with the robot's scene (`representation_probes`, also in `understudy represent`).

    understudy record --split test --task pick_place,push,press_button --embodiments human_hand,xarm7_xhand \
        --episodes 200 --no-track --no-points --human-size 96 --human-frames 20 --out data/stage1_test
    python benchmarks/stage1.py --representation runs/video_prompt_stage1_tiny/policy --train data/tabletop \
        --test data/stage1_test --probes data/unseen --out results/stage1.json
"""

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.shown_layouts import ShownLayouts, halves
from understudy.episodes.windows import even_frames
from understudy.errors import UnderstudyError
from understudy.evaluation.representation_probes import probe_cells
from understudy.evaluation.result_file import make_report, merge_cells, refuse_other_settings
from understudy.methods.video_prompt.embedding import embed
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.image_encoder import ImageEncoder, to_float
from understudy.networks.spatial_readout import SpatialReadout
from understudy.networks.video_diffusion.video_model import sample_video
from understudy.records import EvalCell

IMAGES, PERSON, ROBOT = "observation.images.front", "human_hand", "xarm7_xhand"
STEPS = (1, 25)
TOGETHER = 8


class Clips:
    """The clips and facts of one recording at the size of the video model."""

    def __init__(self, root: Path, robot: str, size: int, length: int) -> None:
        self.readers = {name: EpisodeReader(root / name) for name in (PERSON, robot)}
        self.caches = {name: FrameCache(reader, IMAGES, size) for name, reader in self.readers.items()}
        self.robot, self.length = robot, length

    def __len__(self) -> int:
        return self.readers[self.robot].num_episodes

    def clip(self, name: str, index: int) -> torch.Tensor:
        """(T, 3, S, S) in -1 to 1, at even times."""
        frames = self.caches[name].episode(index)
        return to_float(torch.from_numpy(frames[even_frames(len(frames), self.length)])[None])[0]

    def wrists(self, index: int) -> np.ndarray:
        """(T, 3) in the robot's base frame [m], at the same times as the robot's clip."""
        states = self.readers[self.robot].column("observation.state", index)
        return states[even_frames(len(states), self.length), :3]


class WristReader(nn.Module):
    """An image to the place of the wrist in it [m]."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.images = ImageEncoder(size, stages=((32, 4), (64, 1), (64, 2)))
        self.query = nn.Parameter(torch.randn(1, 64) * 0.02)
        self.readout = SpatialReadout(64, 64, heads=4)
        self.whole = nn.Linear(self.images.size, 64)
        self.out = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 3))

    def forward(self, images_BCSS: torch.Tensor) -> torch.Tensor:
        """(B, 3)."""
        maps = self.images(images_BCSS, torch.zeros_like(images_BCSS))
        query = self.whole(maps[-1].flatten(1))[:, None] + self.query
        return self.out(self.readout(query, maps[-2][:, None])[:, 0])


def train_reader(clips: Clips, minutes: float) -> tuple[WristReader, torch.Tensor, torch.Tensor]:
    """On single frames of a training recording; returns mean and scale of its output, too."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    states = np.concatenate([clips.wrists(index) for index in range(len(clips))])
    mean, scale = (torch.from_numpy(values).float() for values in (states.mean(0), states.std(0)))
    reader = WristReader(clips.caches[clips.robot].episode(0).shape[1])
    optimiser = torch.optim.AdamW(reader.parameters(), 1e-3)
    started = time.monotonic()
    while (past := (time.monotonic() - started) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * (1 - past)
        chosen = rng.integers(0, len(clips), 12)
        frames = torch.cat([clips.clip(clips.robot, int(index)) for index in chosen])
        true = torch.from_numpy(np.concatenate([clips.wrists(int(index)) for index in chosen])).float()
        noise = 0.1 * torch.randn_like(frames)  # what is made is not as sharp as what is filmed
        loss = (reader(frames + noise) - (true - mean) / scale).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return reader.eval(), mean, scale


def psnr(made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """(B,) in dB, over frames after the first; ranges are -1 to 1."""
    error = (made[:, 1:] - true[:, 1:]).square().flatten(1).mean(1)
    return 10 * torch.log10(4 / error.clamp(min=1e-10))


@torch.inference_mode()
def measure_videos(
    representation: Representation,
    clips: Clips,
    reader: WristReader,
    mean: torch.Tensor,
    scale: torch.Tensor,
    pairs: int,
) -> Iterator[EvalCell]:
    """Part 1 and 2."""
    model, robot = representation.model, clips.robot
    indices = range(min(pairs, len(clips)))
    true = torch.stack([clips.clip(robot, index) for index in indices])
    wrists = torch.from_numpy(np.stack([clips.wrists(index) for index in indices])).float()

    def hand_error(videos: torch.Tensor) -> float:
        found = torch.stack([reader(video) for video in videos]) * scale + mean
        return float((found - wrists).norm(dim=-1)[:, 1:].median())

    still = psnr(true[:, :1].expand_as(true), true)
    again = torch.cat([model.decode(model.encode(part)) for part in true.split(TOGETHER)])
    for row, videos in (("true_frames", true), ("first_frame", true[:, :1].expand_as(true)), ("autoencoder", again)):
        if row == "autoencoder":
            yield EvalCell(row, "psnr_gain_db", float((psnr(videos, true) - still).mean()), robot=robot, n=len(true))
        yield EvalCell(row, "hand_error_m_p50", hand_error(videos), robot=robot, n=len(true))
    for source, row in ((PERSON, "cross_prediction"), (robot, "same_embodiment")):
        prompts = torch.stack([clips.clip(source, index) for index in indices])
        for steps in STEPS:
            made = []
            for part, prompt in zip(true.split(TOGETHER), prompts.split(TOGETHER), strict=True):
                first = model.encode(part[:, :1])[:, 0]
                tokens = model.prompt_tokens(prompt, part[:, 0])
                generator = torch.Generator().manual_seed(0)
                made.append(model.decode(sample_video(model, first, tokens, clips.length, steps, generator)))
            videos, name = torch.cat(made), f"{row}_{steps}_steps"
            gain = float((psnr(videos, true) - still).mean())
            yield EvalCell(name, "psnr_gain_db", gain, robot=robot, n=len(true))
            yield EvalCell(name, "hand_error_m_p50", hand_error(videos), robot=robot, n=len(true))


def measure(options: argparse.Namespace) -> list[EvalCell]:
    """All three parts."""
    representation = read_representation(options.representation)
    size, length = representation.model.image_size, representation.config.num_frames
    reader, mean, scale = train_reader(Clips(options.train, options.robot, size, length), options.minutes)
    clips = Clips(options.test, options.robot, size, length)
    shown = ShownLayouts([*options.probes, options.test], options.robot, "", size, length)
    train = (
        np.array([layout.root != options.test for layout in shown.layouts]) if options.probes else halves(shown.layouts)
    )
    embedding = embed(representation, shown, train)
    return [
        *measure_videos(representation, clips, reader, mean, scale, options.pairs),
        *probe_cells(embedding, shown.layouts, train, options.robot),
    ]


def main() -> None:
    """Measure, and put the cells into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--representation", type=Path, required=True, help="what stage 1 exported")
    parser.add_argument("--train", type=Path, required=True, help="recording that the reader of wrists is trained on")
    parser.add_argument("--test", type=Path, required=True, help="recording of layouts that nothing was trained on")
    parser.add_argument(
        "--probes",
        type=Path,
        nargs="*",
        default=[],
        help="recordings for the probes to learn on; half of the layouts of --test without",
    )
    parser.add_argument("--robot", default=ROBOT)
    parser.add_argument("--pairs", type=int, default=48, help="videos that are made")
    parser.add_argument("--minutes", type=float, default=3.0, help="training time of the reader of wrists")
    parser.add_argument("--out", type=Path, required=True, help="result file; other cells of it are kept")
    options = parser.parse_args()
    words: list[str] = []
    for name, value in vars(options).items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *map(str, values)] if values else []
    command = shlex.join(["python", "benchmarks/stage1.py", *words])
    started = time.monotonic()
    try:
        refuse_other_settings(options.out, command, {"--test": "", "--probes": "", "--robot": ROBOT})
        cells = measure(options)
        merge_cells(options.out, make_report("stage1", command, (time.monotonic() - started) / 60, cells))
    except UnderstudyError as error:
        sys.exit(str(error))
    for cell in cells:
        print(f"{cell.row:24} {cell.metric:22} {cell.value:.4g}")


if __name__ == "__main__":
    main()
