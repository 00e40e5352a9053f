"""Images of the fixed camera: one renderer per model and size, images averaged down from larger ones."""

import atexit
import weakref

import cv2
import mujoco
import numpy as np
from jaxtyping import UInt8

from understudy.errors import UnderstudyError

__all__ = ["SUPERSAMPLING", "SceneRenderer", "open_renderer"]

SUPERSAMPLING = 2
"""Images are rendered at twice the size and averaged: as smooth as multisampling and cheaper."""
_SMALL = 256
"""Images up to this size [px] have the smaller shadow map."""
_SHADOW_MAP, _SMALL_SHADOW_MAP = 1024, 512
"""Width of the shadow map [texels]; it covers 1.8 m of the table, which is about as wide in the image."""
_HELP = (
    "cannot make an OpenGL context ({error}): on Debian or Ubuntu run "
    "`apt-get install -y --no-install-recommends libegl1 libgl1-mesa-dri libopengl0` "
    "and set MUJOCO_GL=egl before MuJoCo is imported"
)
_open: "weakref.WeakSet[SceneRenderer]" = weakref.WeakSet()


def open_renderer(model: mujoco.MjModel, side: int) -> mujoco.Renderer:
    """MuJoCo's renderer for square images of `side` pixels.

    Raises:
        UnderstudyError: no OpenGL context can be made; says what to install.
    """
    try:
        return mujoco.Renderer(model, side, side)
    except (mujoco.FatalError, AttributeError, ImportError, RuntimeError) as error:
        raise UnderstudyError(
            _HELP.format(error=str(error).splitlines()[0] if str(error) else "no reason given")
        ) from error


class SceneRenderer:
    """Renders the camera `fixed` of one model as square images; close it when done."""

    def __init__(self, model: mujoco.MjModel, size: int, supersampling: int = SUPERSAMPLING) -> None:
        """Make an OpenGL context.

        Args:
            model: as `build_scene` compiles it.
            size: width and height of the images, 16 to 1024 px.
            supersampling: 2 for smooth edges; 1 is rough and 2 to 3 times as fast.
        """
        if not 16 <= size <= 1024:
            raise UnderstudyError(f"image size {size} px: must lie in 16 to 1024")
        self.size = size
        self._factor = supersampling
        # Read when the context is made. Shadows are most of the cost of a small image, which shows no finer ones.
        model.vis.quality.shadowsize = _SHADOW_MAP if size > _SMALL else _SMALL_SHADOW_MAP
        # No larger than needed: buffers of 2048 pixels are 50 MB and 30 ms for every context.
        model.vis.global_.offwidth = model.vis.global_.offheight = size * supersampling
        self._renderer = open_renderer(model, size * self._factor)
        self._option = mujoco.MjvOption()
        self._option.sitegroup[:] = 0
        self._option.geomgroup[:] = 0
        self._option.geomgroup[[0, 2]] = 1
        self._closed = False
        _open.add(self)

    def render(self, data: mujoco.MjData) -> UInt8[np.ndarray, "S S 3"]:
        """RGB of the scene as `data` has it; `data` must be forwarded (`mj_forward` or a step)."""
        self._renderer.update_scene(data, camera="fixed", scene_option=self._option)
        image = self._renderer.render()
        return (
            cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
            if self._factor > 1
            else image.copy()
        )

    def close(self) -> None:
        """Free the context; further calls do nothing."""
        if not self._closed:
            self._closed = True
            self._renderer.close()


@atexit.register
def _close_all() -> None:
    """An open context at interpreter exit prints exceptions."""
    for renderer in list(_open):
        renderer.close()
