"""HandTrack -> RobotTrajectory: one optimisation with named terms, solved by compiled code.

kinematics.py      the robot as a tree of joints: forward kinematics and analytic Jacobians
terms.py           what is to be alike in human and robot, with the equations
solver.py          box-constrained Levenberg-Marquardt, frame after frame, one or many trajectories
grasp.py           when the hand holds something
retarget.py        `retarget_hand`: all of it, for every robot
retime.py          slow down, dwell, sample at a control rate
placement.py       where a clip without a known camera is put; mirror.py: left hands
"""

from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.grasp import detect_grasps
from understudy.retargeting.kinematics import KinematicTree
from understudy.retargeting.retarget import retarget_hand
from understudy.retargeting.retime import resample

__all__ = ["KinematicTree", "RetargetConfig", "detect_grasps", "resample", "retarget_hand"]
