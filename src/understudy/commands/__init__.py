"""The command line: verbs over the stages of the pipeline, one file each; see `cli.py`."""

from understudy.commands.cli import COMMANDS, main

__all__ = ["COMMANDS", "main"]
