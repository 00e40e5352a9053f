"""The command: what it says of wrong arguments, and that nothing half-written is left behind."""

import json

import numpy as np
import pytest

from understudy.commands import main
from understudy.episodes.features import vector, video
from understudy.episodes.importers import IMPORTERS
from understudy.episodes.importers.convert import convert
from understudy.episodes.importers.source import Source, SourceEpisode
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError

IMAGE = "observation.images.front"


@pytest.fixture
def made_up(monkeypatch, film):
    """A format whose episodes are made here; the third has what `last` says."""
    last = {"size": (32, 48), "fails": False}

    def episodes():
        for index in range(3):
            if index == 2 and last["fails"]:
                raise UnderstudyError("made_up: episode 2: 'action' is missing")
            size = last["size"] if index == 2 else (32, 48)
            columns = {"action": np.full((5, 2), float(index))}
            yield SourceEpisode(columns, {IMAGE: iter(film(5, *size))}, f"task {index}", {"number": index})

    def opened(path):
        return Source(10.0, "made", {"action": vector(("a", "b")), IMAGE: video(32, 48)}, 3, episodes())

    monkeypatch.setitem(IMPORTERS, "made_up", opened)
    return last


def test_the_command_converts_and_says_where(made_up, tmp_path, capsys):
    arguments = ["convert", str(tmp_path), "--format", "made_up", "--out", str(tmp_path / "out"), "--episodes", "2"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"2 episodes: see {tmp_path / 'out'}\n"
    data = EpisodeReader(tmp_path / "out")
    assert [(data.episode(i).task, data.episode(i).metadata["number"]) for i in range(2)] == [
        ("task 0", 0),
        ("task 1", 1),
    ]
    assert data.robot_type == "made"
    assert json.loads((tmp_path / "out/meta/info.json").read_text())["codebase_version"] == "v3.0"


def test_progress_is_reported_from_none_to_all(made_up, tmp_path):
    seen = []
    assert convert(tmp_path, "made_up", tmp_path / "out", on_episode=lambda *counts: seen.append(counts)) == 3
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": (32, 64)}, "frame 0 is 64x32, those of the first episode 48x32"),
        ({"fails": True}, "made_up: episode 2: 'action' is missing"),
    ],
)
def test_what_fails_in_the_middle_leaves_nothing(made_up, tmp_path, change, message):
    made_up.update(change)
    with pytest.raises(UnderstudyError, match=message):
        convert(tmp_path, "made_up", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("missing", ["--format", "robomimic"], "missing: no such file or folder"),
        (
            ".",
            ["--format", "robomimik"],
            "unknown format 'robomimik': did you mean 'robomimic'? valid: bridge_v2, dexycb",
        ),
        (".", ["--format", "made_up", "--episodes", "0"], "episodes must be at least 1, not 0"),
    ],
)
def test_wrong_arguments_are_one_line_each(made_up, tmp_path, capsys, source, options, message):
    assert main(["convert", str(tmp_path / source), *options, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(made_up, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years of work")
    assert main(["convert", str(tmp_path), "--format", "made_up", "--out", str(tmp_path / "out")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_format_refuses_an_empty_folder_by_saying_what_it_looks_for(name, tmp_path):
    with pytest.raises(UnderstudyError, match=r"\.(hdf5|yml|mp4|json|tfrecord|npy)|no HDF5|no such file"):
        IMPORTERS[name](tmp_path)
