"""`report.html`: one file that shows what was seen and done; opens from disk with no network."""

import html
from pathlib import Path

from understudy.evaluation.chart import Series, lane_chart, line_chart, status_chart
from understudy.evaluation.page import badge, card, data_uri, page
from understudy.evaluation.watch_motion import fingertip_errors_m, hand_in_base, joint_limits
from understudy.evaluation.watch_report import WatchResult, error_in_words
from understudy.files import write_text

__all__ = ["EMBED_LIMIT_BYTES", "write_watch_page"]

EMBED_LIMIT_BYTES = 24 * 2**20
"""Larger videos are not put into the page: it links to the file beside it."""

_FILES = {
    "side_by_side.mp4": "your video with the tracked hand, and the robot beside it",
    "overlay.mp4": "your video with the tracked hand, full size",
    "robot.mp4": "the robot alone, in step with your video",
    "hand_track.npz": "the hand: keypoints in metres and pixels, standard deviations, status of each frame",
    "robot_trajectory.npz": "the robot: joints, actions, residual, status of each frame",
    "dataset/": "a LeRobot v3 data set of one episode",
    "plots/": "the charts of this page as SVG",
    "report.json": "every number of this page, and the options and versions that made it",
}


def write_watch_page(out: Path, result: WatchResult, report: dict) -> None:
    """Write `report.html` and the charts below `plots/`."""
    charts = _charts(result)
    (out / "plots").mkdir(exist_ok=True)
    for name, (_, svg) in charts.items():
        write_text(out / "plots" / f"{name}.svg", svg)
    video = _player(out / "side_by_side.mp4")
    body = [card("What was seen, what the robot does", video + _tiles(report))]
    body += [card("Read this before using it", _list(report["notes"]))] if report["notes"] else []
    body += [card(title, f'<div class="wide">{svg}</div>') for title, svg in charts.values()]
    body += [card("Files", _table(_FILES)), card("How it was made", _table(_origin(report)))]
    name = Path(report["input"]["path"]).name
    length = f"{report['input']['frames']} frames, {report['input']['duration_s']:.1f} s"
    lead = f"{length}, robot <code>{report['retargeting']['robot']}</code>"
    write_text(out / "report.html", page(f"Watched: {name}", lead, "".join(body)))


def _charts(result: WatchResult) -> dict[str, tuple[str, str]]:
    """File name -> (title, SVG)."""
    track, trajectory = result.track, result.trajectory
    time_s = track.time_s
    hand = hand_in_base(track, trajectory.robot)
    wrist = track.T_camera_wrist[:, :3, 3]
    axes = [Series(f"{a} ({word})", wrist[:, i], 2 * track.wrist_std_m[:, i]) for i, (a, word) in enumerate(_AXES)]
    tips = Series("fingertips", 1e3 * fingertip_errors_m(trajectory, hand))
    residual = Series("residual of the solver", 1e3 * trajectory.residual_m)
    strips = [("tracking", track.status), ("retargeting", trajectory.status)]
    return {
        "status": ("What became of every frame", status_chart(time_s, strips)),
        "wrist": (
            "Wrist in the camera's frame, with a band of two standard deviations",
            line_chart(time_s, axes, "m"),
        ),
        "reprojection": (
            "Fitted hand against the landmarks in the image",
            line_chart(time_s, [Series("", track.residual_px)], "px"),
        ),
        "fingertips": ("Robot against the human hand", line_chart(time_s, [tips, residual], "mm")),
        "joints": (
            "Joints between their limits",
            lane_chart(time_s, trajectory.joint_names, trajectory.joints, joint_limits(trajectory.robot)),
        ),
    }


_MOST = 0.9
"""Below this share of solved frames the figure is shown as bad."""
_TILE_STYLE = """
.tile{border:1px solid var(--line);border-radius:10px;padding:.6rem .9rem;color:var(--soft);font-size:.9rem}
.tile b{display:block;font-size:1.6rem;line-height:1.2}
"""
_AXES = (("x", "right"), ("y", "down"), ("z", "away"))


def _tiles(report: dict) -> str:
    tracking, moved = report["tracking"], report["retargeting"]
    frames = report["input"]["frames"]
    labels = []
    if tracking["handedness"] == "left":
        labels.append(badge("left hand: the robot does it mirrored"))
    if report["placed_by_rule"]:
        labels.append(badge("placed before the robot by rule"))
    tiles = [
        (
            f"{tracking['frames_solved'] / frames:.0%}",
            "of the frames tracked",
            tracking["frames_solved"] >= _MOST * frames,
        ),
        (
            f"{moved['frames_solved'] / frames:.0%}",
            "of the frames solved for the robot",
            moved["frames_solved"] >= _MOST * frames,
        ),
        (*error_in_words(moved), True),
        (f"{1e3 * max(tracking['wrist_std_m_p50']):.0f} mm", "uncertainty of the wrist (one sigma)", True),
    ]
    figures = "".join(
        f'<div class="tile"><b class="{"plain" if good else "bad"}">{figure}</b>{html.escape(what)}</div>'
        for figure, what, good in tiles
    )
    return f'<style>{_TILE_STYLE}</style><div class="row">{figures}</div><p>{" ".join(labels)}</p>'


def _origin(report: dict) -> dict[str, str]:
    options = {name: value for name, value in report["options"].items() if value not in (None, False)}
    return {
        "input": f"{report['input']['path']} (sha256 {report['input']['sha256']})",
        "options": ", ".join(f"{name} {value}" for name, value in options.items()),
        "versions": ", ".join(f"{name} {value}" for name, value in report["versions"].items()),
        "time": ", ".join(f"{name} {value:.1f} s" for name, value in report["seconds"].items()),
        "joints at a limit": ", ".join(f"{n} {x:.0%}" for n, x in report["retargeting"]["at_limit"].items()) or "none",
        "frames": f"tracking: {_words(report['tracking'])}; robot: {_words(report['retargeting'])}",
    }


def _words(part: dict) -> str:
    return ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in part["frames_by_status"].items())


def _player(path: Path) -> str:
    source = data_uri(path, "video/mp4") if path.stat().st_size <= EMBED_LIMIT_BYTES else path.name
    return f'<video src="{source}" autoplay loop muted playsinline controls></video>'


def _list(lines: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def _table(rows: dict[str, str]) -> str:
    cells = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in rows.items())
    return f'<div class="wide"><table>{cells}</table></div>'
