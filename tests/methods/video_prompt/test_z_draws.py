"""Z of an episode is made once, whatever other episodes it is learned with."""

from dataclasses import replace

import numpy as np
import pytest
from tests.episodes.acted_recording import write_acted
from tests.methods.video_prompt.debug_policy import write_debug_policy

from understudy.errors import UnderstudyError
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt import z_draws


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    write_debug_policy(tmp_path)
    debug = get_experiment("video_prompt_xhand_debug")
    return replace(debug, representation=tmp_path / "representation", data=(tmp_path / "a", tmp_path / "b"))


@pytest.fixture
def made(monkeypatch):
    """Numbers of the episodes whose draws were made, in order."""
    found, make = [], z_draws._Maker.make

    def counted(self, index, seed):
        found.append(index)
        return make(self, index, seed)

    monkeypatch.setattr(z_draws._Maker, "make", counted)
    return found


def draws(data):
    return {
        data.windows.clips(index): [data._z.z(index, variant) for variant in range(data._z.variants)]
        for index in range(len(data))
    }


def test_other_data_make_no_z_of_an_episode_anew(experiment, tmp_path, made):
    write_acted(tmp_path / "a", copies=2)
    write_acted(tmp_path / "b", copies=3)
    both = experiment.make_data()
    of_both = draws(both)
    assert len(made) == len(both) == 20
    del made[:]
    alone = replace(experiment, data=(tmp_path / "b",)).make_data()
    of_one = draws(alone)
    assert not made
    assert len(of_one) == 12
    for clip, z in of_one.items():
        np.testing.assert_array_equal(z, of_both[clip])
    assert len({z[0].tobytes() for z in of_one.values()}) == 12
    assert all(not np.array_equal(z[0], z[1]) for z in of_one.values())
    there = list(map(both.windows.clips, range(len(both))))
    for index in range(len(alone)):
        assert alone._z.shift(index, 1) == both._z.shift(there.index(alone.windows.clips(index)), 1)
    replace(experiment, variants=2).make_data()
    assert len(made) == 20, "other draws are others' files"


def test_who_is_interrupted_goes_on(experiment, tmp_path, made, monkeypatch):
    write_acted(tmp_path / "a")
    experiment = replace(experiment, data=(tmp_path / "a",))
    counted = z_draws._Maker.make

    def stops(self, index, seed):
        if len(made) == 3:
            raise KeyboardInterrupt
        return counted(self, index, seed)

    with monkeypatch.context() as patch:
        patch.setattr(z_draws._Maker, "make", stops)
        with pytest.raises(KeyboardInterrupt):
            experiment.make_data()
    experiment.make_data()
    assert made == [0, 1, 2, 3]


def test_a_damaged_file_is_named(experiment, tmp_path):
    write_acted(tmp_path / "a")
    data = replace(experiment, data=(tmp_path / "a",)).make_data()
    for path in (tmp_path / "cache" / "representations").glob("*/*.npy"):
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UnderstudyError, match=r"\.npy: not a file of z that was made before; remove it"):
        data.z(0, np.random.default_rng(0))
