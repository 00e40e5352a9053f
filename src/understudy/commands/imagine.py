"""`understudy imagine`: what a video model takes a human video to mean for a robot."""

import math
from pathlib import Path

__all__ = ["run"]


def run(
    prompt: Path,
    scene: Path,
    model: Path = Path("video_prompt_stage1_tiny"),
    out: Path = Path("imagined.mp4"),
    steps: int | None = None,
    guidance: tuple[float, float] | None = None,
    seed: int = 0,
) -> None:
    """Make the video of a robot that does in a scene what a person does in a video; nothing moves but pixels.

    Examples:
      understudy record-human --task push --seed 7 --out clip.mp4
      understudy show push --seed 7 --robot xarm7_xhand --out scene.png
      understudy imagine --prompt clip.mp4 --scene scene.png
      understudy imagine --prompt clip.mp4 --scene scene.png --model runs/video_prompt_stage1_tiny/policy --steps 25
      understudy imagine --prompt clip.mp4 --scene scene.png --guidance 1.5 1.5

    Args:
        prompt: Video of a person who does the task.
        scene: Image of the robot before it begins; the middle square is used.
        model: The video model: one that comes with the package, the policy/ folder of a run of stage 1 of video_prompt,
            or a folder in Stable Video Diffusion's published layout.
        out: Video to write: the prompt on the left, what was imagined on the right.
        steps: Passes through the video model; as many as its folder says by default (`tiny` 1, `paper` 50).
            One is the mean of what it expects, more are one draw of it.
        guidance: How strongly the video goes by the prompt: two weights, of its first frame and of its last.
            In every pass the model is asked with the prompt and without, and the video is the answer without plus that
            many times the difference (frames between have weights between), in twice the time. 0 0 is no prompt, 1 1
            the video that is made without this option; above 1 it shows more of what only this prompt brings to mind,
            far above 1 false colours and shapes. Only for models whose training left the prompt out now and
            then (losses.drop_prompt above 0). Where training left out the first frame as well, the answer without has
            no first frame either: so it is with Stable Video Diffusion, whose own weights are 1 3.
        seed: Of the noise that the video begins as; another seed, another draw.
    """
    from understudy.commands.learned import require_learn_extra

    require_learn_extra()
    from understudy.errors import UnderstudyError
    from understudy.methods.video_prompt.imagine import imagine, side_by_side
    from understudy.perception.picture import open_picture
    from understudy.perception.video import open_video
    from understudy.perception.video_writer import write_video

    if steps is not None and steps < 1:
        raise UnderstudyError(f"--steps {steps}: must be at least 1")
    if guidance is not None and not all(0 <= weight < math.inf for weight in guidance):
        raise UnderstudyError(f"--guidance {guidance[0]:g} {guidance[1]:g}: must be two numbers, 0 or above")
    video = open_video(prompt)
    shown, made = imagine(video, open_picture(scene), model, steps, seed, guidance)
    write_video(out, side_by_side(shown, made), len(made) * video.fps / video.num_frames)
    print(f"see {out}")
