"""Labels: the built-in encoder, and CLIP's text tower from a folder in the published layout, shrunken."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.methods.shrunken_clip import write_clip_text

from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.networks.text import ClipText, Text, WordText, vocabulary_of
from understudy.records import Camera, Observation
from understudy.training.train import train

from .conftest import LABELS, ROBOT, SIZE


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    return write_clip_text(tmp_path_factory.mktemp("clip"))


def test_words_are_numbered_and_strange_ones_are_one():
    text = WordText(vocabulary_of(LABELS))
    rows = text.features(["press a button", "press a lever", "press a door", ""])
    assert rows[0, :3].min() > 1
    assert torch.equal(rows[1], rows[2])
    assert not torch.equal(rows[0], rows[1])
    assert rows[3].eq(0).all()
    again = Text.from_json(json.loads(json.dumps(text.to_json())), "here")
    assert torch.equal(again.features(LABELS), text.features(LABELS))


def test_word_order_counts_and_an_empty_label_is_nothing():
    torch.manual_seed(0)
    text = WordText(vocabulary_of(["a red cube on a blue cube"]))
    encoder = text.make_encoder(16)
    first, second, empty = encoder(text.features(["red cube on blue cube", "blue cube on red cube", ""]))
    assert not torch.allclose(first, second, atol=1e-4)
    assert empty.eq(0).all()


def test_clip_gives_unit_vectors_of_labels_and_nothing_for_an_empty_one(clip_folder):
    features = ClipText(clip_folder).features(["push the red cube", "press a button", ""])
    assert torch.allclose(features.norm(dim=1), torch.tensor([1.0, 1.0, 0.0]), atol=1e-5)
    assert not torch.allclose(features[0], features[1], atol=0.1)


def test_the_paper_experiment_trains_and_acts_with_a_shrunken_clip(clip_folder, pairs, tmp_path):
    paper, debug = get_experiment("dp_language_tabletop_paper"), get_experiment("dp_language_tabletop_debug")
    small = {name: getattr(debug, name) for name in ("model", "batch_size", "num_steps", "num_workers", "precision")}
    train(replace(paper, data=(pairs,), clip=clip_folder, **small), tmp_path / "run", threads=1, tensorboard=False)
    policy = make_policy(str(tmp_path / "run" / "policy"), ROBOT)
    image = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    policy.reset(LABELS[0])
    chunk = policy.act(Observation(image, Camera(SIZE, SIZE, np.eye(3)), 0.0, np.zeros(7)))
    assert np.isfinite(chunk.actions).all()


def test_a_folder_that_is_no_clip_is_named(tmp_path):
    with pytest.raises(UnderstudyError, match="no CLIP folder"):
        ClipText(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UnderstudyError, match="not a CLIP text model"):
        ClipText(tmp_path)


def test_vectors_tell_which_words_a_label_has():
    text = WordText(("cube", "push", "red"))
    vectors = text.vectors(["push red", "red push push", "", "push sphere"])
    assert torch.equal(vectors[0], vectors[1])
    assert not vectors[2].any()
    assert torch.allclose(vectors[[0, 1, 3]].norm(dim=1), torch.ones(3))
    assert (vectors[0] @ vectors[3]).item() == pytest.approx(0.5)
