"""All checks together: a clean recording is clean, and what makes a file unreadable does not stop the others."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from understudy.commands import main
from understudy.episodes.check.examine import examine
from understudy.episodes.check.finding import Finding
from understudy.errors import UnderstudyError


@pytest.fixture
def recording(tmp_path, robot, person):
    robot(folder="recording/xarm7_gripper")
    robot(folder="recording/xarm7_xhand", name="xarm7_xhand")
    person(folder="recording/human_hand")
    return tmp_path / "recording"


def test_a_clean_recording_is_clean(recording, capsys):
    assert examine([recording]) == []
    assert main(["check", str(recording)]) == 0
    assert capsys.readouterr().out == "clean\n"


def not_a_number(root):
    path = root / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("action")
    rows = table["action"].to_pylist()
    rows[3][0] = float("nan")
    pq.write_table(table.set_column(place, table.field(place), pa.array(rows, table.field(place).type)), path)


def wrong_statistics(root):
    path = root / "meta/stats.json"
    content = json.loads(path.read_text())
    content["action"]["mean"][0] += 0.1
    path.write_text(json.dumps(content))


def another_rate(root):
    path = root / "meta/info.json"
    path.write_text(path.read_text().replace('"fps": 10', '"fps": 20'))


def cut_video(root):
    path = next(root.glob("videos/*/*/*.mp4"))
    path.write_bytes(path.read_bytes()[:-600])


@pytest.mark.parametrize(
    ("spoil", "kind", "field"),
    [
        (not_a_number, "not_finite", "action"),
        (wrong_statistics, "statistics", "action.mean"),
        (another_rate, "clock", "timestamp"),
        (cut_video, "format", "observation.images.front"),
    ],
)
def test_faults_of_the_format_are_named_by_kind(recording, spoil, kind, field):
    spoil(recording / "xarm7_gripper")
    findings = examine([recording])
    assert (kind, field) in {(finding.check, finding.field) for finding in findings}
    assert all("xarm7_gripper" in str(finding.file) for finding in findings)


def test_the_command_prints_a_line_a_finding_and_says_so_by_its_exit_code(recording, capsys):
    wrong_statistics(recording / "xarm7_xhand")
    assert main(["check", str(recording), "--quick", "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["check"], found["field"], found["episode"]) == ("statistics", "action.mean", None)
    assert main(["check", str(recording), "--quick"]) == 1
    assert "statistics" in capsys.readouterr().out


def test_an_unreadable_data_set_is_a_finding_and_the_others_are_still_examined(recording):
    (recording / "human_hand/meta/info.json").write_text("{")
    wrong_statistics(recording / "xarm7_xhand")
    found = examine([recording], decode=False)
    assert [finding.check for finding in found] == ["format", "statistics"]
    assert found[0].file == recording / "human_hand/meta/info.json"


def damaged_numbers(root):
    path = root / "data/chunk-000/file-000.parquet"
    path.write_bytes(path.read_bytes()[:200])


def test_leaks_between_data_sets_are_seen_beside_a_damaged_file(tmp_path, robot):
    for folder in ("damaged", "a", "b"):
        robot(folder=folder)
    damaged_numbers(tmp_path / "damaged")
    roots = [tmp_path / folder for folder in ("damaged", "a", "b")]
    found = [finding for finding in examine(roots, decode=False) if finding.check == "leaks"]
    told = [(finding.file.name, finding.episode, finding.field) for finding in found]
    seeds = [(name, episode, "metadata.seed") for name in "ab" for episode in (0, 1)]
    assert told == [("damaged", 0, ""), *seeds]
    assert "the numbers of 2 episodes could not be compared" in found[0].message


def test_what_a_check_finds_between_sound_data_sets_survives_a_damaged_one(tmp_path, robot, monkeypatch):
    def between(subjects):
        for subject in subjects:
            yield Finding("between", subject.root, None, "", "looked at")
            subject.column("action", 0)
        if len(subjects) > 1:
            yield Finding("between", subjects[0].root, None, "", "compared")

    monkeypatch.setattr("understudy.episodes.check.examine.CHECKS", {"between": between})
    roots = [robot(folder=folder).root for folder in ("a", "b", "damaged")]
    damaged_numbers(roots[2])
    found = [finding for finding in examine(roots, decode=False) if finding.check == "between"]
    names = [(finding.file.name, finding.message.partition(":")[0]) for finding in found]
    sound = [("a", "looked at"), ("b", "looked at"), ("a", "compared")]
    assert names == [("damaged", "looked at"), ("damaged", "could not be looked at"), *sound]


def test_hands_are_looked_for_beside_a_damaged_file(tmp_path, person, monkeypatch):
    def without_labels(episodes):
        for episode in episodes:
            for name in ("truth.keypoints", "tracked.valid"):
                del episode.columns[name], episode.features[name]

    def nothing_found(timed):
        return type("Detections", (), {"pixels": np.full((len(list(timed)), 2, 21, 2), np.nan)})

    monkeypatch.setattr("understudy.perception.hand_landmarker.detect_hands", nothing_found)
    monkeypatch.setattr("understudy.episodes.check.examine.CHECKS", {})
    roots = [person(without_labels, folder=folder).root for folder in ("cut", "whole")]
    cut_video(roots[0])
    found = [f for f in examine(roots, decode=False, detect_hands=True) if f.check == "hidden_hand"]
    assert [(f.file.name, f.episode) for f in found] == [("cut", None), ("whole", 0), ("whole", 1)]
    assert found[0].message.startswith("could not be looked at: ")


def test_a_detector_that_is_not_installed_is_an_error(person, monkeypatch):
    def missing(subjects):
        raise UnderstudyError("hand tracking needs MediaPipe")

    monkeypatch.setattr("understudy.episodes.check.examine.find_with_detector", missing)
    monkeypatch.setattr("understudy.episodes.check.examine.CHECKS", {})
    with pytest.raises(UnderstudyError, match="needs MediaPipe"):
        examine([person().root], decode=False, detect_hands=True)


def test_what_is_no_data_set_is_an_error(tmp_path, capsys):
    with pytest.raises(UnderstudyError, match=r"no data set: no meta/info\.json"):
        examine([tmp_path])
    assert main(["check", str(tmp_path / "missing")]) == 2
    assert "no such folder" in capsys.readouterr().err
