"""A folder that changes only as a whole: whoever opens it, and whatever is killed, it is the old state or the new one.

Two folders lie beside each other, `NAME` and a hidden one, and share their files by hard links. A change is made in the
hidden one, which then takes the other's place in one step (Linux: renameat2 with RENAME_EXCHANGE). Afterwards the
hidden one lags behind by that change and is brought up to date before the next, so a change costs what it adds, however
large the folder is. Files are never changed in place, as both folders may hold them.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import sys
from pathlib import Path

from understudy.errors import UnderstudyError

__all__ = ["WholeFolder", "link_or_copy"]

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_OWNED: set[Path] = set()
"""Folders this process owns; the lock itself does not bind the process that holds it."""


class WholeFolder:
    """The right of one process to change `root`; another one that wants it is refused until `close`.

    Args:
        root: the folder; it need not exist.
        fresh: begin with an empty folder instead of the content of `root`.
    """

    def __init__(self, root: Path, *, fresh: bool = False) -> None:
        self.root = root.resolve()
        self._fresh = fresh
        self._beside = self.root.parent / f".{root.name}.writing"
        self._hidden, self._old = self._beside / "next", self._beside / "old"
        self._lock = self._own()
        if not self.root.exists() and self._old.exists():  # killed between two renames, see _exchange
            self._old.rename(self.root)
        for folder in (self._hidden, self._old, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)  # what a killed process has left
        self.scratch.mkdir()
        self._changed: set[Path] = set()
        self._lag: set[Path] | None = None  # None: the hidden folder does not exist

    @property
    def scratch(self) -> Path:
        """A folder on the same file system for files in the making; removed by `close`."""
        return self._beside / "scratch"

    @property
    def closed(self) -> bool:
        """Whether the right has been given up."""
        return self._lock < 0

    def place(self, path: Path) -> Path:
        """Where to write the file that is to be at `path` (relative); there is none, and its folder exists."""
        target = self._begin() / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        self._changed.add(path)
        return target

    def link(self, source: Path, path: Path) -> None:
        """Let the file `source` also be at `path` (relative)."""
        link_or_copy(source, self.place(path))

    def remove(self, path: Path) -> None:
        """Remove the file at `path` (relative)."""
        target = self._begin() / path
        target.unlink(missing_ok=True)
        if not any(target.parent.iterdir()):
            target.parent.rmdir()
        self._changed.add(path)

    def content(self, path: Path) -> Path:
        """The file at `path` (relative) with the changes made so far."""
        return self._begin() / path

    def commit(self) -> None:
        """Let all changes since the last commit be seen, at once, and outlast a power failure from now on."""
        hidden = self._begin()
        _flush(hidden, self._changed)
        if self.root.exists():
            self._exchange()
            self._lag = self._changed
        else:
            hidden.rename(self.root)
            self._lag = None
        self._changed = set()
        self._fresh = False
        _flush_folder(self.root.parent)

    def discard(self) -> None:
        """Forget all changes since the last commit."""
        shutil.rmtree(self._hidden, ignore_errors=True)
        self._changed, self._lag = set(), None

    def close(self) -> None:
        """Forget what is not committed and give the right up."""
        if self.closed:
            return
        for folder in (self._hidden, self._old, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)
        (self._beside / "lock").unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = -1
        _OWNED.discard(self.root)
        try:
            self._beside.rmdir()
        except OSError as error:  # the next owner is there already
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise

    def _own(self) -> int:
        path = self._beside / "lock"
        if self.root in _OWNED:
            raise UnderstudyError(f"{self.root}: is being written by this process already")
        while True:
            try:
                self._beside.mkdir(parents=True, exist_ok=True)
                lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            except FileNotFoundError:  # its owner has just removed the folder
                continue
            except OSError as error:
                raise UnderstudyError(f"{self.root.parent}: cannot be written: {error.strerror}") from error
            try:
                # A POSIX lock ends with its process and is not handed on to forked workers.
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(lock)
                if error.errno in (errno.EACCES, errno.EAGAIN):
                    raise UnderstudyError(f"{self.root}: is being written by another process") from error
                raise UnderstudyError(f"{path}: cannot be locked: {error.strerror}") from error
            if path.exists() and os.path.samestat(os.fstat(lock), path.stat()):
                _OWNED.add(self.root)
                return lock
            os.close(lock)  # its owner has removed the file meanwhile

    def _begin(self) -> Path:
        """The hidden folder, equal to `root` but for the changes made since the last commit."""
        if self._lag is None:
            self._hidden.mkdir()
            self._lag = set()
            if not self._fresh and self.root.exists():
                _mirror(self.root, self._hidden)
        for path in self._lag:
            target = self._hidden / path
            target.unlink(missing_ok=True)
            if (self.root / path).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(self.root / path, target)
        self._lag.clear()
        return self._hidden

    def _exchange(self) -> None:
        if _exchanged(self.root, self._hidden):
            return
        # Two steps: a kill between them leaves no folder; the next owner puts the old one back.
        self.root.rename(self._old)
        self._hidden.rename(self.root)
        self._old.rename(self._hidden)


def _exchanged(a: Path, b: Path) -> bool:
    """Exchange two folders in one step; False where system or file system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(a))


def _mirror(root: Path, target: Path) -> None:
    """Link all files of `root` into `target`."""
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            if Path(folder, name).is_symlink():
                raise UnderstudyError(f"{Path(folder, name)}: is a link; a data set that grows must hold its own files")
        copy = target / Path(folder).relative_to(root)
        copy.mkdir(exist_ok=True)
        for name in names:
            link_or_copy(Path(folder, name), copy / name)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK, errno.ENOSYS):
            raise
        shutil.copy2(source, target)


def _flush(folder: Path, paths: set[Path]) -> None:
    """Bring those files of the folder, and the folders they are in, to the disk."""
    touched: set[Path] = set()
    for path in paths:
        touched.update(folder / parent for parent in path.parents)
        if (folder / path).exists():
            _flush_folder(folder / path)
    for parent in touched:
        if parent.exists():
            _flush_folder(parent)


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
