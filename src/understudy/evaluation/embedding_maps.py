"""t-SNE of z (the paper's Fig. 5a): whole episodes, and their parts in time, coloured by what they are."""

import numpy as np
from jaxtyping import Float
from sklearn.manifold import TSNE

from understudy.episodes.shown_layouts import ShownLayout
from understudy.evaluation.scatter import Scatter, by_class, by_value
from understudy.methods.video_prompt.embedding import KINDS, Embedding

__all__ = ["episode_maps", "plane", "time_maps"]

_PERPLEXITY = 30.0
_MOST_LAYOUTS = 60
"""Of the parts in time: more dots cannot be told apart."""


def plane(values: Float[np.ndarray, "N Z"], seed: int = 0) -> Float[np.ndarray, "N 2"]:
    """t-SNE to two dimensions: neighbours stay neighbours, far distances mean little.

    Begins with principal components; perplexity 30, less for few points.
    """
    perplexity = min(_PERPLEXITY, (len(values) - 1) / 3)
    learner = TSNE(2, perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    return np.asarray(learner.fit_transform(values.astype(np.float32)), dtype=float)


def episode_maps(embedding: Embedding, layouts: list[ShownLayout]) -> list[Scatter]:
    """Places of all layouts and kinds in one plane, by skill, by kind, and by where the target stands."""
    xy = plane(np.concatenate([embedding.z[kind] for kind in KINDS]))
    three = layouts * len(KINDS)
    kinds = [KINDS[kind] for kind in KINDS for _ in layouts]
    words = [f"{layout.label} ({kind}, layout {layout.seed})" for layout, kind in zip(three, kinds, strict=True)]
    across = np.array([layout.contact_xy[1] for layout in three])
    return [
        Scatter("episodes, by skill", xy, *by_class([layout.skill for layout in three]), words),
        Scatter("episodes, by embodiment", xy, *by_class(kinds), words),
        Scatter("episodes, by the target's place across the table", xy, *by_value(across, "m"), words),
    ]


def time_maps(embedding: Embedding, layouts: list[ShownLayout]) -> list[Scatter]:
    """Parts of z in time, in one plane, by skill, by kind and by time; the parts of one episode are joined."""
    chosen = np.unique(np.linspace(0, len(layouts) - 1, min(len(layouts), _MOST_LAYOUTS)).round().astype(int)).tolist()
    parts = np.stack([embedding.in_time(kind, chosen) for kind in KINDS])
    times = embedding.times
    xy = plane(parts.reshape(-1, parts.shape[-1]))
    places = [(kind, layouts[row], time) for kind in KINDS for row in chosen for time in range(times)]
    runs = np.arange(len(places)).reshape(-1, times)
    words = [f"{layout.label} ({KINDS[kind]}, part {time + 1} of {times})" for kind, layout, time in places]
    when = np.array([(time + 0.5) / times for *_, time in places])
    return [
        Scatter("parts in time, by skill", xy, *by_class([layout.skill for _, layout, _ in places]), words),
        Scatter("parts in time, by embodiment", xy, *by_class([KINDS[kind] for kind, *_ in places]), words),
        Scatter("parts in time, by time (share of the episode)", xy, *by_value(when, ""), words, runs),
    ]
