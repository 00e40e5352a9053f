"""Checks that look at several data sets together: pairs and leaks."""

import pytest

from understudy.episodes.check import CHECKS

SEEDS_OF_TESTS = (2_000_000, 2_000_001)


def test_another_number_of_episodes(robot, person, places):
    assert places(CHECKS["pairs"]([person(), robot(seeds=(0, 1, 2))])) == [("pairs", None, "")]


def test_another_order_of_episodes(robot, person, places):
    found = list(CHECKS["pairs"]([person(), robot(seeds=(1, 0))]))
    assert places(found) == [("pairs", 0, "metadata.seed"), ("pairs", 1, "metadata.seed")]


@pytest.mark.parametrize(
    ("key", "value"), [("goal", {"name": "blue_cube"}), ("layout", {"objects": []}), ("seed", 7), ("label", "push")]
)
def test_a_pair_of_different_things(key, value, robot, person, places):
    def spoil(episodes):
        episodes[1].metadata[key] = value

    assert places(CHECKS["pairs"]([person(), robot(spoil)])) == [("pairs", 1, f"metadata.{key}")]


def test_a_pair_with_different_labels(robot, person, places):
    def relabel(episodes):
        episodes[0].task = "push the blue cube"

    assert places(CHECKS["pairs"]([person(), robot(relabel)])) == [("pairs", 0, "task")]


@pytest.mark.parametrize(("fps", "found"), [(10, []), (20, [("pairs", 0, "length"), ("pairs", 1, "length")])])
def test_aligned_pairs_take_the_same_time(fps, found, robot, person, places):
    def align(episodes):
        for episode in episodes:
            episode.metadata["aligned"] = True

    assert places(CHECKS["pairs"]([person(align), robot(align, fps=fps)])) == found


def test_data_sets_of_one_body_are_no_pair(robot):
    assert list(CHECKS["pairs"]([robot(folder="a"), robot(folder="b", seeds=(5, 6, 7))])) == []


def test_seeds_of_the_test_in_training_data(robot, places):
    subject = robot(seeds=(0, SEEDS_OF_TESTS[0]))
    found = list(CHECKS["leaks"]([subject]))
    assert places(found) == [("leaks", 1, "metadata.seed")]
    assert "seed 2000000 belongs to test, the episode is in train" in found[0].message


def as_test(episodes):
    for episode in episodes:
        episode.split = episode.metadata["split"] = "test"


def test_test_data_of_test_seeds_are_clean_beside_training_data(robot):
    subjects = [robot(folder="train"), robot(as_test, folder="test", seeds=SEEDS_OF_TESTS)]
    assert list(CHECKS["leaks"](subjects)) == []


def test_the_same_seed_in_two_data_sets(robot, places):
    found = list(CHECKS["leaks"]([robot(folder="a"), robot(folder="b", seeds=(5, 1))]))
    assert places(found) == [("leaks", 1, "metadata.seed")]
    assert "the same seed as episode 1 of" in found[0].message


def test_the_same_layout_under_another_seed(robot, places):
    def copy_layout(episodes):
        as_test(episodes)
        episodes[0].metadata["layout"]["offset"] = 0.001

    subjects = [robot(folder="a"), robot(copy_layout, folder="b", seeds=SEEDS_OF_TESTS)]
    assert places(CHECKS["leaks"](subjects)) == [("leaks", 0, "metadata.layout")]


def anonymous(episodes):
    for episode in episodes:
        episode.metadata.clear()


def test_a_repeated_recording_without_any_metadata(robot, places):
    subjects = [robot(anonymous, folder="a"), robot(anonymous, folder="b", seeds=(7, 1))]
    assert places(CHECKS["leaks"](subjects)) == [("leaks", 1, "")]
    assert list(CHECKS["leaks"]([robot(anonymous, folder="c", seeds=(7, 8))])) == []
