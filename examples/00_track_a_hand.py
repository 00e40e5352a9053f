"""Where is the hand, in metres, in a plain video?

Usage: python examples/00_track_a_hand.py my.mp4 [vertical field of view in degrees]
"""

import sys
from pathlib import Path

import numpy as np

from understudy.perception.track import track_hand
from understudy.perception.video import open_video


def main(path: str, fov_deg: str | None = None) -> None:
    track = track_hand(open_video(Path(path)), fov_deg=float(fov_deg) if fov_deg else None)
    print(f"{track.handedness} hand in {track.valid.mean():.0%} of {track.num_frames} frames")
    for index in np.flatnonzero(track.valid)[:: max(track.num_frames // 10, 1)]:
        x, y, z = track.T_camera_wrist[index, :3, 3]
        std = track.wrist_std_m[index, 2]
        print(f"{track.time_s[index]:6.2f} s  wrist at {x:+.3f} {y:+.3f} {z:.3f} m, depth +- {std:.3f} m")


if __name__ == "__main__":
    main(*sys.argv[1:])
