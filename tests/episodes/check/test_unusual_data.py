"""What is no fault and stops no check: masks without a valid row, metadata of others; and data sets that do not fit."""

import numpy as np
import pytest

from understudy.episodes.check import CHECKS
from understudy.episodes.features import scalar, vector


def never_valid(name):
    """A column that holds fillers only, as its mask says."""

    def spoil(episodes):
        for episode in episodes:
            episode.columns[name][:] = np.arange(12)[:, None] % 2 * 0.4
            episode.features[name] = vector(tuple(f"a{i}" for i in range(7)), mask="never")
            episode.columns["never"] = np.zeros(12, dtype=bool)
            episode.features["never"] = scalar("bool")

    return spoil


@pytest.mark.parametrize("check", ["jumps", "limits", "quaternion_signs", "static_frames"])
@pytest.mark.parametrize("name", ["action", "observation.state"])
def test_a_mask_without_a_valid_row_is_no_fault(check, name, robot):
    def freeze(episodes):
        never_valid(name)(episodes)
        episodes[0].frames[5:] = episodes[0].frames[5]
        if name == "action":  # so that it is the only motion there is
            for episode in episodes:
                del episode.columns["observation.state"], episode.features["observation.state"]

    assert list(CHECKS[check]([robot(freeze)])) == []


def test_data_sets_of_one_body_that_cannot_be_used_together(robot, person, places):
    def turned_round(episodes):
        for episode in episodes:
            episode.features["action"] = vector(tuple(reversed(episode.features["action"].names)))

    apart = [robot(folder="a"), robot(turned_round, folder="b", fps=20, seeds=(5, 6)), person(fps=5)]
    found = list(CHECKS["disagreements"](apart))
    assert places(found) == [("disagreements", None, name) for name in ("fps", "features.action.names")]
    assert {finding.file for finding in found} == {apart[1].root / "meta/info.json"}


@pytest.mark.parametrize("value", ["seven", ["seven"], {"a": 1}, None, 2.5])
@pytest.mark.parametrize("key", ["seed", "layout", "camera", "task", "split"])
def test_what_others_call_a_seed_or_a_layout_is_not_taken_for_ours(key, value, robot):
    def rename(episodes):
        for episode in episodes:
            episode.metadata[key] = value

    subjects = [robot(rename)]
    for check in ("leaks", "swapped_colours", "hidden_hand"):
        assert list(CHECKS[check](subjects)) == []


@pytest.mark.parametrize("objects", ["cube", ["cube"], [{"colour": ["red"]}], 7])
def test_objects_of_others_have_no_known_colour(objects, robot):
    def rename(episodes):
        for episode in episodes:
            episode.frames = np.ascontiguousarray(episode.frames[..., ::-1])
            episode.metadata["layout"]["objects"] = objects

    assert list(CHECKS["swapped_colours"]([robot(rename)])) == []
