"""What commands need of the learned parts, whose packages are an extra and slow to import: only when asked for."""

from importlib.util import find_spec

from understudy.errors import UnderstudyError

__all__ = ["experiment_summaries", "require_learn_extra"]

_PACKAGES = ("torch", "accelerate", "safetensors", "tensorboard")


def require_learn_extra() -> None:
    """Check that the packages are there that training needs.

    Raises:
        UnderstudyError: one is not, with the line that installs it.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise UnderstudyError(f'{", ".join(missing)} not installed: pip install "understudy[learn]"')


def experiment_summaries() -> dict[str, str]:
    """Name -> one line about it, of every experiment."""
    require_learn_extra()
    from understudy.methods.experiments import EXPERIMENTS

    return {name: (make.__doc__ or "").strip().splitlines()[0] for name, make in EXPERIMENTS.items()}
