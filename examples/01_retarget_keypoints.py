"""From 21 keypoints in the robot's base frame to joints: a hand that closes while it moves over the table.

Any tracker will do: what retargeting needs are the keypoints, their times, and which frames have a hand.

Usage: python examples/01_retarget_keypoints.py [robot]
"""

import sys

import numpy as np

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.records import FrameStatus
from understudy.retargeting.retarget import retarget_hand

NUM_FRAMES = 40
PALM_DOWN = np.diag([1.0, -1.0, -1.0])


def main(robot: str = "xarm7_xhand") -> None:
    time_s = np.arange(NUM_FRAMES) / 20
    joints = np.linspace(0.0, 0.8, NUM_FRAMES)[:, None] * np.tile([0.0, 1.0, 1.0, 0.5], 5)
    path = np.stack([np.linspace(0.35, 0.5, NUM_FRAMES), np.full(NUM_FRAMES, 0.1), np.full(NUM_FRAMES, 0.25)], axis=-1)
    keypoints = HandSkeleton().keypoints(joints) @ PALM_DOWN + path[:, None]
    status = np.full(NUM_FRAMES, FrameStatus.OK, dtype=np.int8)
    status[10:13] = FrameStatus.NO_HAND  # a gap stays a gap

    trajectory = retarget_hand(keypoints, status, time_s, robot)
    for index in range(0, NUM_FRAMES, 4):
        name = FrameStatus(trajectory.status[index]).name
        print(f"{trajectory.time_s[index]:5.2f} s  {name:8} tips off by {1e3 * trajectory.residual_m[index]:5.1f} mm")
    print(*trajectory.notes, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
