"""`understudy demo`: the whole idea on one page."""

from pathlib import Path

__all__ = ["run"]


def run(out: Path = Path("demo"), first_seed: int | None = None, policy: str = "video_prompt_tiny") -> None:
    """People do tasks on video in layouts that nobody has looked at; a robot watches and does them in physics.

    Writes a page that opens from disk, without a network. By a policy that was trained on videos: three layouts under
    two videos each, the right one and one of something else that the same table allows; the video, what the policy
    imagines and what the robot does stand side by side. By `kinematic`: prompt, tracked hand and two robots, for three
    tasks. Failures are shown as they are. A folder holds one kind of demo: the other is refused.

    Examples:
      understudy demo
      understudy demo --out /tmp/demo --policy runs/my_run/policy
      understudy demo --out /tmp/replay --policy kinematic

    Args:
        out: Folder for the page and its videos.
        first_seed: Layout of the first task, to repeat a demo; drawn anew from the test range by default.
        policy: Who acts: name or folder of a policy that was trained on videos, or `kinematic`, which replays the
            tracked hand.
    """
    from understudy.evaluation.rows import policy_folder

    if policy_folder(policy) is None:
        from understudy.evaluation.demo import make_demo

        print(f"open {make_demo(out, first_seed)}")
    else:
        from understudy.evaluation.prompted_demo import make_prompted_demo

        print(f"open {make_prompted_demo(out, policy, first_seed)}")
