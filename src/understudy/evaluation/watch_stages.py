"""Stages that are done once: what is finished stays finished, and an interrupted run goes on where it stopped.

A stage is skipped if its fingerprint (version, options, what came before it) and the sizes of its files are those that
`stages.json` holds. Every file appears under its name only when it is complete.
"""

import errno
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from understudy import __version__
from understudy.errors import UnderstudyError
from understudy.files import write_text

__all__ = ["Stages", "check_output_folder", "file_sha256", "reporting_full_disk"]

MANIFEST = "stages.json"
_FORMAT = "understudy watch 1"

Advance = Callable[[int], None]
"""Called with the number of frames done."""


class Stages:
    """The stages of one output folder. A context manager: it shows a progress bar while it is entered."""

    def __init__(self, out: Path, num_frames: int, summaries: tuple[str, ...]) -> None:
        """Read what is done.

        Args:
            out: the folder.
            num_frames: length of every progress bar.
            summaries: files about all stages; they are removed as soon as one stage has to be done again.
        """
        self._out, self._num_frames, self._summaries = out, num_frames, summaries
        self._done: dict[str, dict] = _read_manifest(out / MANIFEST)
        columns = (TextColumn("{task.description:<34}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._console = Console(stderr=True, highlight=False)
        # A log file gets one line per stage, a terminal the bars.
        self._progress = Progress(*columns, console=self._console, disable=not self._console.is_terminal)

    def __enter__(self) -> "Stages":
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._progress.live.transient = kind is not None  # after a failure nothing but its one line stays
        self._progress.stop()

    @property
    def seconds(self) -> dict[str, float]:
        """How long each finished stage took [s]."""
        return {name: record["seconds"] for name, record in self._done.items()}

    def run(
        self,
        name: str,
        title: str,
        inputs: Mapping[str, object],
        files: tuple[str, ...],
        work: Callable[[Advance], None],
    ) -> str:
        """Do the stage unless it is done; `work` writes `files` below the output folder. Returns its fingerprint."""
        text = json.dumps({"stage": name, "version": __version__, "inputs": dict(inputs)}, sort_keys=True, default=str)
        fingerprint = sha256(text.encode()).hexdigest()
        record = self._done.get(name, {})
        bar = self._progress.add_task(title, total=self._num_frames)
        if record.get("fingerprint") == fingerprint and record.get("files") == self._sizes(files):
            self._finish(bar, f"{title} (done before)")
            return fingerprint
        for summary in self._summaries:
            (self._out / summary).unlink(missing_ok=True)
        started = time.monotonic()
        work(lambda done: self._progress.update(bar, completed=done))
        seconds = round(time.monotonic() - started, 2)
        self._finish(bar, title)
        self._done[name] = {"fingerprint": fingerprint, "files": self._sizes(files), "seconds": seconds}
        write_text(self._out / MANIFEST, json.dumps({"format": _FORMAT, "stages": self._done}, indent=1) + "\n")
        return fingerprint

    def _finish(self, bar: TaskID, title: str) -> None:
        self._progress.update(bar, completed=self._num_frames, description=title)
        if not self._console.is_terminal:
            self._console.print(title)

    def _sizes(self, files: tuple[str, ...]) -> dict[str, int]:
        """Bytes of each file, or of all files below a folder; -1 where nothing is."""
        sizes = {}
        for name in files:
            path = self._out / name
            below = [path] if path.is_file() else sorted(path.rglob("*"))
            sizes[name] = sum(item.stat().st_size for item in below if item.is_file()) if path.exists() else -1
        return sizes


def check_output_folder(out: Path) -> None:
    """Make sure that `out` can be written and holds nothing but an earlier run's results; leaves nothing behind.

    Raises:
        UnderstudyError: it is a file, holds other things, or cannot be written.
    """
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise UnderstudyError(
            f"{out}: holds files that are not from `understudy watch`; choose another folder with --out"
        )
    nearest = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=".understudy-", dir=nearest):
            pass
    except OSError as error:
        raise UnderstudyError(
            f"{out}: cannot be written: {error.strerror}; choose another folder with --out"
        ) from error


@contextmanager
def reporting_full_disk(out: Path, needed_bytes: int) -> Iterator[None]:
    """Turn "no space left" in any layer into one error that names the folder and the space needed."""
    try:
        yield
    except (OSError, UnderstudyError) as error:
        if not _is_full_disk(error):
            raise
        there = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
        free = shutil.disk_usage(there).free / 2**20
        raise UnderstudyError(
            f"{out}: no space left: this video needs about {max(needed_bytes / 2**20, 1):.0f} MiB there, "
            f"{free:.0f} MiB are free; make room and run the same command again, or choose another folder with --out"
        ) from error


def _is_full_disk(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def _read_manifest(path: Path) -> dict[str, dict]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["stages"] if content["format"] == _FORMAT else {}
    except (ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{path}: not readable; remove the folder or choose another with --out") from error


def file_sha256(path: Path) -> str:
    """Digest of a file of any size."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
