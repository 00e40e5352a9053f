"""understudy: a robot learns to do a thing by watching a video of a person doing it.

HumanVideo --perception--> HandTrack --retargeting--> RobotTrajectory --simulation--> Episode --episodes--> windows
                                                                                         |
      EvalReport <--evaluation-- Policy <--training-- methods/<m> (model, loss, policy) <-+
"""

from understudy.records import ActionChunk, Camera, HandTrack, HumanVideo, Observation, RobotTrajectory

__all__ = ["ActionChunk", "Camera", "HandTrack", "HumanVideo", "Observation", "RobotTrajectory", "__version__"]

__version__ = "0.1.0"
