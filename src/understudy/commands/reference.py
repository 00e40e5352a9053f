"""docs/commands.md, made from the commands themselves: `python -m understudy.commands.reference docs/commands.md`."""

import inspect
import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from understudy.commands.cli import (
    COMMANDS,
    EXIT_BROKEN_PIPE,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    command_run,
)

__all__ = ["command_reference"]

_HEAD = f"""# Commands

Made from the commands' own help by `make docs`. Every command prints its options with `--help`. Exit codes: 0 done,
1 `doctor` or `check` found something, {EXIT_ERROR} a clear error in one line, {EXIT_INTERRUPTED} stopped by Ctrl-C,
{EXIT_BROKEN_PIPE} nobody reads the output any more, {EXIT_TERMINATED} stopped by SIGTERM.

In brackets behind an option: its default, and what else it can be where that is a choice of few.
"""


def command_reference() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD, *(_section(verb) for verb in COMMANDS)])


def _section(verb: str) -> str:
    run = command_run(verb)
    text, _, arguments = (inspect.getdoc(run) or "").partition("\nArgs:\n")
    text, _, examples = text.partition("\nExamples:\n")
    helps = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", arguments, re.MULTILINE)
    what = {name: " ".join(words.split()) for name, words in helps}
    rows = [f"| {_form(parameter)} | {what[name]} |" for name, parameter in inspect.signature(run).parameters.items()]
    table = "\n".join(["| option | what it says |", "|---|---|", *rows])
    return f"## understudy {verb}\n\n{text.strip()}\n\n```\n{inspect.cleandoc(examples)}\n```\n\n{table}\n"


def _form(parameter: inspect.Parameter) -> str:
    """The option as it is typed, with its default and its choices."""
    name, annotation = parameter.name.replace("_", "-"), parameter.annotation
    positional = "Positional" in str(getattr(annotation, "__metadata__", ()))
    kind = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    required = parameter.default is inspect.Parameter.empty
    said = ["required" if required else _typed(parameter.default, name)]
    said += [f"one of {', '.join(map(str, get_args(kind)))}"] if get_origin(kind) is Literal else []
    brackets = "; ".join(words for words in said if words)
    return f"`{name.upper() if positional else f'--{name}'}`" + (f" ({brackets})" if brackets else "")


def _typed(default: object, name: str) -> str:
    """A default as one would type it; empty where that is to leave the option out."""
    if default is None or default is False:
        return ""
    if default is True:
        return f"on; `--no-{name}` turns it off"
    if isinstance(default, Collection) and not isinstance(default, str):
        return " ".join(map(str, default))
    return f"{default:g}" if isinstance(default, float) else str(default)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(command_reference(), encoding="utf-8")
