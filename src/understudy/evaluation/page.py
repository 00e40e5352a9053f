"""Pages that open from disk with no network: one style, videos and pictures inside the file."""

import base64
import html
from pathlib import Path

__all__ = ["badge", "card", "data_uri", "page", "video"]

_STYLE = """
:root{color-scheme:light
dark;--ground:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5d6b7c;--line:#dfe4ea;--good:#137a4b;--bad:#b3372f;
--accent:#2759c4}
@media(prefers-color-scheme:dark){:root{--ground:#12161c;--card:#1b212a;--ink:#e8edf3;--soft:#9aa8b8;--line:#2c3541;
--good:#4cc38a;--bad:#ff8f85;--accent:#8fb2ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:2rem 1.2rem 4rem}
h1{font-size:2rem;margin:.2rem 0}
h2{font-size:1.25rem;margin:0 0 .4rem}
p{margin:.3rem 0}
.soft{color:var(--soft)}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.1rem 1.2rem;margin:1.2rem 0}
.row{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));margin-top:.8rem}
figure{margin:0}
figcaption{font-size:.9rem;color:var(--soft);margin-top:.35rem}
video,img,svg{width:100%;height:auto;border-radius:10px;display:block;background:#0002}
.badge{display:inline-block;border-radius:99px;padding:.05rem .6rem;font-size:.85rem;font-weight:600;border:1px
solid currentColor}
.good{color:var(--good)}
.bad{color:var(--bad)}
.plain{color:var(--accent)}
table{border-collapse:collapse;width:100%;font-size:.93rem}
td,th{border-bottom:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top}
code{font-size:.9em;background:#8882;border-radius:5px;padding:.1em .35em;overflow-wrap:anywhere}
ul{margin:.3rem 0;padding-left:1.2rem}
.wide{overflow-x:auto}
"""


def data_uri(path: Path, media_type: str) -> str:
    """The file as a data URI."""
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def video(path: Path, caption: str) -> str:
    """A looping, silent video inside the page; `caption` is HTML."""
    source = data_uri(path, "video/mp4")
    player = f'<video src="{source}" autoplay loop muted playsinline controls></video>'
    return f"<figure>{player}<figcaption>{caption}</figcaption></figure>"


def badge(text: str, kind: str = "plain") -> str:
    """A small label; `kind` is good, bad or plain."""
    return f'<span class="badge {kind}">{html.escape(text)}</span>'


def card(title: str, body: str) -> str:
    """A titled block; `body` is HTML."""
    return f'<section class="card"><h2>{html.escape(title)}</h2>{body}</section>'


def page(title: str, lead: str, body: str) -> str:
    """A whole page; `lead` and `body` are HTML."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    head += f"<title>{html.escape(title)}</title>"
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body><main>'
        f'<h1>{html.escape(title)}</h1><p class="soft">{lead}</p>{body}</main></body></html>\n'
    )
