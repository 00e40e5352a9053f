"""From the words on the command line to the file of a verb, and from what goes wrong to one line and an exit code.

`understudy VERB ...` imports only that verb's file and hands its `run` to tyro, so that `understudy --help` is instant.
What a user can cause ends as one line on stderr and exit code 2; Ctrl-C is 130, SIGTERM 143; a closed pipe is quiet.
"""

import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module

from understudy.errors import UnderstudyError

__all__ = ["COMMANDS", "command_run", "main"]

COMMANDS = {
    "watch": "a video of a person in; the robot's motion, a data set and a report out",
    "perform": "watch a video, then do the task in simulation: one rollout, scored",
    "imagine": "a video of a person and an image of a robot's scene in; the robot's video out, made by a video model",
    "represent": "what a trained video model knows of unseen layouts: a map, probes, vector arithmetic",
    "record": "people and robots do the same tasks in the same layouts: one data set each",
    "record-human": "render a person doing a task, with the truth beside the clip",
    "retarget": "what recorded people did, as actions of a robot, made anew",
    "check": "look for what trips people in data sets: hands, colours, signs, pairs, leaks, ...",
    "convert": "recordings of others (HDF5, RLDS, RH20T, ...) become a data set of ours",
    "demo": "watch and do three tasks; writes a page that shows it",
    "evaluate": "run a suite of the benchmark and write its result file",
    "train": "train an experiment: data in, a policy out; stops and goes on exactly",
    "show": "render a robot, the human hand or a task to an image, or look around it",
    "list": "what there is: robots, tasks, policies, suites, experiments",
    "doctor": "check this machine and say how to install what is missing",
}
"""Every verb and what it is for; `record-human` lives in `record_human.py`."""

EXIT_ERROR, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE, EXIT_TERMINATED = 2, 130, 141, 143


class _Terminated(KeyboardInterrupt):
    """SIGTERM: the command puts away what it began, as after Ctrl-C."""


def command_run(verb: str) -> Callable[..., int | None]:
    """The `run` function of a verb; its signature and docstring are the verb's options and help."""
    run: Callable[..., int | None] = import_module(f"understudy.commands.{verb.replace('-', '_')}").run
    return run


def overview() -> str:
    """What `understudy --help` prints."""
    width = max(map(len, COMMANDS))
    verbs = "\n".join(f"  {verb:<{width}}  {summary}" for verb, summary in COMMANDS.items())
    return f"""usage: understudy COMMAND [options]        understudy COMMAND --help

A robot learns to do a thing by watching a video of a person doing it.

commands:
{verbs}

start here:
  understudy doctor                               is everything there?
  understudy watch my.mp4 --robot xarm7_xhand     your video, a robot's motion
  understudy demo                                 three tasks, from pixels to physics

options:
  -h, --help   this text
  --version    the version"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line on `argv` (the process's own arguments by default); returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments[0] if arguments else "--help"
    name = f"understudy {verb}" if verb in COMMANDS else "understudy"
    try:
        with _terminable():
            code = _dispatch(verb, arguments[1:])
        sys.stdout.flush()
    except UnderstudyError as error:
        return _complain(name, str(error))
    except BrokenPipeError:
        # Nobody reads on. The interpreter flushes stdout once more when it exits: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _complain(name, f"{error.strerror or error}{where}")
    except KeyboardInterrupt as stop:
        print(f"\n{name}: stopped", file=sys.stderr)
        return EXIT_TERMINATED if isinstance(stop, _Terminated) else EXIT_INTERRUPTED
    return code


@contextmanager
def _terminable() -> Iterator[None]:
    """In the main thread the first SIGTERM is raised here; those after it are ignored, for a group may be sent two."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _dispatch(verb: str, arguments: list[str]) -> int:
    if verb in ("-h", "--help", "help"):
        print(overview())
        return 0
    if verb == "--version":
        from understudy import __version__

        print(f"understudy {__version__}")
        return 0
    if verb not in COMMANDS:
        nearest = get_close_matches(verb, COMMANDS, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise UnderstudyError(f"unknown command {verb!r}: {hint}valid: {', '.join(COMMANDS)}")
    import tyro

    run = command_run(verb)
    # tyro shows summaries only; the examples of the docstring are what teaches.
    description = (inspect.getdoc(run) or "").partition("\nArgs:")[0].rstrip()
    try:
        return tyro.cli(run, prog=f"understudy {verb}", description=description, args=arguments) or 0
    except SystemExit as stop:  # tyro's way to end after --help (0) and after wrong options (2)
        return stop.code if isinstance(stop.code, int) else EXIT_ERROR


def _complain(name: str, message: str) -> int:
    print(f"{name}: error: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_ERROR
