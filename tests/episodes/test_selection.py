from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.episodes.acted_recording import ROBOT, SIZE, write_acted

from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.cross_prediction import ClipConfig, CrossPrediction
from understudy.episodes.paired import PairedWindows, WindowConfig
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.selection import Selection
from understudy.errors import UnderstudyError

ACTED = ActedConfig(image_size=SIZE, num_times=2, min_valid=0.5)
CLIPS = ClipConfig(SIZE, num_frames=3)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Six layouts: push and press_button in turn."""
    return write_acted(tmp_path_factory.mktemp("chosen"), copies=3)


@pytest.mark.parametrize(
    ("written", "selection"),
    [
        ("data/a", Selection(Path("data/a"))),
        ("data/a@push", Selection(Path("data/a"), task="push")),
        ("data/a@push:40", Selection(Path("data/a"), task="push", count=40)),
        ("data/a@:40", Selection(Path("data/a"), count=40)),
        ("data/a/human_hand", Selection(Path("data/a"), "human_hand")),
        ("data/a/human_hand@push:1", Selection(Path("data/a"), "human_hand", "push", 1)),
        ("data/a@home/b", Selection(Path("data/a@home/b"))),
        ("data/a@home@push", Selection(Path("data/a@home"), task="push")),
    ],
)
def test_what_is_written_is_what_is_chosen(written, selection):
    assert Selection.of(Path(written)) == selection


@pytest.mark.parametrize("written", ["a@", "a@:", "a@push:0", "a@push:-1", "a@push:few", "a@:1.5", "@push", "a/@push"])
def test_what_cannot_be_read_is_said(written):
    with pytest.raises(UnderstudyError, match=f"^{written}: must be FOLDER@TASK, FOLDER@TASK:COUNT or FOLDER@:COUNT$"):
        Selection.of(Path(written))


def test_a_folder_that_is_there_is_taken_by_its_name(tmp_path):
    (tmp_path / "a@push").mkdir()
    assert Selection.of(tmp_path / "a@push") == Selection(tmp_path / "a@push")


def test_policies_learn_from_the_chosen_episodes(root):
    def chosen(written, **changes):
        data = ActedWindows((Path(f"{root}{written}"),), replace(ACTED, **changes))
        return [data.clips(index)[1:] for index in range(len(data))]

    assert chosen("@push") == [(name, index) for name in ("human_hand", ROBOT) for index in (0, 2, 4)]
    assert chosen("@push:2") == [(name, index) for name in ("human_hand", ROBOT) for index in (0, 2)]
    assert chosen("@:1") == [("human_hand", 0), (ROBOT, 0)]
    assert chosen("/human_hand@press_button:1") == [("human_hand", 1)]
    assert chosen(f"/{ROBOT}@push:1", people=False) == [(ROBOT, 0)]
    both = ActedWindows((Path(f"{root}@push:1"), root / "human_hand"), ACTED)
    assert (len(both), both.num_people) == (8, 7)


def test_video_models_learn_from_the_chosen_clips(root):
    data = CrossPrediction(
        (Path(f"{root}@press_button:2"), Path(f"{root}/human_hand@:1")), replace(CLIPS, cross_probability=1.0)
    )
    assert len(data) == 3
    clips = [
        [EpisodeReader(root / name).frames("observation.images.front", index) for name in names]
        for names, index in ((("human_hand", ROBOT), 1), (("human_hand", ROBOT), 3), (("human_hand",), 0))
    ]
    for index, shown in enumerate(clips):
        sample = data.sample(index, np.random.default_rng(0))
        assert bool(sample["crossed"]) == (len(shown) == 2)
        assert any(np.array_equal(sample["target"][0], clip[0]) for clip in shown)


def test_pairs_are_chosen_together_and_need_both(root):
    config = WindowConfig(robot=ROBOT, image_size=SIZE)
    assert len(PairedWindows((Path(f"{root}@push:2"),), config)) == 2
    with pytest.raises(UnderstudyError, match=f"human_hand: needs {ROBOT} and people: pass {root}"):
        PairedWindows((root / "human_hand",), config)


def test_too_few_and_unknown_tasks_are_said(root):
    with pytest.raises(UnderstudyError, match="human_hand: 3 episodes of push, 4 were asked for"):
        ActedWindows((Path(f"{root}@push:4"),), ACTED)
    with pytest.raises(UnderstudyError, match="human_hand: no episode of 'pour': has press_button, push"):
        CrossPrediction((Path(f"{root}@pour"),), CLIPS)
    with pytest.raises(UnderstudyError, match="6 episodes, 7 were asked for"):
        CrossPrediction((Path(f"{root}@:7"),), CLIPS)
