"""Records a person and a robot doing the same thing in the same layouts, and reads the pair back.

Usage: python examples/04_record_and_read.py [task] [robot] [folder]
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from understudy.episodes.reader import EpisodeReader
from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.recorder import record

IMAGE = "observation.images.front"


def main(task: str = "press_button", robot: str = "xarm7_gripper", folder: str = "") -> None:
    # Small and without the hand tracker, so that it takes seconds; `understudy record` has the same options.
    plan = RecordingPlan(
        (task,), ("human_hand", robot), size=64, human_size=64, human_frames=8, track=False, disturb=0.15
    )
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(folder or temporary)
        report = record(plan, out, episodes=1, processes=1)
        print(f"{report.new_episodes} new pair, {report.new_frames} frames, experts that failed: {report.failures}")
        person, actor = (EpisodeReader(out / name) for name in plan.embodiments)
        for reader in (person, actor):
            episode = reader.episode(0)
            print(f'{reader.robot_type}: "{episode.task}", {episode.length} frames, seed {episode.metadata["seed"]}')
            print("   images", reader.frames(IMAGE, 0, [0, episode.length - 1]).shape)
        # What is learned from: the robot's state before each action. What is true: for judging, not for learning.
        state, action = actor.column("observation.state", 0), actor.column("action", 0)
        pushed = np.abs(actor.column("truth.executed", 0) - action).max(axis=1) > 0
        print(f"   state {state.shape}, action {action.shape}, {pushed.sum()} steps pushed off the path")
        points = actor.column("truth.points", 0).reshape(len(action), -1, 3)
        print(f"   {points.shape[1]} points, {points[..., 2].mean():.0%} of them visible")
        # The same command goes on where it stopped: nothing is made twice.
        del person, actor
        print(f"again: {record(plan, out, episodes=1, processes=1).new_episodes} new pairs")


if __name__ == "__main__":
    main(*sys.argv[1:])
