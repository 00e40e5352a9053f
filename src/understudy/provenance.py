"""Where a number comes from: the commit of the code and the machine that ran it."""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path

__all__ = ["code_commit", "current_commit", "machine_name"]

_CODE = ("src", "benchmarks", "pyproject.toml")


def machine_name() -> str:
    """Cores and processor of this machine, as quoted beside numbers."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores, {model}, {platform.system()}, Python {platform.python_version()}"


@cache
def code_commit() -> str:
    """`current_commit` of the checkout that this code is of, wherever the command is given; asked once a process."""
    return current_commit(Path(__file__).parents[2])


def current_commit(folder: Path = Path()) -> str:
    """Short commit of the checkout at `folder`, with `-dirty` if its code is changed; `unknown` outside a checkout."""

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)

    head = git("rev-parse", "--short", "HEAD")
    if head.returncode != 0:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if git("status", "--porcelain", "--", *_CODE).stdout else "")
