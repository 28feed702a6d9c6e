"""The HTML element that a notebook displays, for light and dark themes."""

from __future__ import annotations

from ._typeset import in_html

# Text and lines inherit the colour of the notebook, so they suit light and dark themes.
STYLE = """
.rb-lecture { color: var(--jp-content-font-color1, inherit); line-height: 1.5; }
.rb-lecture table { border-collapse: collapse; margin: .5em 0; }
.rb-lecture td, .rb-lecture th { padding: .2em .7em; text-align: left; vertical-align: top;
  border: 0; border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent);
  background: transparent; color: inherit; }
.rb-lecture td.n { text-align: right; font-variant-numeric: tabular-nums; }
.rb-lecture .put { opacity: .75; }
.rb-lecture .scroll { overflow-x: auto; }
.rb-lecture .equation { display: flex; align-items: center; gap: .5em; margin: .5em 0; }
.rb-lecture .equation span { white-space: nowrap; }
.rb-lecture table.matrix { margin: 0; border: 1px solid currentColor; border-width: 0 1px;
  border-collapse: separate; border-spacing: 0; border-radius: .7em; }
.rb-lecture table.matrix td { border: 0; padding: 0 .5em; }
"""


def page(title: str, body: str) -> str:
    """Return a self-contained HTML element.

    `title` is plain text with symbols; `body` is HTML.
    """
    return (
        f'<div class="rb-lecture"><style>{STYLE}</style><p><b>{in_html(title)}</b></p>'
        f'<div class="scroll">{body}</div></div>'
    )


def table(rows: list[list[str]], classes: list[str] | None = None) -> str:
    """Return rows of HTML cells as a table; `classes` has one class per column."""
    names = classes or [""] * max((len(row) for row in rows), default=0)
    lines = [
        "".join(f'<td class="{c}">{cell}</td>' for c, cell in zip(names, row, strict=False))
        for row in rows
    ]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
