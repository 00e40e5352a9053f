"""`understudy imagine`: what a video model takes a human video to mean for a robot."""

from pathlib import Path

__all__ = ["run"]


def run(
    prompt: Path,
    scene: Path,
    model: Path = Path("video_prompt_stage1_tiny"),
    out: Path = Path("imagined.mp4"),
    steps: int | None = None,
    seed: int = 0,
) -> None:
    """Make the video of a robot that does in a scene what a person does in a video; nothing moves but pixels.

    Examples:
      understudy record-human --task push --seed 7 --out clip.mp4
      understudy show push --seed 7 --robot xarm7_xhand --out scene.png
      understudy imagine --prompt clip.mp4 --scene scene.png
      understudy imagine --prompt clip.mp4 --scene scene.png --model runs/video_prompt_stage1_tiny/policy --steps 25

    Args:
        prompt: Video of a person who does the task.
        scene: Image of the robot before it begins; the middle square is used.
        model: The video model: one that comes with the package, the policy/ folder of a run of stage 1 of video_prompt,
            or a folder in Stable Video Diffusion's published layout.
        out: Video to write: the prompt on the left, what was imagined on the right.
        steps: Passes through the video model; as many as its folder says by default (`tiny` 1, `paper` 50).
            One is the mean of what it expects, more are one draw of it.
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
    video = open_video(prompt)
    shown, made = imagine(video, open_picture(scene), model, steps, seed)
    write_video(out, side_by_side(shown, made), len(made) * video.fps / video.num_frames)
    print(f"see {out}")
