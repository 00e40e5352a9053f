"""Imports run one way through the stages of the pipeline."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "understudy"
STAGES = "geometry embodiments perception retargeting simulation episodes networks methods training evaluation serving"
RANK = {"records": 0, "errors": 0} | {stage: rank for rank, stage in enumerate([*STAGES.split(), "commands"], 1)}


def imported(path):
    """Dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("stage", sorted(path.stem for path in SOURCE.iterdir() if path.stem in RANK))
def test_a_stage_imports_only_what_stands_before_it(stage):
    files = [SOURCE / f"{stage}.py"] if RANK[stage] == 0 else sorted((SOURCE / stage).rglob("*.py"))
    assert files
    for path in files:
        others = {name.split(".")[1] for name in imported(path) if name.startswith("understudy.")} & RANK.keys()
        later = sorted(other for other in others if RANK[other] > RANK[stage])
        assert not later, f"{path.relative_to(SOURCE)} imports {', '.join(later)}"


def test_methods_do_not_import_each_other():
    for folder in (SOURCE / "methods").iterdir():
        for path in folder.rglob("*.py"):
            names = [name.split(".") for name in imported(path) if name.startswith("understudy.methods.")]
            siblings = {name[2] for name in names if (SOURCE / "methods" / name[2]).is_dir()} - {folder.name}
            assert not siblings, f"{path.relative_to(SOURCE)} imports its siblings {siblings}"
