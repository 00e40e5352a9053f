"""A policy of video_prompt and its representation with new weights, in the folders that training writes."""

from dataclasses import asdict, replace

import torch

from understudy.embodiments import get_embodiment
from understudy.methods.diffusion_policy import SamplingConfig
from understudy.methods.experiments import get_experiment
from understudy.methods.policy_folder import write_policy_folder
from understudy.methods.video_prompt.model import PromptPolicyModel
from understudy.methods.video_prompt.network_folder import (
    make_representation,
    read_representation,
    write_representation,
)
from understudy.networks.video_diffusion.small import SmallVideoModel
from understudy.retargeting.actions import home_action

ROBOT = "xarm7_xhand"


def write_debug_policy(root, spread=0.02, familiar=True):
    """`root/policy` and `root/representation`: a robot that stays near home; returns the policy's folder.

    Args:
        root: folder of both.
        spread: scale of the actions around home; what new weights say times this.
        familiar: whether every prompt lies near those of training; else all are far off.
    """
    torch.manual_seed(0)
    stage1, stage2 = get_experiment("video_prompt_stage1_debug"), get_experiment("video_prompt_xhand_debug")
    representation = make_representation(SmallVideoModel(stage1.model), stage1.pooling)
    torch.nn.init.normal_(representation.basis)
    write_representation(root / "representation", representation, stage1.name)
    z = {"z_size": stage1.pooling.size, "z_tokens": stage1.pooling.times, "z_cells": stage1.pooling.cells}
    model = PromptPolicyModel(replace(stage2.model, **z, familiar_prompts=12))
    for weight in (*model.path.parameters(), *model.head.action_out.parameters()):
        torch.nn.init.normal_(weight)
    model.familiarity.fit(torch.randn(12, stage1.pooling.size) * (1e6 if familiar else 1e-6))
    names, home = get_embodiment(ROBOT).action_space.names, home_action(get_embodiment(ROBOT))
    fingerprint = read_representation(root / "representation").fingerprint()  # of the weights as they are on disk
    content = {
        "method": "video_prompt",
        "robot": ROBOT,
        "experiment": stage2.name,
        "model": asdict(model.config),
        "sampling": asdict(SamplingConfig()),
        "normalisation": {
            "kind": "symmetric",
            "names": list(names),
            "offset": home.tolist(),
            "scale": [spread] * len(names),
        },
        "dt_s": 0.1,
        "representation": {"folder": "../representation", "fingerprint": fingerprint},
    }
    write_policy_folder(root / "policy", content, model)
    return root / "policy"
