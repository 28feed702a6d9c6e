r"""Typesetting: plain text such as "dC/db_2^(2) = delta_2^(3)" as LaTeX and HTML.

The plain text is the source; it is converted token by token.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

NAME = r"[A-Za-z]+'?"
INDEX = r"(?:\d+(?:,\d+)?|[a-z]{1,2}(?![a-z_]))"  # 22, 10,2 or jk; not the relu of leaky_relu
SYMBOL = rf"(?:{NAME}_{INDEX}(?:\^\(\d+\))?|{NAME}\^\(\d+\)(?:T\b)?)"
TOKEN = re.compile(
    rf"""
    (?P<fraction> d(?:C|{SYMBOL})/d{SYMBOL} )
    | (?P<symbol> {SYMBOL} )
    | (?P<power> \^ (?: \d+(?:\.\d+)? | [a-z]+ ) )
    | (?P<number> \d+(?:\.\d+)?e[+-]?\d+ )
    | (?P<word> [A-Za-z]+ (?: _[a-z]{(3,)} )* '? )
    | (?P<sign> <= | >= | [^\w\s] )
    """,
    re.VERBOSE,
)
PARTS = re.compile(
    rf"(?P<name>{NAME})(?:_(?P<index>{INDEX}))?(?:\^\((?P<layer>\d+)\)(?P<transposed>T)?)?"
)

GREEK = {
    "delta": "δ",
    "gamma": "γ",
    "tau": "τ",
    "mu": "μ",
    "epsilon": "ε",
    "Phi": "Φ",
    "phi": "φ",
    "Delta": "Δ",
}


def latex(text: str) -> str:
    r"""Return the text as LaTeX, without dollar signs.

    >>> print(latex("dC/dw_22^(2) = delta_2^(3) · a_2^(2)"))
    \frac{\partial C}{\partial w_{22}^{(2)}} = \delta_{2}^{(3)} \cdot a_{2}^{(2)}
    """
    return TOKEN.sub(_in_latex, text)


def _in_latex(match: re.Match[str]) -> str:
    token = match[0]
    if match["fraction"]:
        top, bottom = token[1:].split("/d", 1)
        return rf"\frac{{\partial {latex(top)}}}{{\partial {latex(bottom)}}}"
    if match["symbol"]:
        parts = PARTS.fullmatch(token)
        assert parts is not None  # a symbol is made of these parts
        below = f"_{{{parts['index']}}}" if parts["index"] else ""
        above = f"^{{({parts['layer']}){parts['transposed'] or ''}}}" if parts["layer"] else ""
        return _word_in_latex(parts["name"]) + below + above
    if match["power"]:
        return f"^{{{latex(token[1:])}}}"
    if match["number"]:
        mantissa, exponent = token.split("e")
        return rf"{mantissa} \times 10^{{{int(exponent)}}}"
    if match["word"]:
        return _word_in_latex(token)
    return _SIGNS.get(token, token)


_SIGNS = {
    "·": r"\cdot",
    "*": r"\odot",
    "…": r"\dots",
    "<=": r"\le",
    ">=": r"\ge",
    "%": r"\%",
    "#": r"\#",
}


def _word_in_latex(word: str) -> str:
    bare = word.rstrip("'")
    if bare in GREEK:
        return "\\" + word
    if bare == "sum":
        return r"\sum"
    name = bare.replace("_", r"\_")
    return word if len(bare) == 1 else rf"\operatorname{{{name}}}" + word[len(bare) :]


def in_html(text: str) -> str:
    """Return the text as escaped HTML with subscripts and superscripts.

    >>> in_html("a_2^(3) < 1")
    '<i>a</i><sub>2</sub><sup>(3)</sup> &lt; 1'
    """
    return _escaped_between(text, _token_in_html)


def _escaped_between(text: str, convert: Callable[[re.Match[str]], str]) -> str:
    parts, end = [], 0
    for match in TOKEN.finditer(text):
        parts += [html.escape(text[end : match.start()]), convert(match)]
        end = match.end()
    return "".join([*parts, html.escape(text[end:])])


def _token_in_html(match: re.Match[str]) -> str:
    token = match[0]
    if match["fraction"]:
        top, bottom = token[1:].split("/d", 1)
        return f"∂{in_html(top)}/∂{in_html(bottom)}"
    if match["symbol"]:
        parts = PARTS.fullmatch(token)
        assert parts is not None  # a symbol is made of these parts
        below = f"<sub>{parts['index']}</sub>" if parts["index"] else ""
        layer = f"({parts['layer']}){parts['transposed'] or ''}"
        above = f"<sup>{layer}</sup>" if parts["layer"] else ""
        return _word_in_html(parts["name"]) + below + above
    if match["power"]:
        return f"<sup>{in_html(token[1:])}</sup>"
    if match["word"]:
        return _word_in_html(token)
    return html.escape({"<=": "≤", ">=": "≥", "*": "⊙", "-": "−"}.get(token, token))


def _word_in_html(word: str) -> str:
    bare = word.rstrip("'")
    shown = GREEK.get(bare, "∑" if bare == "sum" else bare)
    marks = "′" * (len(word) - len(bare))
    return f"<i>{shown}</i>{marks}" if len(bare) == 1 or bare in GREEK else shown + marks
