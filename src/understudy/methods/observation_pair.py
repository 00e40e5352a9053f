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
        self._image: UInt8[np.ndarray, "S S 3"] | None = None
        self._state: Float[np.ndarray, " A"] | None = None

    def add(
        self, observation: Observation, normalisation: Normalisation | None, size: int
    ) -> tuple[UInt8[np.ndarray, "2 S S 3"], Float[np.ndarray, "2 A"] | None]:
        """Images and normalised states, the earlier one first.

        Args:
            observation: the present one.
            normalisation: of states; None leaves them out.
            size: of the images [px].

        Raises:
            UnderstudyError: states are wanted, and the observation has none, or that of another robot.
        """
        image = square_image(observation.image, size)
        before = image if self._image is None else self._image
        self._image = image
        images = np.stack([before, image])
        return images, None if normalisation is None else self._states(observation, normalisation)

    def _states(self, observation: Observation, normalisation: Normalisation) -> Float[np.ndarray, "2 A"]:
        state = observation.proprioception
        if state is None or len(state) != len(normalisation.names):
            length = "none" if state is None else str(len(state))
            raise UnderstudyError(f"the policy needs a robot state of {len(normalisation.names)} numbers, not {length}")
        now = normalisation.apply(state)
        before = now if self._state is None else self._state
        self._state = now
        return np.stack([before, now])
