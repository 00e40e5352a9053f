r"""A picture of what stage 1 of video_prompt makes of layouts that it never saw: one layout of each skill.

    understudy record --split test --task pick_place,push,press_button,pour,flip_cup --episodes 5 --no-track \
        --no-points --embodiments human_hand,xarm7_xhand --human-size 96 --human-frames 20 --first-seed 2300900 \
        --out data/stage1_sheet
    python benchmarks/stage1_sheet.py --test data/stage1_sheet --out docs/media/stage1.webp

Rows: the prompt; the robot, filmed; the robot as made from the prompt and its first image, by 1 and by 25 passes; and
as made from its own clip.
"""

import argparse
import sys
from pathlib import Path

import torch
from jaxtyping import UInt8
from numpy import ndarray

from understudy.episodes.shown_layouts import PERSON, ShownLayouts
from understudy.errors import UnderstudyError
from understudy.evaluation.clip_sheet import Strip, write_clip_sheet
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.networks.image_encoder import to_float
from understudy.networks.video_diffusion.video_model import VideoModel, sample_video


@torch.inference_mode()
def imagine(
    model: VideoModel, prompt: UInt8[ndarray, "T S S 3"], scene: UInt8[ndarray, "S S 3"], steps: int
) -> UInt8[ndarray, "T S S 3"]:
    """The clip that follows on `scene` as in `prompt`."""
    frames, first = (to_float(torch.from_numpy(images)[None]) for images in (prompt, scene[None]))
    latents, tokens = model.encode(first)[:, 0], model.prompt_tokens(frames, first[:, 0])
    generator = torch.Generator().manual_seed(0)
    made = model.decode(sample_video(model, latents, tokens, len(prompt), steps, generator))
    return ((made[0].clamp(-1, 1) + 1) * 127.5).byte().movedim(1, -1).numpy()


def draw(options: argparse.Namespace) -> None:
    """Write the sheet."""
    representation = read_representation(options.representation)
    model, length = representation.model, representation.config.num_frames
    shown = ShownLayouts([options.test], options.robot, "test", model.image_size, length)
    first = {layout.skill: index for index, layout in reversed(list(enumerate(shown.layouts)))}
    blocks: list[list[Strip]] = []
    for skill in sorted(first):
        person, robot = (shown.clips(name, [first[skill]])[0] for name in (PERSON, options.robot))
        blocks.append(
            [
                (f"prompt: {shown.layouts[first[skill]].label}", person),
                ("robot, filmed", robot),
                ("made from the prompt: 1 pass", imagine(model, person, robot[0], 1)),
                ("made from the prompt: 25 passes", imagine(model, person, robot[0], 25)),
                ("made from the robot's own clip: 1 pass", imagine(model, robot, robot[0], 1)),
            ]
        )
    write_clip_sheet(options.out, blocks)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pretrained = Path("src/understudy/pretrained/video_prompt_stage1_tiny")
    parser.add_argument("--representation", type=Path, default=pretrained, help="what stage 1 exported")
    parser.add_argument("--test", type=Path, required=True, help="recording of the split test")
    parser.add_argument("--robot", default="xarm7_xhand")
    parser.add_argument("--out", type=Path, required=True, help="picture (.webp, .png)")
    try:
        draw(parser.parse_args())
    except UnderstudyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
