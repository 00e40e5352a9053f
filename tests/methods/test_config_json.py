import json
from dataclasses import asdict, dataclass
from typing import Literal

import pytest

from understudy.errors import UnderstudyError
from understudy.methods.config_json import config_from_json


@dataclass(frozen=True)
class Inner:
    rate: float
    steps: tuple[tuple[int, int], ...] = ((1, 2),)


@dataclass(frozen=True)
class Outer:
    inner: Inner
    name: str = "a"
    kind: Literal["warm", "cold"] = "warm"


def test_what_was_written_comes_back():
    outer = Outer(Inner(0.1, ((3, 4), (5, 6))), "b")
    assert config_from_json(Outer, json.loads(json.dumps(asdict(outer))), "here") == outer


def test_what_is_left_out_has_its_default():
    assert config_from_json(Outer, {"inner": {"rate": 1.0}}, "here") == Outer(Inner(1.0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"inner": {"rate": 1.0, "speed": 2}}, r"here\.inner: unknown field 'speed'; valid: rate, steps"),
        ({"name": "b"}, "here: .*inner"),
        ({"inner": 3}, r"here\.inner: must be an object"),
        ({"inner": {"rate": "fast"}}, r"here\.inner\.rate: 'fast': must be of type float"),
        ({"inner": {"rate": True}}, r"here\.inner\.rate: True: must be of type float"),
        ({"inner": {"rate": 1}, "name": None}, r"here\.name: None: must be of type str"),
        ({"inner": {"rate": 1}, "kind": "hot"}, r"here\.kind: 'hot'; valid: 'warm', 'cold'"),
    ],
)
def test_what_does_not_fit_is_named(content, message):
    with pytest.raises(UnderstudyError, match=message):
        config_from_json(Outer, content, "here")
