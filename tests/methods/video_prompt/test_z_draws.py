"""Z of an episode is made once, whatever other episodes it is learned with."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.episodes.acted_recording import ROBOT, write_acted
from tests.methods.video_prompt.debug_policy import write_debug_policy

from understudy.episodes.painted_scene import PaintedScenes
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.square_image import square_image
from understudy.episodes.windows import even_frames
from understudy.errors import UnderstudyError
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt import z_draws
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.networks.image_encoder import ColourJitter, to_float


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


def draws(data, what="_z"):
    cached = getattr(data, what)
    wanted = sorted(cached._files)
    return {data.windows.clips(index)[1:]: [cached.z(index, variant) for variant in range(4)] for index in wanted}


@pytest.mark.parametrize(
    ("settings", "what", "count"),
    [({}, "_z", 12), ({"painted_robot": 0.5}, "_painted", 6), ({"scene_arithmetic": 0.5}, "_in_persons_scene", 6)],
)
def test_other_data_make_no_z_of_an_episode_anew(experiment, tmp_path, made, settings, what, count):
    """The second recording holds the episodes of the first, and two more of each body."""
    write_acted(tmp_path / "a", copies=2)
    write_acted(tmp_path / "b", copies=3)
    experiment = replace(experiment, **settings)
    alone = replace(experiment, data=(tmp_path / "b",)).make_data()
    of_one = draws(alone, what)
    assert len(of_one) == count
    assert len({z.tobytes() for every in of_one.values() for z in every}) == 4 * count
    assert len(made) == (12 if what == "_z" else 12 + count)
    del made[:]
    both = experiment.make_data()
    assert not made
    of_both = draws(both, what)
    for clip, z in of_one.items():
        np.testing.assert_array_equal(z, of_both[clip])
    places = list(map(both.windows.clips, range(len(both))))
    for index in range(len(alone)):
        place = places.index(alone.windows.clips(index))
        assert alone._z.shift(index, 1) == both._z.shift(place, 1) == getattr(both, what).shift(place, 1)
    replace(experiment, variants=2).make_data()
    assert made, "other draws are others' files"


@pytest.mark.parametrize("scene", ["painted", "person"])
def test_further_draws_in_another_scene_are_shifted_alike_too(experiment, tmp_path, monkeypatch, scene):
    """With colours and times left as they are, they are what shifted clip and scene give."""
    monkeypatch.setattr(z_draws, "uneven_frames", lambda length, count, rng: even_frames(length, count))
    write_acted(tmp_path / "a")
    losses = replace(experiment.losses, jitter=ColourJitter(0.0))
    acted = replace(experiment.acted, shift=2)
    data = replace(experiment, data=(tmp_path / "a",), losses=losses, acted=acted).make_data()
    representation = read_representation(experiment.representation)
    size = representation.model.image_size
    cached = z_draws.cached_z(data.windows, representation, data._z.draws, scene)
    shifts = set()
    for index in cached._files:
        root, _, episode = data.windows.clips(index)
        reader = EpisodeReader(root / "human_hand")
        clip = np.stack([square_image(frame, size) for frame in reader.frames(z_draws._IMAGES, episode)])
        shown = clip[0] if scene == "person" else PaintedScenes(ROBOT, size).scene(reader, episode, clip)
        for variant in range(4):
            shift = data._z.shift(index, variant)
            images = [shift.images(some) for some in (clip[even_frames(len(clip), 4)], shown)]
            expected = representation(*(to_float(torch.from_numpy(some[None])) for some in images))[0]
            np.testing.assert_allclose(cached.z(index, variant), expected.numpy(), atol=0.02)
            shifts.add(shift)
    assert len(cached._files) == 2
    assert len(shifts) > 3


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


@pytest.mark.parametrize(
    ("left", "said"), [(0, "is damaged; remove it"), (20, "is damaged; remove it"), (None, "is gone; start again")]
)
def test_a_damaged_file_is_named(experiment, tmp_path, left, said):
    write_acted(tmp_path / "a")
    data = replace(experiment, data=(tmp_path / "a",)).make_data()
    for path in (tmp_path / "cache" / "representations").glob("*/*.npy"):
        content = path.read_bytes()
        path.unlink()
        if left is not None:
            path.write_bytes(content[:left])
    with pytest.raises(UnderstudyError, match=rf"\.npy: {said}, and it is made anew"):
        data.z(0, np.random.default_rng(0))


def test_other_processes_read_for_themselves(experiment, tmp_path):
    write_acted(tmp_path / "a")
    cached = replace(experiment, data=(tmp_path / "a",)).make_data()._z
    before = len(pickle.dumps(cached))
    z = cached.z(0, 1)
    assert len(pickle.dumps(cached)) == before
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(cached)).z(0, 1), z)
