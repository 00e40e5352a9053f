"""Python's serialised objects read as data: containers, words, numbers and NumPy arrays, and nothing that could run.

Bridge V2's raw folders, RH20T's `*.npy` dictionaries and HOI4D's hand poses are pickled. Python's own loader runs what
a file names; this reader interprets the instructions itself (`pickletools` only lists them), knows no way to call or
import anything, and builds arrays from their bytes. A file that asks for anything else is refused by name.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import UnderstudyError

__all__ = ["read_object_array", "read_plain_pickle"]

_MARK = object()


class _RefusedError(Exception):
    """What the file asks for and does not get."""


@dataclass(frozen=True)
class _Name:
    """A constructor that the file names; it is never looked up."""

    path: str


@dataclass
class _Array:
    """An ndarray between its construction and its state."""

    value: Any = None


@dataclass
class _Dtype:
    """A dtype between its construction and its state (byte order)."""

    code: str
    value: np.dtype = field(default_factory=lambda: np.dtype("u1"))

    def __post_init__(self) -> None:
        self.value = np.dtype(self.code)
        if self.value.kind not in "biufcSUO":
            raise _RefusedError(f"an array of {self.code!r}")


def read_plain_pickle(path: Path, content: bytes | None = None) -> Any:  # noqa: ANN401 - whatever the file holds
    """The object in a file, or in `content` (then `path` is for the error).

    Raises:
        UnderstudyError: no such file, damaged, or it holds something other than plain data.
    """
    try:
        instructions = path.read_bytes() if content is None else content
        return _plain(_run(instructions))
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except _RefusedError as error:
        raise UnderstudyError(
            f"{path}: asks for {error}: only numbers, words, containers and arrays are read"
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        raise UnderstudyError(f"{path}: no readable pickled data: {error}") from error


def read_object_array(path: Path) -> Any:  # noqa: ANN401
    """The one object in a `.npy` file of dtype object, as `numpy.save` writes a dictionary.

    Raises:
        UnderstudyError: as for `read_plain_pickle`, or it is no such `.npy` file.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            content = file.read()
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except ValueError as error:
        raise UnderstudyError(f"{path}: no .npy file: {error}") from error
    if dtype != np.dtype(object) or shape != ():
        raise UnderstudyError(f"{path}: holds a {dtype} array of shape {shape}, not one object")
    value = read_plain_pickle(path, content)
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _run(instructions: bytes) -> Any:  # noqa: ANN401
    """Interpret the instructions; every one is in `_SIMPLE` or in `_Machine`, or is refused."""
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(instructions):
        if opcode.name == "STOP":
            return machine.stack.pop()
        machine.step(opcode.name, argument)
    raise ValueError("the file ends early")


class _Machine:
    """The stack and the memo of one file."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:  # noqa: ANN401
        """One instruction."""
        stack = self.stack
        if name in _IGNORED:
            return
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in _LITERALS:
            stack.append(argument)
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[len(self.memo) if name == "MEMOIZE" else int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[int(argument)])
        elif name in _TUPLES:
            count = _TUPLES[name]
            items = tuple(stack[len(stack) - count :])
            del stack[len(stack) - count :]
            stack.append(items)
        elif hasattr(self, f"_{name.lower()}"):
            getattr(self, f"_{name.lower()}")(argument)
        else:
            raise _RefusedError(f"the instruction {name}")

    def _since_mark(self) -> list[Any]:
        place = max(i for i, item in enumerate(self.stack) if item is _MARK)
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def _mark(self, _: object) -> None:
        self.stack.append(_MARK)

    def _pop(self, _: object) -> None:
        self.stack.pop()

    def _tuple(self, _: object) -> None:
        self.stack.append(tuple(self._since_mark()))

    def _list(self, _: object) -> None:
        self.stack.append(self._since_mark())

    def _dict(self, _: object) -> None:
        items = self._since_mark()
        self.stack.append(dict(zip(map(_plain, items[::2]), items[1::2], strict=True)))

    def _append(self, _: object) -> None:
        item = self.stack.pop()
        self.stack[-1].append(item)

    def _appends(self, _: object) -> None:
        items = self._since_mark()
        self.stack[-1].extend(items)

    def _setitem(self, _: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][_plain(key)] = value

    def _setitems(self, _: object) -> None:
        items = self._since_mark()
        self.stack[-1].update(zip(map(_plain, items[::2]), items[1::2], strict=True))

    def _global(self, argument: str) -> None:
        self.stack.append(_known(argument.replace(" ", ".")))

    def _stack_global(self, _: object) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_known(f"{module}.{name}"))

    def _reduce(self, _: object) -> None:
        arguments, name = self.stack.pop(), self.stack.pop()
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise _RefusedError("a call")
        self.stack.append(_CONSTRUCTORS[name.path](*arguments))

    def _build(self, _: object) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Dtype):
            target.value = target.value.newbyteorder(state[1])
        elif isinstance(target, _Array):
            target.value = _filled_array(*state)
        else:
            raise _RefusedError("an object with a state of its own")


_IGNORED = {"PROTO", "FRAME"}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    **{"NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False},
    **{"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict},
}
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _known(path: str) -> _Name:
    if path not in _CONSTRUCTORS:
        raise _RefusedError(f"{path!r}")
    return _Name(path)


def _filled_array(version: int, shape: tuple[int, ...], dtype: _Dtype, by_column: bool, content: Any) -> Any:  # noqa: ANN401
    """The array of a state: from its bytes, or a list of its objects for dtype object."""
    del version
    if isinstance(content, list):
        return content
    if isinstance(content, str):  # Python 2 wrote bytes as words
        content = content.encode("latin1")
    return np.frombuffer(content, dtype=dtype.value).reshape(shape, order="F" if by_column else "C").copy()


def _from_buffer(content: bytes | bytearray, dtype: _Dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    return np.frombuffer(content, dtype=dtype.value).reshape(shape, order="F" if order == "F" else "C").copy()


def _number(dtype: _Dtype, content: bytes | str) -> Any:  # noqa: ANN401
    raw = content.encode("latin1") if isinstance(content, str) else content
    return np.frombuffer(raw, dtype=dtype.value)[0].item()


_CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    **{f"numpy.{core}.multiarray._reconstruct": lambda *_: _Array() for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _number for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    "numpy.ndarray": lambda *_: _Array(),
    "numpy.dtype": lambda code, *_: _Dtype(code),
    "_codecs.encode": lambda text, encoding: text.encode(encoding),
    "collections.OrderedDict": lambda items=(): dict(items),
    "collections.defaultdict": lambda *_: {},
    **{f"{module}.bytes": lambda: b"" for module in ("builtins", "__builtin__")},
    **{f"{module}.list": list for module in ("builtins", "__builtin__")},
}
"""What a file may name, and what is made of it here; none of these is imported because a file says so."""


def _plain(value: Any) -> Any:  # noqa: ANN401
    """The value with finished arrays in the place of their drafts."""
    if isinstance(value, _Array):
        return _plain(value.value)
    if isinstance(value, _Name | _Dtype):
        raise _RefusedError("a constructor as a value")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value
