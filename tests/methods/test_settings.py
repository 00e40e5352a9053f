from dataclasses import replace
from pathlib import Path

import pytest

from understudy.errors import UnderstudyError
from understudy.methods.experiments import get_experiment
from understudy.methods.settings import with_settings


def test_settings_are_changed_by_name_and_noted():
    was = get_experiment("video_prompt_xhand_debug")
    changes = ("batch_size=5", "losses.path_weight=0.5", "representation=a/b", "losses.pdcp=none", "people=false")
    changes += ("betas=[0.5, 0.6]", "precision=fp16", 'data=["c", "d"]')
    now = with_settings(was, changes)
    assert now == replace(
        was,
        batch_size=5,
        losses=replace(was.losses, path_weight=0.5, pdcp=None),
        representation=Path("a/b"),
        people=False,
        betas=(0.5, 0.6),
        precision="fp16",
        data=(Path("c"), Path("d")),
        changes=changes,
    )
    assert with_settings(was, ()) is was


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("batch_size", "needs NAME=VALUE"),
        ("batchsize=3", "no setting 'batchsize'; there are data, "),
        ("name=other", "no setting 'name'"),
        ("losses.weight=1", "no setting 'weight'"),
        ("batch_size.x=1", "has no settings of its own"),
        ("batch_size=2.5", "'2.5' is not of type int"),
        ("people=2", "'2' is not of type bool"),
        ("precision=int8", "is not of no or bf16 or fp16"),
        ("losses=1", "is not of type LossConfig"),
        ("model.diffusion.prediction=ddpm", "'ddpm' is not of edm or noise"),
        ("sampling.sampler=ddim", "'ddim' is not of euler or heun"),
        ("betas=0.9", "is not of type tuple"),
        ("betas=[0.9]", "is not of type tuple"),
        ("acted.people=false", "acted.people is taken from people"),
        ("model.action_size=7", "model.action_size is taken from the robot"),
    ],
)
def test_what_cannot_be_set_is_said_in_one_line(change, said):
    with pytest.raises(UnderstudyError) as caught:
        with_settings(get_experiment("video_prompt_xhand_debug"), (change,))
    assert str(caught.value).startswith(f"--set {change}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
