"""The demo of a policy that was trained: the same table under two videos, what it imagines, and what it really does."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from understudy.embodiments import ROBOTS
from understudy.errors import UnderstudyError
from understudy.evaluation.demo import TASKS, first_layout
from understudy.evaluation.demo_folder import TWO_VIDEOS, refuse_other_demo
from understudy.evaluation.episode import Turn, run_turn
from understudy.evaluation.film import SIDE_PX, write_film
from understudy.evaluation.page import badge, card, page, video
from understudy.evaluation.perform import CONTROL_HZ, imagined_by, video_model
from understudy.evaluation.prompts import prompt_clip, shown_by
from understudy.evaluation.rows import Contestant, contestants, policy_folder
from understudy.evaluation.suites import get_suite
from understudy.files import write_text
from understudy.methods import make_policy
from understudy.methods.policy import Policy
from understudy.perception.video_writer import write_video
from understudy.simulation.seeds import split_of
from understudy.simulation.tabletop import Tabletop

__all__ = ["Case", "make_prompted_demo", "result_of"]

LAYOUTS = TASKS
"""What the layouts are labelled with, one after the other."""
PROMPTS = ("right", "wrong")
_SUITE = "video_prompt"
_SHOWN_FRAMES = 48
"""Of a prompt's film; the policy looks at its own number."""


@dataclass(frozen=True)
class Case:
    """One layout under one video."""

    task: str
    """That the layout is labelled with."""
    seed: int
    prompt: str
    """right: the video shows the labelled task; wrong: something else that the same table allows."""
    label: str
    """Of the layout."""
    shown: str
    """What the video shows, in words."""
    done: bool
    """The robot did what the video shows."""
    labelled_done: bool
    """The robot did what the layout is labelled with."""
    failure: str
    """Why it did not do what the video shows; empty if it did."""
    familiarity: float | None
    """Of the prompt, 0 to 1; None where the policy does not tell."""
    seconds: float


def make_prompted_demo(out: Path, policy: str, first_seed: int | None = None) -> Path:
    """Show a policy two videos in each of three layouts, film what it does, and write a page of the six.

    Args:
        out: folder for the films, `cases.json` and `index.html`.
        policy: name or folder of a policy that was trained and is prompted with videos; one with a video model is asked
            what it imagines, too.
        first_seed: seed of the first layout; drawn from the sealed test seeds if not given, and named on the page.

    Returns the page.

    Raises:
        UnderstudyError: a policy that learns nothing or is told in words, a folder that is not whole, or `out` holds a
            demo of replay.
    """
    refuse_other_demo(out, TWO_VIDEOS)
    if policy_folder(policy) is None:
        raise UnderstudyError(f"{policy}: learns nothing; this demo is of policies that were trained")
    contestant = contestants(get_suite(_SUITE), [policy], tuple(ROBOTS))[0]
    actor = make_policy(policy, contestant.robots[0])
    if actor.prompt_kind != "video":
        raise UnderstudyError(f"{policy}: is told in words; the demo shows policies that are prompted with videos")
    model, seed, started = video_model(policy), first_layout(first_seed, len(LAYOUTS)), time.monotonic()
    cases: list[tuple[Case, Path]] = []
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with TemporaryDirectory() as clips, Progress(*columns) as progress:
        bar = progress.add_task("", total=None)
        for index, task in enumerate(LAYOUTS):

            def say(what: str, task: str = task) -> None:
                progress.update(bar, description=f"[bold]{task}[/bold]: {what}")

            cases += _one_layout(_Scene(contestant, actor, model, task, seed + index, Path(clips)), out, say)
    write_text(out / "cases.json", json.dumps([asdict(case) for case, _ in cases], indent=1) + "\n")
    minutes = (time.monotonic() - started) / 60
    write_text(out / "index.html", _page(policy, cases, minutes, model is not None))
    return out / "index.html"


@dataclass(frozen=True)
class _Scene:
    contestant: Contestant
    actor: Policy
    """Says which prompts and images it wants."""
    model: Path | None
    task: str
    seed: int
    clips: Path
    """Folder in which prompts are kept while the demo is made."""


def _one_layout(scene: _Scene, out: Path, say: Callable[[str], None]) -> list[tuple[Case, Path]]:
    """Both cases of a layout, each with its film."""
    table = Tabletop(scene.task, scene.seed, scene.contestant.robots[0], image_size=scene.actor.image_size)
    try:
        return [_one_case(scene, table, prompt, out, say) for prompt in PROMPTS]
    finally:
        table.close()


def _one_case(scene: _Scene, table: Tabletop, prompt: str, out: Path, say: Callable[[str], None]) -> tuple[Case, Path]:
    folder, clips = out / f"{scene.task}-{prompt}", scene.clips
    shown = shown_by(prompt, scene.task, scene.seed, TASKS)
    assert shown is not None
    say(f"a person shows: {shown.goal.label}")
    film = prompt_clip(shown, SIDE_PX, _SHOWN_FRAMES, clips)
    imagined = None
    first = table.reset().image
    frames = [table.render(SIDE_PX)]
    if scene.model is not None:
        say("the robot imagines it")
        seen = prompt_clip(shown, scene.actor.prompt_size, scene.actor.prompt_frames, clips)
        imagined = imagined_by(scene.model, seen, first)
    say("the robot does it")
    turn = Turn(scene.contestant, scene.contestant.robots[0], scene.task, scene.seed, prompt)
    episode = run_turn(turn, table, TASKS, clips, on_step=lambda t: frames.append(t.render(SIDE_PX)))
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(film.path, folder / "prompt.mp4")
    if imagined is not None:
        write_video(folder / "imagined.mp4", imagined, len(imagined) / (film.num_frames / film.fps))
    write_video(folder / "rollout.mp4", frames, float(CONTROL_HZ))
    write_film(folder / "film.mp4", film, imagined, frames, float(CONTROL_HZ))
    return Case(
        task=scene.task,
        seed=scene.seed,
        prompt=prompt,
        label=table.label,
        shown=shown.goal.label,
        done=episode["asked"],
        labelled_done=episode["success"],
        failure=episode["failure"],
        familiarity=episode["familiarity"],
        seconds=episode["steps"] / CONTROL_HZ,
    ), folder / "film.mp4"


def _page(policy: str, cases: Sequence[tuple[Case, Path]], minutes: float, imagines: bool) -> str:
    done = sum(case.done for case, _ in cases)
    seeds = sorted({case.seed for case, _ in cases})
    columns = (
        "the video | imagined by the policy's video model | what the robot did"
        if imagines
        else ("the video | what the robot did")
    )
    lead = (
        f"<b>{escape(policy)} did what the video shows in {done} of {len(cases)} cases.</b> One attempt each; nothing "
        f"was chosen or left out. Layouts {seeds[0]} to {seeds[-1]} ({split_of(seeds[0])} seeds), made in "
        f"{minutes:.1f} minutes. In every layout it is shown two videos; it sees that and its camera's pictures, "
        f"and is told nothing else. Films: {columns}; each is stretched over the time of the robot's. "
        f"Repeat: <code>understudy demo --policy {escape(policy)} --first-seed {seeds[0]}</code>"
    )
    cards = []
    for seed in seeds:
        both = [(case, film) for case, film in cases if case.seed == seed]
        figures = "".join(f"<p>{result_of(case)}</p>{video(film, _caption(case))}" for case, film in both)
        cards.append(card(f"Layout {seed}", figures))
    return page("One table, two videos", lead, "".join(cards))


def result_of(case: Case) -> str:
    """What the video of a case shows and how it ended, as HTML."""
    result = badge("done", "good") if case.done else badge(case.failure or "failed", "bad")
    words = f"The video shows: <b>{escape(case.shown)}</b> {result}"
    if case.prompt == "wrong":
        other = "did" if case.labelled_done else "did not do"
        words += f" <span class='soft'>and the robot {other} what the first video shows ({escape(case.label)})</span>"
    return words


def _caption(case: Case) -> str:
    familiar = "" if case.familiarity is None else f" · familiarity of the prompt {case.familiarity:.2f} of 1"
    return f"{case.seconds:.1f} s of the robot's time{familiar}"
