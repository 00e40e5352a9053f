"""A person demonstrates on the tabletop; a robot does it, from the person's true hand and from pixels alone.

Usage: python examples/02_robot_does_what_the_person_did.py [task] [seed] [robot]
"""

import sys
import tempfile
from pathlib import Path

from understudy.evaluation.rollout import run_rollout
from understudy.methods import make_policy
from understudy.perception.video import open_video, write_video
from understudy.simulation.human import record_human
from understudy.simulation.tabletop import Tabletop


def main(task: str = "push", seed: str = "7", robot: str = "xarm7_gripper") -> None:
    demonstration = record_human(task, int(seed))
    table = Tabletop(task, int(seed), robot, image_size=512)
    print(table.label)
    print("from the true hand:", run_rollout(table, make_policy("kinematic", robot), demonstration.track))
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_video(clip, demonstration.frames, demonstration.fps)
        print("from pixels:       ", run_rollout(table, make_policy("kinematic", robot), open_video(clip)))
    table.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
