"""`understudy record`: what cannot be recorded is one line and exit code 2, and leaves no folder behind."""

import pytest

from understudy.commands import main

PAIR = "human_hand,xarm7_gripper"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--task", "pull"], "unknown task 'pull'"),
        (["--task", "push,push"], "name each of them once"),
        (["--task", "push", "--embodiments", "human_hand,xarm7_gripper,xarm8"], "unknown embodiment 'xarm8'"),
        (["--task", "push", "--embodiments", "xarm7_allegro"], "'xarm7_allegro'"),
        (["--task", "push", "--first-seed", "2000000"], "lies in the test range"),
        (["--task", "push", "--split", "test", "--first-seed", "7"], "lies in the train range"),
        (["--task", "push", "--axis", "position"], "held out"),
        (["--task", "push", "--size", "95"], "image size 95 px"),
        (["--task", "push", "--human-frames", "20"], "needs them all; record without it (--no-track)"),
        (["--task", "push", "--human-frames", "1", "--no-track"], "must be at least 2"),
        (
            ["--task", "push", "--aligned", "--human-fps", "30"],
            "--human-fps 30: clips of --aligned have the robot's 10",
        ),
        (["--task", "push", "--disturb", "0.7"], "share of disturbed steps 0.7"),
        (["--task", "push", "--episodes", "0"], "0 episodes"),
        (["--task", "push", "--episodes", "100001"], "must lie in 1 to 100000"),
        (["--task", "push", "--processes", "0"], "0 processes"),
        (["--task", "push", "--embodiments", f"{PAIR},xarm7_xhand", "--aligned"], "human_hand and one robot"),
    ],
)
def test_bad_options_are_one_line(options, line, tmp_path, capsys):
    out = tmp_path / "data"
    given = options if "--embodiments" in options else [*options, "--embodiments", PAIR]
    assert main(["record", *given, "--out", str(out)]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert error[0].startswith("understudy record: error: ")
    assert line in error[0]
    assert not out.exists()
