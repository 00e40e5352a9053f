"""What this machine must have, checked one by one; each finding carries the exact line that mends it."""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from understudy.perception.bundle import bundle_path, has_bundle

__all__ = ["CHECKS", "Finding"]

# MuJoCo renders through the first two, MediaPipe links EGL and GLES, OpenCV the others. Mesa's drivers, the second
# package, are loaded by name at run time: only the render check finds them.
_LIBRARIES = ("libEGL.so.1", "libOpenGL.so.0", "libGLESv2.so.2", "libGL.so.1", "libgthread-2.0.so.0")
_PACKAGES = ("libegl1", "libgl1-mesa-dri", "libopengl0", "libgles2", "libgl1", "libglib2.0-0")
_RENDER = """
import understudy, mujoco
model = mujoco.MjModel.from_xml_string('<mujoco><worldbody><geom size="1"/></worldbody></mujoco>')
renderer = mujoco.Renderer(model, 8, 8)
renderer.update_scene(mujoco.MjData(model))
renderer.render()
renderer.close()
"""
_RENDER_TIMEOUT_S = 120


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""
    """The line to type where `ok` is false."""


def _apt() -> str:
    """One line for Debian and Ubuntu that brings everything; what is there already is left alone."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y --no-install-recommends {' '.join(_PACKAGES)}"


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, f"{platform.python_version()} ({sys.executable})", "make setup PYTHON=python3.11")


def _libraries() -> Finding:
    missing = []
    for library in _LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(library)
    if not missing:
        return Finding("system libraries", True, f"{len(_LIBRARIES)} of {len(_LIBRARIES)}")
    return Finding("system libraries", False, f"no {', '.join(missing)}", _apt())


def _rendering() -> Finding:
    # In a process of its own: a broken driver can end a process rather than raise.
    command = [sys.executable, "-c", _RENDER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_RENDER_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding("rendering", False, f"no picture within {_RENDER_TIMEOUT_S} s", _apt())
    backend = os.environ.get("MUJOCO_GL", "the default")
    if done.returncode == 0:
        return Finding("rendering", True, f"MuJoCo through {backend}")
    reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return Finding("rendering", False, f"MuJoCo through {backend}: {reason}", _apt())


def _mediapipe() -> Finding:
    try:
        return Finding("hand tracker", True, f"mediapipe {version('mediapipe')}")
    except PackageNotFoundError:
        return Finding("hand tracker", False, "mediapipe is not installed", 'pip install "understudy[hands]"')


def _bundle() -> Finding:
    detail = str(bundle_path()) if has_bundle() else f"not at {bundle_path()}"
    return Finding("hand model", has_bundle(), detail, "understudy doctor --fix")


def _codecs() -> Finding:
    import av

    missing = sorted({"h264", "libx264"} - set(av.codecs_available))
    detail = f"PyAV {av.__version__}" + (f" without {', '.join(missing)}" if missing else " with h264")
    return Finding("video codecs", not missing, detail, "pip install --force-reinstall --only-binary=:all: av")


def _gpu() -> Finding:
    if shutil.which("nvidia-smi") is None:
        return Finding("GPU", True, "none found; everything here runs on the CPU")
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Finding("GPU", True, ", ".join(done.stdout.split("\n")).strip(", ") or "none answers; the CPU is used")


CHECKS: tuple[Callable[[], Finding], ...] = (_python, _libraries, _rendering, _codecs, _mediapipe, _bundle, _gpu)
"""In the order in which things should be mended."""
