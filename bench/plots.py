"""Plots: performance.png, everybody's time beside rosenblatt's, and growth.png, with the cliffs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .growth import NEIGHBOUR_LIMIT

Say = Callable[[str], None]

# Okabe and Ito's colours, told apart by colour-blind readers, and a shape for each as well.
STYLES = {
    "rosenblatt": ("#000000", "o"),
    "numpy": ("#0072B2", "s"),
    "pytorch-eager": ("#D55E00", "^"),
    "pytorch-by-hand": ("#D55E00", "v"),
    "pytorch-compile": ("#D55E00", "<"),
    "jax": ("#009E73", "D"),
    "tensorflow": ("#E69F00", "P"),
    "scikit-learn": ("#56B4E9", "X"),
    "scikit-learn-sgd": ("#56B4E9", "*"),
    "onnxruntime": ("#CC79A7", "h"),
    "onnxruntime-bound": ("#CC79A7", "d"),
}
DPI = 130


def drawing(say: Say) -> Any:
    """Return matplotlib's pyplot without a display; None, with a word, where it is missing."""
    try:
        import matplotlib as mpl
    except ImportError:
        say("no plots: matplotlib is not installed")
        return None
    mpl.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    return pyplot


def matches_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the main comparison's matches: float32, one thread, or what there is."""
    sections = data.get("comparisons", {})
    section: dict[str, Any] = sections.get("float32 1") or next(iter(sections.values()), {})
    return [match for match in section.get("matches", []) if "rosenblatt" in timed(match)]


def timed(match: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the contestants of a match that have a time."""
    return {name: one for name, one in match["contestants"].items() if "seconds" in one}


def plot_performance(data: dict[str, Any], folder: Path, say: Say) -> None:
    """Draw one row per workload: relative times to the left, the share of the peak to the right."""
    matches = matches_of(data)
    pyplot = drawing(say) if matches else None
    if pyplot is None:
        return
    figure, (times, shares) = pyplot.subplots(
        1,
        2,
        figsize=(10.5, 1.9 + 0.4 * len(matches)),
        sharey=True,
        width_ratios=(3, 1),
        layout="constrained",
    )
    rows = range(len(matches))
    for row, match in zip(rows, matches, strict=True):
        for name, one in timed(match).items():
            if not one["own"]:
                draw_ratio(times, row, name, one)
        share = match["contestants"]["rosenblatt"]["share"]
        if share is not None:
            shares.barh(row, 100 * share, height=0.55, color="#4d4d4d")
            shares.text(100 * share + 2, row, f"{100 * share:.0f}", va="center", fontsize=8)
    times.axvline(1, color="black", linewidth=1)
    times.set_xscale("log")
    times.xaxis.set_major_formatter("{x:g}")
    times.set_xlabel("time relative to rosenblatt's (1 is as fast, right of it is slower)")
    times.set_yticks(list(rows), [match["workload"]["name"] for match in matches])
    times.set_ylim(len(matches) - 0.5, -0.5)
    times.grid(axis="x", which="major", color="#dddddd")
    times.grid(axis="y", color="#eeeeee")
    times.set_axisbelow(True)
    shares.set_xlim(0, 112)
    shares.set_xlabel("rosenblatt's share of the\nFMA peak, %")
    shares.tick_params(axis="y", length=0)
    handles, labels = times.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(
        unique.values(), unique.keys(), loc="outside lower center", ncols=5, frameon=False
    )
    save(pyplot, figure, folder / "performance.png", say)


def draw_ratio(axes: Any, row: int, name: str, one: dict[str, Any]) -> None:
    """Draw a rival's time relative to rosenblatt's, with its quartiles over the rounds."""
    colour, marker = STYLES.get(name, ("#777777", "o"))
    ratio = one["ratio"]
    axes.plot([ratio["low"], ratio["high"]], [row, row], color=colour, linewidth=1)
    axes.plot(
        ratio["median"], row, marker, color=colour, markersize=6, label=one["label"], alpha=0.85
    )


def plot_growth(data: dict[str, Any], folder: Path, say: Say) -> None:
    """Draw the three curves on logarithmic axes, and each size's cost beside its neighbours'."""
    growth = data.get("growth", {}).get("figures")
    pyplot = drawing(say) if growth else None
    if pyplot is None:
        return
    figure, axes = pyplot.subplots(2, 3, figsize=(11, 6.6), layout="constrained")
    grid = axes[1, 0].get_gridspec()
    for one in axes[1]:
        one.remove()
    titles = {
        "width": "n-n-n-10, batch 64",
        "depth": "n layers of 64, batch 32",
        "batch": "256-256-10, batch n",
    }
    for panel, curve in zip(axes[0], growth["curves"], strict=True):
        draw_curve(panel, curve, titles[curve["name"]])
    axes[0, 0].set_ylabel("time per step, µs")
    axes[0, 0].legend(frameon=False)
    draw_neighbours(figure.add_subplot(grid[1, :]), growth)
    save(pyplot, figure, folder / "growth.png", say)


def draw_curve(panel: Any, curve: dict[str, Any], title: str) -> None:
    for name, label in curve["labels"].items():
        points = [one for one in curve["points"] if name in one["seconds"]]
        colour, marker = STYLES.get(name, ("#777777", "o"))
        panel.plot(
            [one["value"] for one in points],
            [1e6 * one["seconds"][name]["median"] for one in points],
            marker + "-",
            color=colour,
            label=label,
            markersize=4,
            linewidth=1.2,
        )
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.xaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter("")
    panel.set_title(title, fontsize=9)
    panel.set_xlabel(curve["name"])
    panel.grid(which="major", color="#dddddd")
    panel.set_axisbelow(True)


def draw_neighbours(panel: Any, growth: dict[str, Any]) -> None:
    """Draw relative costs in the order of the sizes, a colour for each side that varies."""
    sizes = sorted({one["size"] for group in growth["neighbours"] for one in group["sizes"]})
    place = {size: i for i, size in enumerate(sizes)}
    colours = dict(
        zip(
            dict.fromkeys(group["side"] for group in growth["neighbours"]),
            ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7"),
            strict=False,
        )
    )
    labelled = set()
    for group in growth["neighbours"]:
        side = group["side"]
        points = [one for one in group["sizes"] if one["relative"] is not None]
        panel.plot(
            [place[one["size"]] for one in points],
            [one["relative"] for one in points],
            "o-",
            color=colours[side],
            markersize=4,
            linewidth=0.8,
            label=None if side in labelled else side,
        )
        labelled.add(side)
    panel.axhline(NEIGHBOUR_LIMIT, color="#aa0000", linewidth=0.8, linestyle="--")
    panel.axhline(1, color="#999999", linewidth=0.6)
    panel.set_xticks(range(len(sizes)), [str(size) for size in sizes], rotation=90, fontsize=7)
    highest = max(panel.get_ylim()[1], NEIGHBOUR_LIMIT)
    panel.set_ylim(min(panel.get_ylim()[0], 0.8), highest + 0.12)  # the legend's place
    panel.set_ylabel("cost per multiply-add\nbeside the neighbours' median")
    panel.set_xlabel(f"size of the side that varies (the limit is {NEIGHBOUR_LIMIT})")
    panel.legend(frameon=False, ncols=5, loc="upper left")


def save(pyplot: Any, figure: Any, path: Path, say: Say) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # No version of the drawing library in the file: the same figures make the same picture.
    figure.savefig(path, dpi=DPI, facecolor="white", metadata={"Software": None})
    pyplot.close(figure)
    say(f"wrote {path}")
