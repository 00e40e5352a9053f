"""True point tracks: points on what the camera sees, followed through the episode, with whether each is in sight.

Every `_BIRTH_EVERY` frames the camera's image is segmented; pixels drawn from it become points that are fixed to the
body they lie on (a point on the skin of a hand: to the nearest bone). Where a point is in any frame follows from the
pose of its body; it is visible where the depth image says that nothing stands before it.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Bool, Float, Int

from understudy.geometry.cameras import camera_ray, project, resize_camera
from understudy.geometry.transforms import apply_transform, inverse_transform, make_transform
from understudy.records import Camera
from understudy.simulation.scene import Scene

__all__ = ["NUM_POINTS", "STREAM_POINTS", "PointTracker", "point_names"]

NUM_POINTS = 64
"""Points of an episode."""
STREAM_POINTS = 12
"""Stream of `layout_rng` that points are drawn from."""
_SHARES = {"actor": 24, "item": 28, "room": 12}
"""How many of them lie on the hand or robot, on the things of the layout, and on the table and what is around it."""
_DEPTH_SIZE = 128
"""Width and height of the depth images [px]."""
_TOLERANCE_M = 0.012
"""A point so far behind the surface in the depth image still counts as on it: two pixels of that image at 1 m."""
_BIRTH_EVERY = 12
_LARGEST_ITEM = 3
"""Bodies that a thing on the table may consist of; a button has two."""
_SKIN, _GEOM = int(mujoco.mjtObj.mjOBJ_SKIN), int(mujoco.mjtObj.mjOBJ_GEOM)


def point_names() -> tuple[str, ...]:
    """Names of the numbers of `truth.points`."""
    return tuple(f"point_{i}.{part}" for i in range(NUM_POINTS) for part in ("u", "v", "visible"))


@dataclass(frozen=True)
class _Births:
    """Candidates of one frame."""

    body: Int[np.ndarray, " N"]
    kind: np.ndarray
    """`actor`, `item` or `room`."""
    p_body: Float[np.ndarray, "N 3"]


class PointTracker:
    """Watches one episode frame by frame; call `close` when done."""

    def __init__(self, scene: Scene, camera: Camera) -> None:
        """Make an OpenGL context.

        Args:
            scene: the episode's.
            camera: of the images that the points are given in; square.
        """
        self._scene, self._camera = scene, camera
        assert camera.T_world_camera is not None
        self._T_world_camera = camera.T_world_camera
        self._K_depth = resize_camera(camera, _DEPTH_SIZE, _DEPTH_SIZE).K
        scene.model.vis.global_.offwidth = scene.model.vis.global_.offheight = _DEPTH_SIZE
        self._renderer = mujoco.Renderer(scene.model, _DEPTH_SIZE, _DEPTH_SIZE)
        self._renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self._option = mujoco.MjvOption()
        self._option.sitegroup[:] = 0
        self._option.geomgroup[:] = 0
        self._option.geomgroup[[0, 2]] = 1
        self._kinds = _kinds(scene)
        self._poses: list[Float[np.ndarray, "B 4 4"]] = []
        self._depth: list[Float[np.ndarray, "D D"]] = []
        self._births: list[_Births] = []

    def add(self, data: mujoco.MjData) -> None:
        """Look at the next frame; `data` must be forwarded."""
        self._renderer.update_scene(data, camera="fixed", scene_option=self._option)
        self._renderer.enable_depth_rendering()
        depth = self._renderer.render().astype(float)
        self._renderer.disable_depth_rendering()
        poses = make_transform(data.xmat.reshape(-1, 3, 3).copy(), data.xpos.copy())
        if len(self._poses) % _BIRTH_EVERY == 0:
            self._renderer.enable_segmentation_rendering()
            self._births.append(self._candidates(self._renderer.render(), depth, poses))
            self._renderer.disable_segmentation_rendering()
        self._poses.append(poses)
        self._depth.append(depth)

    def close(self) -> None:
        """Free the context."""
        self._renderer.close()

    def tracks(self, rng: np.random.Generator) -> Float[np.ndarray, "T 192"]:
        """`truth.points`: (u, v) [px] and 1 or 0 for visible, for each of 64 points in every frame."""
        p_camera, seen = self.follow(rng)
        pixels = project(self._camera.K, p_camera)
        return np.concatenate([pixels, seen[..., None]], axis=-1).reshape(len(seen), -1)

    def follow(self, rng: np.random.Generator) -> tuple[Float[np.ndarray, "T P 3"], Bool[np.ndarray, "T P"]]:
        """Points in the camera frame [m], and whether each is visible."""
        body, p_body = self._choose(rng)
        poses, depth = np.stack(self._poses), np.stack(self._depth)
        p_world = apply_transform(poses[:, body], p_body[None, :, None])[:, :, 0]
        p_camera = apply_transform(inverse_transform(self._T_world_camera), p_world)
        return p_camera, self._visible(p_camera, depth)

    def _visible(
        self, p_camera: Float[np.ndarray, "T P 3"], depth: Float[np.ndarray, "T D D"]
    ) -> Bool[np.ndarray, "T P"]:
        pixels = project(self._K_depth, p_camera)
        inside = ((pixels > -0.5) & (pixels < _DEPTH_SIZE - 0.5)).all(axis=-1)
        column, row = np.moveaxis(np.clip(pixels.round(), 0, _DEPTH_SIZE - 1).astype(int), -1, 0)
        return inside & (p_camera[..., 2] < depth[np.arange(len(depth))[:, None], row, column] + _TOLERANCE_M)

    def _candidates(
        self, segments: Int[np.ndarray, "D D 2"], depth: Float[np.ndarray, "D D"], poses: Float[np.ndarray, "B 4 4"]
    ) -> _Births:
        """Every pixel of a frame as a point fixed to a body."""
        row, column = np.nonzero(np.isin(segments[..., 1], (_GEOM, _SKIN)))
        thing, kind = segments[row, column].T
        rays = camera_ray(self._K_depth, np.stack([column, row], axis=-1).astype(float))
        p_world = apply_transform(self._T_world_camera, rays * depth[row, column, None])
        body = np.where(kind == _GEOM, self._scene.model.geom_bodyid[np.where(kind == _GEOM, thing, 0)], 0)
        skin = np.flatnonzero(kind == _SKIN)
        if skin.size:
            bones = np.flatnonzero(self._kinds == "actor")
            far = np.linalg.norm(p_world[skin, None] - poses[bones][:, :3, 3], axis=-1)
            body[skin] = bones[far.argmin(axis=1)]
        p_body = apply_transform(inverse_transform(poses[body]), p_world[:, None])[:, 0]
        return _Births(body, self._kinds[body], p_body)

    def _choose(self, rng: np.random.Generator) -> tuple[Int[np.ndarray, " P"], Float[np.ndarray, "P 3"]]:
        """Points of all kinds, each body of a kind alike; what one kind lacks, the room gives."""
        body, kind, p_body = (
            np.concatenate([getattr(births, name) for births in self._births]) for name in ("body", "kind", "p_body")
        )
        chosen: list[int] = []
        for name, share in _SHARES.items():
            among = np.flatnonzero(kind == name)
            wanted = NUM_POINTS - len(chosen) if name == "room" else min(share, len(among))
            if wanted:
                weight = 1.0 / np.bincount(body[among])[body[among]]
                chosen += rng.choice(among, wanted, wanted > len(among), weight / weight.sum()).tolist()
        return body[chosen], p_body[chosen]


def _kinds(scene: Scene) -> np.ndarray:
    """By body: `room` for the world, `actor` for the parts of a hand or robot, `item` for all that is by itself."""
    roots = scene.model.body_rootid
    parts = np.bincount(roots, minlength=len(roots))[roots]
    kinds = np.where(parts > _LARGEST_ITEM, "actor", "item")
    return np.where(roots == 0, "room", kinds)
