"""The two observations that a policy with a short history looks at: the present one and the one it acted on before."""

import numpy as np
from jaxtyping import Float, UInt8

from understudy.episodes.normalisation import Normalisation
from understudy.episodes.square_image import square_image
from understudy.errors import UnderstudyError
from understudy.records import Observation

__all__ = ["ObservationPair"]


class ObservationPair:
    """Empty at the beginning of an episode; the first observation stands for both."""

    def __init__(self) -> None:
        self._before: tuple[UInt8[np.ndarray, "S S 3"], Float[np.ndarray, " A"]] | None = None

    def add(
        self, observation: Observation, normalisation: Normalisation, size: int
    ) -> tuple[UInt8[np.ndarray, "2 S S 3"], Float[np.ndarray, "2 A"]]:
        """Images and normalised states, the earlier one first.

        Raises:
            UnderstudyError: an observation without proprioception, or of another robot.
        """
        state = observation.proprioception
        if state is None or len(state) != len(normalisation.names):
            length = "none" if state is None else str(len(state))
            raise UnderstudyError(f"the policy needs a robot state of {len(normalisation.names)} numbers, not {length}")
        now = square_image(observation.image, size), normalisation.apply(state)
        before = self._before or now
        self._before = now
        return np.stack([before[0], now[0]]), np.stack([before[1], now[1]])
