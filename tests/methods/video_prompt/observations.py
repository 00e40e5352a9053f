"""What a policy sees, of random pictures."""

import numpy as np
from tests.episodes.acted_recording import SIZE

from understudy.records import Observation
from understudy.simulation.scene import tabletop_camera


def observation(seed):
    image = np.random.default_rng(seed).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
    return Observation(image, tabletop_camera(SIZE), 0.0, None)
