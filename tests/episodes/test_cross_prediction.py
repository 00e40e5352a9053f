import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.methods.conftest import LABELS, SIZE, write_pairs

from understudy.embodiments import EMBODIMENTS
from understudy.episodes.cross_prediction import ClipConfig, CrossPrediction
from understudy.episodes.image_shift import ImageShift
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError

CONFIG = ClipConfig(SIZE, num_frames=4, cross_probability=0.6)
IMAGES = "observation.images.front"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("clips"), robots=("xarm7_gripper", "xarm7_xhand"))


def _owner(root, index, first):
    """Which embodiment's episode `index` begins with this frame."""
    names = ("human_hand", "xarm7_gripper", "xarm7_xhand")
    return next(n for n in names if np.array_equal(EpisodeReader(root / n).frames(IMAGES, index, [0])[0], first))


def test_pairs_are_of_one_layout_and_cross_with_the_probability(root):
    data = CrossPrediction((root,), CONFIG)
    assert len(data) == len(LABELS)
    crossed = []
    for draw in range(300):
        sample = data.sample(1, np.random.default_rng(draw))
        assert sample["source"].shape == sample["target"].shape == (4, SIZE, SIZE, 3)
        crossed.append(bool(sample["crossed"]))
        if draw < 20:
            target = _owner(root, 1, sample["target"][0])
            clip = EpisodeReader(root / target).frames(IMAGES, 1)
            assert np.array_equal(sample["target"][-1], clip[-1])
            if not crossed[-1]:
                assert all(any(np.array_equal(frame, other) for other in clip) for frame in sample["source"])
    assert 0.5 < np.mean(crossed) < 0.7


def test_both_clips_are_shifted_alike(root):
    data, plain = (CrossPrediction((root,), replace(CONFIG, cross_probability=0.0, shift=n)) for n in (4, 0))
    seen = set()
    for draw in range(30):
        shifted, clips = (d.sample(0, np.random.default_rng(draw)) for d in (data, plain))
        every = [ImageShift(right, down) for right in range(-4, 5) for down in range(-4, 5)]
        fits = [shift for shift in every if np.array_equal(shift.images(clips["target"]), shifted["target"])]
        assert len(fits) == 1
        assert np.array_equal(fits[0].images(clips["source"]), shifted["source"])
        seen.add(fits[0])
    assert len(seen) > 15


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_the_ends_of_the_probability(root, probability):
    data = CrossPrediction((root,), replace(CONFIG, cross_probability=probability))
    crossed = {bool(data.sample(0, np.random.default_rng(draw))["crossed"]) for draw in range(50)}
    assert crossed == {probability == 1.0}


def test_clips_of_people_alone_predict_themselves(root, tmp_path):
    shutil.copytree(root / "human_hand", tmp_path / "human_hand")
    data = CrossPrediction((root, tmp_path), CONFIG)
    assert len(data) == 2 * len(LABELS)
    assert not any(data.sample(4, np.random.default_rng(draw))["crossed"] for draw in range(30))


def test_roots_are_drawn_by_weight_whatever_they_hold(root, tmp_path):
    """A root of one layout with a weight of 3, and all of the other root with 1: told apart by who was recorded."""
    shutil.copytree(root / "human_hand", tmp_path / "human_hand")
    roots, draws = (f"{tmp_path}@:1", root), 400
    data = CrossPrediction([*map(Path, roots)], replace(CONFIG, cross_probability=1.0, weights=(3.0, 1.0)))
    assert (len(data), data.lengths) == (1 + len(LABELS), [1, len(LABELS)])
    alone = sum(not data.sample(0, np.random.default_rng(draw))["crossed"] for draw in range(draws))
    assert abs(alone - 0.75 * draws) < 4 * np.sqrt(draws * 0.75 * 0.25)
    first = EpisodeReader(tmp_path / "human_hand").frames(IMAGES, 0, [0])[0]
    shown = [np.array_equal(data.prompted(2, np.random.default_rng(draw))[0][0], first) for draw in range(draws)]
    expected = 0.75 + 0.25 / len(LABELS)
    assert abs(sum(shown) - expected * draws) < 4 * np.sqrt(draws * expected * (1 - expected))


def test_without_weights_an_index_is_its_layout(root):
    """As it was before there were weights: the draws of older runs go on."""
    data = CrossPrediction((root, root), replace(CONFIG, cross_probability=0.0))
    for index in range(len(data)):
        rng, sample = np.random.default_rng(5), data.sample(index, np.random.default_rng(5))
        name = [name for name in EMBODIMENTS if (root / name).is_dir()][int(rng.integers(3))]
        clip = EpisodeReader(root / name).frames(IMAGES, index % len(LABELS))
        assert np.array_equal(sample["target"][0], clip[0])


def test_bad_weights_are_refused_before_anything_is_read(tmp_path):
    for weights, message in (((1.0,), "2 data sets need as many weights: 1"), ((1.0, 0.0), "above 0 and finite: 1, 0")):
        with pytest.raises(UnderstudyError, match=message):
            CrossPrediction((tmp_path / "a", tmp_path / "b"), replace(CONFIG, weights=weights))


def test_failed_episodes_are_left_out_and_sealed_splits_refused(tmp_path):
    write_pairs(tmp_path / "failed", metadata=({}, {"success": False}, {}))
    data = CrossPrediction((tmp_path / "failed",), CONFIG)
    assert not any(data.sample(1, np.random.default_rng(draw))["crossed"] for draw in range(30))
    write_pairs(tmp_path / "sealed", metadata=({}, {}, {"split": "test"}))
    with pytest.raises(UnderstudyError, match="episode 2 is of the split test"):
        CrossPrediction((tmp_path / "sealed",), CONFIG)
    with pytest.raises(UnderstudyError, match="no data set of"):
        CrossPrediction((tmp_path,), CONFIG)
