"""The hand model's bundle: made from a wheel with the right sums, else one line that says what to do. No network."""

import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from understudy.errors import UnderstudyError
from understudy.perception import bundle

CONTENTS = {"hand_detector.tflite": b"palm detector", "hand_landmarks_detector.tflite": b"landmarks"}


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """An empty model folder, and a pretended wheel whose sums are known."""
    parts = {name: (f"mediapipe/{name}", sha256(content).hexdigest()) for name, content in CONTENTS.items()}
    monkeypatch.setattr(bundle, "_PARTS", parts)
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def pretend_download(monkeypatch, contents: dict[str, bytes]) -> None:
    def download(folder: Path) -> Path:
        wheel = folder / "mediapipe-0.10.21-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(f"mediapipe/{name}", content)
        return wheel

    monkeypatch.setattr(bundle, "_download_wheel", download)


def test_the_bundle_is_a_stored_zip_of_the_two_networks(models, monkeypatch):
    pretend_download(monkeypatch, CONTENTS)
    assert not bundle.has_bundle()
    path = bundle.ensure_bundle()
    assert path == models / "hand_landmarker.task"
    with zipfile.ZipFile(path) as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == CONTENTS
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    assert [file.name for file in models.iterdir()] == ["hand_landmarker.task"]


def test_it_is_made_once(models, monkeypatch):
    pretend_download(monkeypatch, CONTENTS)
    bundle.ensure_bundle()

    def fail(folder: Path) -> Path:
        raise AssertionError("downloaded again")

    monkeypatch.setattr(bundle, "_download_wheel", fail)
    bundle.ensure_bundle()


def test_a_damaged_bundle_is_made_anew(models, monkeypatch):
    pretend_download(monkeypatch, CONTENTS)
    path = bundle.ensure_bundle()
    path.write_bytes(path.read_bytes()[:50])
    assert not bundle.has_bundle()
    bundle.ensure_bundle()
    assert bundle.has_bundle()


def test_other_contents_are_refused(models, monkeypatch):
    pretend_download(monkeypatch, CONTENTS | {"hand_detector.tflite": b"something else"})
    with pytest.raises(UnderstudyError, match="sha256"):
        bundle.ensure_bundle()
    assert list(models.iterdir()) == []


def test_without_a_registry_the_message_says_what_to_run(models, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(UnderstudyError, match="understudy doctor --fix") as caught:
        bundle.ensure_bundle()
    assert "\n" not in str(caught.value)
    assert list(models.iterdir()) == []
