"""z of prompts and scenes that a policy has met before: the video model, which is large, is asked once for each pair.

Training keeps z on disk, named by the recordings that it is of (`z_draws.py`). Who acts knows of no recording: here z
is named by the pictures themselves.
"""

import hashlib
from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor

from understudy.methods.video_prompt.representation import Representation

__all__ = ["ZMemory"]

_MOST = 64
"""Pairs that are kept; z of one has 4096 numbers."""


class ZMemory:
    """Z of a prompt and a scene: from memory if the same two were among the last that were asked for, else made."""

    def __init__(self, representation: Representation) -> None:
        """Nothing is remembered yet.

        Args:
            representation: makes z; its weights stay as they are, or what is kept would not be its z.
        """
        self._representation = representation
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()

    def z(self, prompt_1NCSS: Float[Tensor, "1 N 3 S S"], scene_1CSS: Float[Tensor, "1 3 S S"]) -> Float[Tensor, "1 Z"]:
        """As `Representation` gives it; not to be written into.

        Args:
            prompt_1NCSS: frames of the clip at even times, -1 to 1.
            scene_1CSS: the robot's scene.
        """
        name = _digest(prompt_1NCSS, scene_1CSS)
        if name not in self._kept:
            self._kept[name] = self._representation(prompt_1NCSS, scene_1CSS)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]


def _digest(*images: Tensor) -> bytes:
    """Of every number; shapes are those of the representation."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(image.cpu().numpy().tobytes())
    return digest.digest()
