"""A file appears whole or not at all, whatever happens while it is written."""

import pytest

from understudy.errors import UnderstudyError
from understudy.files import replacing, write_text


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail():
        with replacing(path) as part:
            part.write_text("half")
            raise KeyError("stopped")

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_folders_are_made(tmp_path):
    write_text(tmp_path / "new" / "folder" / "a.txt", "ä")
    assert (tmp_path / "new" / "folder" / "a.txt").read_text(encoding="utf-8") == "ä"


def test_a_path_below_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnderstudyError, match=r"file/a\.txt: cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "x")
