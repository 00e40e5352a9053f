"""YAML files with errors that name the file and the field."""

from pathlib import Path
from typing import Any

from understudy.errors import UnderstudyError

__all__ = ["read_yaml"]


def read_yaml(path: Path, *keys: str) -> dict[str, Any]:
    """The mapping in a YAML file, which must have the given keys.

    Raises:
        UnderstudyError: PyYAML is missing, no such file, no YAML mapping, or a key is not there.
    """
    try:
        import yaml  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise UnderstudyError(f"{path}: reading YAML needs PyYAML: pip install 'understudy[formats]'") from error
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnderstudyError(f"{path}: no YAML: {' '.join(str(error).split())}") from error
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        raise UnderstudyError(f"{path}: no {missing[0]!r} in it")
    return dict(content)
