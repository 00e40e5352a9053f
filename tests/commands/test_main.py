"""The command line itself: help that teaches, errors in one line, exit codes."""

import os
import signal
import subprocess
import sys

import pytest

from understudy import __version__
from understudy.commands import COMMANDS, cli, main
from understudy.errors import UnderstudyError

HEAVY = ("mujoco", "mediapipe", "av", "pyarrow", "scipy", "numba", "cv2", "rich")


def replace_verb(monkeypatch, run):
    monkeypatch.setattr(cli, "command_run", lambda verb: run)


def test_help_names_every_command_and_loads_nothing_heavy():
    show = f"print([name for name in {HEAVY} if name in sys.modules])"
    code = f"import sys; from understudy.commands import main; main(['--help']); {show}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    assert all(any(line.split()[:1] == [verb] for line in text) for verb in COMMANDS)


def test_no_command_at_all_shows_the_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("usage: understudy COMMAND")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"understudy {__version__}\n"


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_command_explains_itself_with_examples(verb, capsys):
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert f"understudy {verb}" in text.split("Examples:")[1]


def test_an_unknown_command_names_the_nearest(capsys):
    assert main(["wach"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("understudy: error: unknown command 'wach': did you mean 'watch'? valid: ")
    assert error.count("\n") == 1


def test_wrong_options_end_with_2(capsys):
    assert main(["watch", "clip.mp4", "--no-such-option"]) == 2
    assert "no-such-option" in capsys.readouterr().err


def test_a_users_mistake_is_one_line(monkeypatch, capsys):
    def run():
        raise UnderstudyError("clip.mp4: no\n such file")

    replace_verb(monkeypatch, run)
    assert main(["watch"]) == 2
    assert capsys.readouterr().err == "understudy watch: error: clip.mp4: no such file\n"


def test_what_the_system_refuses_is_one_line(monkeypatch, capsys):
    def run():
        raise PermissionError(13, "Permission denied", "/some/where")

    replace_verb(monkeypatch, run)
    assert main(["show"]) == 2
    assert capsys.readouterr().err == "understudy show: error: Permission denied: /some/where\n"


def test_a_defect_of_ours_is_not_hidden(monkeypatch):
    def run():
        raise ValueError("ours")

    replace_verb(monkeypatch, run)
    with pytest.raises(ValueError, match="ours"):
        main(["show"])


def test_control_c(monkeypatch, capsys):
    def run():
        raise KeyboardInterrupt

    replace_verb(monkeypatch, run)
    assert main(["watch"]) == 130
    assert capsys.readouterr().err == "\nunderstudy watch: stopped\n"


def test_sigterm_lets_a_command_put_away_what_it_began(monkeypatch, capsys):
    put_away = []

    def run():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)  # sent to the group, too: does not cut the putting away short
            put_away.append("all")

    before = signal.getsignal(signal.SIGTERM)
    replace_verb(monkeypatch, run)
    assert main(["record"]) == 143
    assert capsys.readouterr().err == "\nunderstudy record: stopped\n"
    assert put_away == ["all"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_closed_pipe_is_quiet():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "understudy.commands"], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")
