"""Figures: a t-SNE map of texts, and curves of scores against typing errors. Needs matplotlib."""

from __future__ import annotations

import colorsys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import ExportError
from ..types import Vectors
from .clusters import k_means
from .projection import Points, principal_components, t_sne
from .text_tasks import Embed, TypoCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Members = npt.NDArray[np.int64]
"""Numbers of the texts of a group."""
_COLOURS = (
    "#CC6677",
    "#332288",
    "#DDAA33",
    "#117733",
    "#66AADD",
    "#882255",
    "#44AA99",
    "#888822",
    "#AA4499",
    "#BB5500",
)
"""Told apart by most colour-blind people (after Paul Tol's muted scheme)."""
_GREY = "#C9CCD1"
_INK = "#30343B"
_PERPLEXITY = 30.0
_LINE = 0.12
"""Height of a name of three lines, as a share of the map's."""
MOST_POINTS = 1500
"""Texts on a map; of more a sample is taken, so that points do not cover each other."""


def draw_texts(embed: Embed, texts: Sequence[str], out: Path, *, title: str, labels: Sequence[str] = ()) -> None:
    """Draw a map on which texts of similar meaning lie together.

    Args:
        embed: texts and role to rows of length 1.
        texts: what is shown; of more than :data:`MOST_POINTS` an even sample.
        out: PNG file to write.
        title: the line above the map.
        labels: one for each text; the commonest get colours and names. Empty: regions of the map do,
            and each is named by a typical text.

    Raises:
        ExportError: there are fewer than three texts.
    """
    if len(texts) < 3:
        raise ExportError(f"{out}: a map needs at least three texts, not {len(texts)}")
    chosen = np.linspace(0, len(texts) - 1, min(len(texts), MOST_POINTS)).round().astype(int)
    shown = [texts[i] for i in chosen]
    vectors = embed(shown, "document")
    spread = len(shown) > 3 * _PERPLEXITY
    points = t_sne(vectors, perplexity=_PERPLEXITY) if spread else principal_components(vectors)
    if labels:
        groups = _largest([labels[i] for i in chosen])
        note = f"{len(shown)} texts; of {len(set(labels))} labels the commonest {len(groups)} in colour"
    else:
        groups = _regions(points, vectors, shown)
        note = (
            f"{len(shown)} texts; each colour is a region of the map, with the text that is most like the others in it"
        )
    figure = _figure(13.0, 9.0)
    _map(figure.add_axes((0.23, 0.02, 0.54, 0.87)), points, groups)
    method = "t-SNE" if spread else "principal components"
    figure.text(0.02, 0.95, _plain(title), fontsize=17, fontweight="bold", color=_INK)
    figure.text(0.02, 0.92, f"{note}; {method}", fontsize=10.5, color="#666A70")
    figure.savefig(out, dpi=130)


def draw_curves(curves: Mapping[str, Sequence[TypoCurve]], out: Path) -> None:
    """Draw scores against the rate of typing errors, a line for each encoder and set.

    Args:
        curves: title of an encoder to its curves.
        out: PNG file to write.
    """
    figure = _figure(8.0, 4.8)
    axes = figure.add_axes((0.09, 0.13, 0.87, 0.72))
    sets = sorted({curve.set for several in curves.values() for curve in several})
    for i, (title, several) in enumerate(curves.items()):
        for curve in several:
            axes.plot(
                [100 * rate for rate in curve.rates],
                curve.scores,
                ("-", "--", ":", "-.")[sets.index(curve.set) % 4],
                color=_COLOURS[(i + 1) % len(_COLOURS)],
                marker="os^D"[i % 4],
                markersize=9 - 2 * min(i, 3),  # so that equal scores do not hide each other
                linewidth=2.4 - 0.6 * min(i, 3),
                clip_on=False,
                zorder=3 + i,
                label=_plain(f"{title}: {curve.set} ({curve.measure})"),
            )
    axes.set(ylim=(0, 100), xlabel="letters that go wrong, in percent", ylabel="score x 100")
    axes.set_xlim(left=0)
    axes.set_xticks(sorted({round(100 * rate, 1) for several in curves.values() for c in several for rate in c.rates}))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="y", color="#E4E6EA", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    figure.text(0.03, 0.92, "Robustness to typing errors", fontsize=14, fontweight="bold", color=_INK)
    figure.savefig(out, dpi=150)


def _figure(width: float, height: float) -> Figure:
    # Not through pyplot, which keeps every figure and may ask for a display.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor="white")


def _map(axes: Axes, points: Points, groups: Mapping[str, Members]) -> None:
    """Points, with the names of the groups in columns on both sides, so that no name covers a point."""
    axes.set_axis_off()
    low, high = points.min(axis=0) - 1e-6, points.max(axis=0) + 1e-6  # apart also where all points coincide
    axes.set(xlim=(low[0], high[0]), ylim=(low[1] - 0.02 * (high - low)[1], high[1] + 0.02 * (high - low)[1]))
    rest = np.setdiff1d(np.arange(len(points)), np.concatenate(list(groups.values())))
    axes.scatter(points[rest, 0], points[rest, 1], s=10, color=_GREY, linewidths=0, zorder=1, clip_on=False)
    middles = []
    for members, colour in zip(groups.values(), _COLOURS, strict=False):
        axes.scatter(points[members, 0], points[members, 1], s=20, color=colour, linewidths=0, zorder=3, clip_on=False)
        # A point of the group, for the middle of a group in two halves may be far from both.
        centre = np.median(points[members], axis=0)
        middles.append(points[members[((points[members] - centre) ** 2).sum(axis=1).argmin()]])
    shares = (np.array(middles) - low) / (high - low)
    for i, (x, y) in enumerate(_columns(shares)):
        ink = _darker(_COLOURS[i])
        name = _plain(textwrap.fill(list(groups)[i], 24))
        axes.annotate(
            name,
            xy=(float(middles[i][0]), float(middles[i][1])),
            xytext=(x, y),
            textcoords="axes fraction",
            ha="right" if x < 0 else "left",
            va="center",
            fontsize=11,
            fontweight="bold",
            color=ink,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": ink,
                "linewidth": 0.8,
                "alpha": 0.55,
                "shrinkB": 0,
                "relpos": (float(x < 0), 0.5),
            },
            zorder=2,
        )


def _columns(shares: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
    """A place for each name, as shares of the map: half of them on the left, half on the right, about as high as meant.

    Args:
        shares: what each name belongs to, ``(names, 2)``.
    """
    places = [(0.0, 0.0)] * len(shares)
    order = np.argsort(shares[:, 0], kind="stable")
    half = len(order) // 2
    for x, column in ((-0.05, order[:half]), (1.05, order[half:])):
        upward = column[np.argsort(shares[column, 1], kind="stable")]
        heights = shares[upward, 1]
        gaps = np.arange(len(upward)) * _LINE
        # Pushed up by those below, then down by the upper border, and in turn by those above.
        heights = np.maximum.accumulate(np.maximum(heights, 0.03) - gaps) + gaps
        heights = np.minimum.accumulate((np.minimum(heights, 0.97) - gaps)[::-1])[::-1] + gaps
        for i, y in zip(upward.tolist(), heights.tolist(), strict=True):
            places[i] = (x, y)
    return places


def _largest(labels: Sequence[str]) -> dict[str, Members]:
    """The commonest labels, as people read them, to the numbers of their texts."""
    array = np.array(list(labels))
    common = sorted(Counter(labels).items(), key=lambda item: (-item[1], item[0]))[: len(_COLOURS)]
    return {label.replace("_", " "): np.flatnonzero(array == label) for label, _ in common}


def _regions(points: Points, vectors: Vectors, texts: Sequence[str]) -> dict[str, Members]:
    """Regions of the map, each under the start of its most typical text, to the numbers of their texts."""
    numbers = k_means(points, min(len(_COLOURS), len(points)), seed=0)
    groups: dict[str, Members] = {}
    for region in np.unique(numbers):
        members = np.flatnonzero(numbers == region)
        likeness = vectors[members] @ vectors[members].mean(axis=0)
        # Letters that the font lacks would be drawn as boxes.
        legible = np.array([_drawable(texts[i]) == texts[i] for i in members.tolist()])
        typical = members[np.where(legible, likeness, likeness - 10).argmax()]
        groups[textwrap.shorten(texts[int(typical)], 64, placeholder=" …")] = members
    return groups


def _drawable(text: str) -> str:
    """``text`` with a question mark for each character that matplotlib's own font lacks."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    return "".join(c if c.isspace() or font.get_char_index(ord(c)) else "?" for c in text)


def _plain(text: str) -> str:
    """``text`` as matplotlib is to be given it: dollar signs would begin a formula."""
    return _drawable(text).replace("$", r"\$")


def _darker(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    return colorsys.hls_to_rgb(hue, min(light, 0.32), saturation)
