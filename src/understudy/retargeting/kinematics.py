"""Forward kinematics and analytic Jacobians of a tree of hinges and slides, compiled, for one or many configurations.

Every joint j has an axis a_j and a point c_j on it, both in the base frame at q = 0. With p the joint before it,

    R_j = R_p Rot(a_j, q_j)       t_j = R_p c_j + t_p - R_j c_j        hinge
    R_j = R_p                     t_j = t_p + R_p a_j q_j              slide

maps points x0 given in the base frame at q = 0 to where joint j carries them, x = R_j x0 + t_j: no other constant
transforms are left (product of exponentials, Brockett 1984). The columns of the Jacobian of x are

    dx/dq_j = R_p a_j x (x - c_j now),  w_j = R_p a_j     hinge          dx/dq_j = R_p a_j,  w_j = 0     slide

for the joints between x and the base, and zero for all others.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float, Int

from understudy.errors import UnknownName
from understudy.retargeting.kinematics_kernel import forward_batch, jacobian_batch

__all__ = ["KinematicTree"]

HINGE, SLIDE = 0, 1


@dataclass(frozen=True)
class KinematicTree:
    """The moving joints of a robot and its named sites; joints are ordered so that parents come first.

    Positions are in the frame of the model's world, for a robot built at the origin: its base frame. [m]
    """

    joint_names: tuple[str, ...]
    site_names: tuple[str, ...]
    parents: Int[np.ndarray, " J"]
    """Index of the joint before each joint; -1 for the base."""
    kinds: Int[np.ndarray, " J"]
    """0 hinge [rad], 1 slide [m]."""
    axes: Float[np.ndarray, "J 3"]
    """Unit axes in the base frame at q = 0."""
    anchors: Float[np.ndarray, "J 3"]
    """A point on each axis in the base frame at q = 0 [m]."""
    site_joints: Int[np.ndarray, " S"]
    """Joint that carries each site; -1 for the base."""
    site_positions: Float[np.ndarray, "S 3"]
    """Sites in the base frame at q = 0 [m]."""
    site_rotations: Float[np.ndarray, "S 3 3"]
    """R_base_site at q = 0."""
    lower: Float[np.ndarray, " J"]
    """Lower joint limits [rad | m]; -inf where the model has none."""
    upper: Float[np.ndarray, " J"]

    @classmethod
    def from_model(
        cls, model: mujoco.MjModel, joint_names: tuple[str, ...], site_names: tuple[str, ...]
    ) -> "KinematicTree":
        """The sub-tree that `joint_names` move; every other joint of the model stays at its reference position.

        Raises:
            UnknownName: a joint or site that the model does not have.
            ValueError: a joint that is neither hinge nor slide, or that stands after one that hangs on it.
        """
        joint_ids = [_identifier(model, mujoco.mjtObj.mjOBJ_JOINT, "joint", name) for name in joint_names]
        site_ids = [_identifier(model, mujoco.mjtObj.mjOBJ_SITE, "site", name) for name in site_names]
        kinds = np.array([_kind(model, j) for j in joint_ids], dtype=np.int64)
        data = mujoco.MjData(model)
        data.qpos[:] = model.qpos0
        data.qpos[model.jnt_qposadr[joint_ids]] = 0.0
        mujoco.mj_kinematics(model, data)
        parents = np.array([_carrier(model, joint_ids, int(model.jnt_bodyid[j]), j) for j in joint_ids], dtype=np.int64)
        if np.any(parents >= np.arange(len(joint_ids))):
            raise ValueError("joint names must be ordered from the base outwards")
        limited = model.jnt_limited[joint_ids].astype(bool)
        return cls(
            joint_names=tuple(joint_names),
            site_names=tuple(site_names),
            parents=parents,
            kinds=kinds,
            axes=data.xaxis[joint_ids].copy(),
            anchors=data.xanchor[joint_ids].copy(),
            site_joints=np.array(
                [_carrier(model, joint_ids, int(model.site_bodyid[s])) for s in site_ids], dtype=np.int64
            ),
            site_positions=data.site_xpos[site_ids].copy(),
            site_rotations=data.site_xmat[site_ids].reshape(-1, 3, 3).copy(),
            lower=np.where(limited, model.jnt_range[joint_ids, 0], -np.inf),
            upper=np.where(limited, model.jnt_range[joint_ids, 1], np.inf),
        )

    @property
    def num_joints(self) -> int:
        """J."""
        return len(self.joint_names)

    def site(self, name: str) -> int:
        """Index of a site."""
        if name not in self.site_names:
            raise UnknownName("site", name, self.site_names)
        return self.site_names.index(name)

    def forward(
        self, joints: Float[np.ndarray, "*B J"]
    ) -> tuple[Float[np.ndarray, "*B S 3"], Float[np.ndarray, "*B S 3 3"]]:
        """Positions [m] and rotations R_base_site of all sites at joint positions [rad | m]."""
        flat = np.ascontiguousarray(joints, dtype=float).reshape(-1, self.num_joints)
        positions = np.empty((len(flat), len(self.site_names), 3))
        rotations = np.empty((len(flat), len(self.site_names), 3, 3))
        forward_batch(*self._arrays(), self.site_rotations, flat, positions, rotations)
        batch = joints.shape[:-1]
        return positions.reshape(*batch, *positions.shape[1:]), rotations.reshape(*batch, *rotations.shape[1:])

    def jacobians(self, joints: Float[np.ndarray, "*B J"]) -> Float[np.ndarray, "*B S 6 J"]:
        """Jacobians of all sites: rows 0-2 position [m/rad | m/m], rows 3-5 angular velocity in the base frame."""
        flat = np.ascontiguousarray(joints, dtype=float).reshape(-1, self.num_joints)
        result = np.zeros((len(flat), len(self.site_names), 6, self.num_joints))
        jacobian_batch(*self._arrays(), flat, result)
        return result.reshape(*joints.shape[:-1], *result.shape[1:])

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.parents, self.kinds, self.axes, self.anchors, self.site_joints, self.site_positions


def _identifier(model: mujoco.MjModel, kind: mujoco.mjtObj, what: str, name: str) -> int:
    index = mujoco.mj_name2id(model, kind, name)
    if index < 0:
        count = model.njnt if what == "joint" else model.nsite
        raise UnknownName(what, name, [mujoco.mj_id2name(model, kind, i) or f"#{i}" for i in range(count)])
    return index


def _kind(model: mujoco.MjModel, joint: int) -> int:
    kind = mujoco.mjtJoint(int(model.jnt_type[joint]))
    if kind not in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_JOINT, joint)
        raise ValueError(f"joint {name!r} is neither a hinge nor a slide")
    return HINGE if kind == mujoco.mjtJoint.mjJNT_HINGE else SLIDE


def _carrier(model: mujoco.MjModel, joint_ids: list[int], body: int, before: int | None = None) -> int:
    """Position in `joint_ids` of the last joint that moves `body` (before joint `before` of the same body)."""
    while body > 0:
        first = int(model.body_jntadr[body])
        here = range(first, first + int(model.body_jntnum[body]))
        for joint in reversed(here):
            if joint in joint_ids and (before is None or joint < before):
                return joint_ids.index(joint)
        body, before = int(model.body_parentid[body]), None
    return -1
