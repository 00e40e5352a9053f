"""MediaPipe's hand model, made once from a published wheel with checked sums; never committed, offline afterwards.

MediaPipe 1.x wheels carry no models. The wheel of `mediapipe` 0.10.21 (Apache-2.0) carries the palm detector and the
landmark network; a `.task` bundle is a zip of the two, stored without compression. Only data files are taken from that
wheel, so one platform's wheel serves all.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

from understudy.errors import UnderstudyError

__all__ = ["bundle_path", "ensure_bundle", "has_bundle"]

_WHEEL = "mediapipe==0.10.21"
_PLATFORM = ("--python-version=3.11", "--implementation=cp", "--abi=cp311", "--platform=manylinux_2_28_x86_64")
_PARTS = {  # name in the bundle: (name in the wheel, sha256)
    "hand_detector.tflite": (
        "mediapipe/modules/palm_detection/palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    ),
    "hand_landmarks_detector.tflite": (
        "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
    ),
}
_TIMEOUT_S = 600


def bundle_path() -> Path:
    """Where the bundle is kept: the folder `$UNDERSTUDY_MODELS`, else `~/.cache/understudy/models`."""
    folder = os.environ.get("UNDERSTUDY_MODELS") or Path.home() / ".cache" / "understudy" / "models"
    return Path(folder) / "hand_landmarker.task"


def has_bundle() -> bool:
    """Whether a complete bundle with the right sums is there."""
    try:
        with zipfile.ZipFile(bundle_path()) as bundle:
            return all(sha256(bundle.read(name)).hexdigest() == digest for name, (_, digest) in _PARTS.items())
    except (OSError, KeyError, zipfile.BadZipFile):
        return False


def ensure_bundle() -> Path:
    """Path of the bundle; makes it first if it is not there (downloads 36 MB once from the package registry).

    Raises:
        UnderstudyError: it cannot be fetched or written, or what was fetched has other sums.
    """
    path = bundle_path()
    if has_bundle():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            parts = _read_parts(_download_wheel(Path(folder)))
            complete = Path(folder) / path.name
            with zipfile.ZipFile(complete, "w", zipfile.ZIP_STORED) as bundle:
                for name, content in parts.items():
                    bundle.writestr(zipfile.ZipInfo(name), content)
            complete.replace(path)
    except OSError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror or error}; set UNDERSTUDY_MODELS") from error
    return path


def _download_wheel(folder: Path) -> Path:
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", *_PLATFORM]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), _WHEEL]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
    except subprocess.TimeoutExpired:
        reason = f"no answer within {_TIMEOUT_S} s"
    wheels = sorted(folder.glob("mediapipe-*.whl"))
    if not wheels:
        raise UnderstudyError(
            f"the hand model is not there and could not be fetched ({reason}): "
            "connect this machine to its package registry once and run: understudy doctor --fix"
        )
    return wheels[0]


def _read_parts(wheel: Path) -> dict[str, bytes]:
    parts = {}
    with zipfile.ZipFile(wheel) as archive:
        for name, (member, digest) in _PARTS.items():
            content = archive.read(member)
            found = sha256(content).hexdigest()
            if found != digest:
                raise UnderstudyError(f"{wheel.name}: {member} has sha256 {found}, not {digest}: not using it")
            parts[name] = content
    return parts
