"""docs/commands.md, made from the commands themselves: `python -m understudy.commands.reference docs/commands.md`."""

import inspect
import re
import sys
from pathlib import Path
from typing import get_args

from understudy.commands.cli import COMMANDS, command_run

__all__ = ["command_reference"]

_HEAD = """# Commands

Made from the commands' own help by `make docs`. Exit codes: 0 done, 1 `doctor` or `check` found something, 2 a clear
error in one line, 130 stopped by Ctrl-C. Every command prints its options with `--help`.
"""


def command_reference() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD, *(_section(verb) for verb in COMMANDS)])


def _section(verb: str) -> str:
    run = command_run(verb)
    text, _, arguments = (inspect.getdoc(run) or "").partition("\nArgs:\n")
    text, _, examples = text.partition("\nExamples:\n")
    what = dict(re.findall(r"^    (\w+): (.*)$", arguments, re.MULTILINE))
    rows = [f"| {_form(parameter)} | {what[name]} |" for name, parameter in inspect.signature(run).parameters.items()]
    table = "\n".join(["| option | what it says |", "|---|---|", *rows])
    return f"## understudy {verb}\n\n{text.strip()}\n\n```\n{inspect.cleandoc(examples)}\n```\n\n{table}\n"


def _form(parameter: inspect.Parameter) -> str:
    """The option as it is typed, with its choices and default."""
    name = parameter.name.replace("_", "-")
    positional = "Positional" in str(get_args(parameter.annotation)[1:])
    flag = name.upper() if positional else f"--{name}"
    required = parameter.default is inspect.Parameter.empty
    quiet = required or parameter.default in (None, False)
    return f"`{flag}`" + (" (required)" if required else "" if quiet else f" ({parameter.default})")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(command_reference(), encoding="utf-8")
