"""Documents say what is so: every command, option, path and module that they name exists."""

import importlib
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Literal

import pytest
from tyro.conf import Positional

import understudy
from understudy.commands import COMMANDS, cli, reference
from understudy.commands.cli import command_run
from understudy.commands.reference import command_reference

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("src/**/*.md")])
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(understudy.__path__, "understudy.") if "__main__" not in module.name
)
EXTRAS = ("skimage",)
"""Imported by modules that only rebuild what the package ships."""
FOLDERS = r"(?:src|docs|tests|results|benchmarks|examples|\.ci)"


def code_of(page):
    """Everything that a page shows as code: fenced lines and inline spans."""
    text = page.read_text(encoding="utf-8")
    fenced = [
        line
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [line.split("  #")[0].strip() for line in fenced + inline]


def names(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_commands_and_their_options_exist(page):
    for code in code_of(page):
        match = re.match(r"(?:understudy|python -m understudy\.commands) ([a-z-]+)(.*)", code)
        if match is None or match[1].startswith("-"):
            continue
        assert match[1] in COMMANDS, code
        parameters = inspect.signature(command_run(match[1])).parameters
        options = {option.replace("-", "_") for option in re.findall(r"--([a-z][a-z-]+)", match[2])} - {"help"}
        options = {o.removeprefix("no_") if o.removeprefix("no_") in parameters else o for o in options}
        assert options <= set(parameters), code


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_paths_exist(page):
    text = page.read_text(encoding="utf-8")
    quoted = {path for code in code_of(page) for path in re.findall(rf"(?<![\w./-]){FOLDERS}/[\w./*-]+", code)}
    linked = {link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in link}
    missing = [path for path in quoted if "NAME" not in path and not list(ROOT.glob(path.rstrip("./")))]
    missing += [link for link in linked if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_verbs_and_modules_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for code in code_of(page):
        for verb in re.findall(r"^make ([a-z]+)", code):
            assert re.search(rf"^{verb}:", makefile, re.MULTILINE), code
        for module in re.findall(r"python -m (understudy[\w.]*)", code):
            assert importlib.util.find_spec(module) is not None, code


def test_the_command_reference_is_current():
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == command_reference(), "run: make docs"


def test_the_reference_keeps_whole_sentences_and_shows_defaults_as_they_are_typed(monkeypatch):
    def run(
        place: Positional[Path],
        seed: int = 0,
        share: float = 0.0,
        layers: tuple[str, ...] = ("mid", "up_0"),
        rows: dict[str, int] = {},  # noqa: B006
        name: str = "",
        side: Literal["left", "right"] = "left",
        track: bool = True,
        quick: bool = False,
    ):
        """Do it.

        Examples:
          understudy do it

        Args:
            place: Where. Or
                there, and
                then here.
            seed: S.
            share: H.
            layers: L.
            rows: R.
            name: N.
            side: D.
            track: T.
            quick: Q.
        """

    monkeypatch.setattr(reference, "COMMANDS", {"do": ""})
    monkeypatch.setattr(reference, "command_run", lambda verb: run)
    assert reference.command_reference().splitlines()[-9:] == [
        "| `PLACE` (required) | Where. Or there, and then here. |",
        "| `--seed` (0) | S. |",
        "| `--share` (0) | H. |",
        "| `--layers` (mid up_0) | L. |",
        "| `--rows` | R. |",
        "| `--name` | N. |",
        "| `--side` (left; one of left, right) | D. |",
        "| `--track` (on; `--no-track` turns it off) | T. |",
        "| `--quick` | Q. |",
    ]


def test_the_reference_names_every_exit_code():
    head = command_reference().partition("\n## ")[0]
    codes = {value for name, value in vars(cli).items() if name.startswith("EXIT_")}
    assert {0, 1} | codes == set(map(int, re.findall(r"\d+", head)))


def test_the_front_page_names_every_stage():
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    stages = [path.name for path in (ROOT / "src/understudy").iterdir() if (path / "__init__.py").is_file()]
    assert stages
    assert [stage for stage in stages if f"{stage}/" not in front] == []


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        pytest.skip(f"{error.name} is an extra that is not installed")
    listed = getattr(module, "__all__", [])
    assert len(set(listed)) == len(listed)
    assert [public for public in listed if not hasattr(module, public)] == []
