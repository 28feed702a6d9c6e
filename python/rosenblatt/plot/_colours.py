"""Colours that suit the background: ink for text, blue and orange around zero."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb, to_rgba

from ._axes import figure_of

RGB = tuple[float, float, float]

# Negative and positive. Okabe and Ito, "Color Universal Design", 2008: colours that colour-blind
# people can distinguish; each has a contrast of at least 3.8 with its background.
ENDS_ON_LIGHT = ("#D55E00", "#0072B2")
ENDS_ON_DARK = ("#E69F00", "#56B4E9")
# In the order of classes; neighbours also differ in lightness. Black and yellow of the source are
# left out, because on every background one of them is invisible.
CLASSES_ON_LIGHT = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
CLASSES_ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#0072B2", "#D55E00")
READABLE = 4.5  # minimum contrast of text: Web Content Accessibility Guidelines 2.2, 1.4.3


def luminance(colour: RGB) -> float:
    """Return the relative luminance of an sRGB colour, 0 … 1, as WCAG 2.2 defines it."""
    channels = np.asarray(colour)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast of two colours, 1 … 21, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """Return the mixture of `one` and a share, 0 … 1, of `other`."""
    r, g, b = (1 - share) * np.asarray(one) + share * np.asarray(other)
    return float(r), float(g), float(b)


def background(ax: Axes) -> RGB:
    """Return the colour behind a plot in `ax`, taking transparency into account.

    If everything is transparent, the page behind is unknown; it is then assumed to be white or
    black, whichever suits the text colour of the style.
    """
    text = to_rgb(mpl.rcParams["text.color"])
    seen: RGB = (1.0, 1.0, 1.0) if luminance(text) < 0.5 else (0.0, 0.0, 0.0)
    for face in (figure_of(ax).get_facecolor(), ax.get_facecolor()):
        r, g, b, alpha = to_rgba(face)
        seen = mix(seen, (r, g, b), alpha)
    return seen


def ink(ax: Axes) -> RGB:
    """Return a readable colour for text and lines in `ax`.

    It is that of the style if that is readable.
    """
    behind = background(ax)
    style = to_rgb(mpl.rcParams["text.color"])
    if contrast(style, behind) >= READABLE:
        return style
    candidates: list[RGB] = [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)]
    return max(candidates, key=lambda colour: contrast(colour, behind))


def is_dark(ax: Axes) -> bool:
    """Whether light colours have more contrast in `ax` than dark ones."""
    return contrast((1.0, 1.0, 1.0), background(ax)) > contrast((0.0, 0.0, 0.0), background(ax))


def diverging(ax: Axes, *, centre: float = 0.0) -> LinearSegmentedColormap:
    """Return a colour map from orange (negative) to blue (positive).

    Zero has the colour of the background.

    Parameters
    ----------
    ax : Axes
    centre : float, default 0.0
        The share of ink in the colour of zero, 0 … 1; above 0 for lines, to keep them visible.
    """
    negative, positive = ENDS_ON_DARK if is_dark(ax) else ENDS_ON_LIGHT
    zero = mix(background(ax), ink(ax), centre)
    stops = [(0.0, to_rgb(negative)), (0.5, zero), (1.0, to_rgb(positive))]
    return LinearSegmentedColormap.from_list("negative_positive", stops)


def class_colours(ax: Axes, n_classes: int) -> list[RGB]:
    """Return a colour for each class or curve.

    After six the colours repeat, mixed with grey.
    """
    colours = [to_rgb(colour) for colour in (CLASSES_ON_DARK if is_dark(ax) else CLASSES_ON_LIGHT)]
    rounds = -(-n_classes // len(colours))
    return [
        mix(colour, (0.5, 0.5, 0.5), i / (rounds + 1)) for i in range(rounds) for colour in colours
    ][:n_classes]
