"""Formulas as MathML, which browsers draw themselves: no script, and no request to another host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils.nodes import SkipNode
from docutils.utils.math import latex2mathml

if TYPE_CHECKING:
    from sphinx.application import Sphinx


BECOMES = re.compile(r"<mo>∶</mo>\s*<mo>=</mo>")  # :=, which docutils takes for two signs


def mathml(formula: str, *, by_itself: bool = False) -> str:
    """Return a formula of LaTeX as MathML."""
    return BECOMES.sub("<mo>≔</mo>", latex2mathml.tex2mathml(formula, as_block=by_itself))


def inline(writer: Any, node: Any) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node.astext()))
    raise SkipNode


def block(writer: Any, node: Any) -> None:
    """Write a formula by itself."""
    formula = mathml(node.astext(), by_itself=True)
    writer.body.append(f'<div class="formula">{formula}</div>')
    raise SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the renderer to Sphinx, as `html_math_renderer = "mathml"`."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
