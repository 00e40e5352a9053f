"""A policy folder whose description is that of other data: whole, and not for these weights."""

import json
import shutil


def with_another_normalisation(policy, folder):
    """A copy of `policy` at `folder` that multiplies actions by half as much again; returns `folder`."""
    shutil.copytree(policy, folder)
    content = json.loads((folder / "policy.json").read_text())
    content["normalisation"]["scale"] = [1.5 * scale for scale in content["normalisation"]["scale"]]
    (folder / "policy.json").write_text(json.dumps(content))
    return folder
