"""Formulas of the lecture for each activation and loss, as templates.

A template such as "{a} · (1 - {a})" is a formula if symbols replace the braces, and the line below
it if numbers do. [x > 0] is 1 if x > 0, else 0 (Iverson's bracket).
"""

from __future__ import annotations

from typing import NamedTuple

from ..reference.activation import (
    DENSITY_AT_0,
    GELU_CUBIC,
    GELU_LINEAR,
    LEAK,
    SELU_SCALE,
    SELU_SCALE_ALPHA,
)

# f'(z); without softmax and log_softmax, in which every a depends on every z.
SLOPES: dict[str, str] = {
    "identity": "1",
    "logistic": "{a} · (1 - {a})",
    "tanh": "1 - {a} · {a}",
    "relu": "[{z} > 0]",
    "leaky_relu": "[{z} > 0] + {leak} · [{z} <= 0]",
    "elu": "min(1, exp({z}))",
    "celu": "min(1, exp({z}))",
    "selu": "{scale} · [{z} > 0] + {scale_alpha} · exp({z}) · [{z} <= 0]",
    "gelu": "Phi({z}) + {z} · {density} · exp(-{z} · {z} / 2)",
    "gelu_tanh": "{s} + {z} · {s} · (1 - {s}) · ({linear} + 3 · {cubic} · {z} · {z})",
    "silu": "logistic({z}) + {z} · logistic({z}) · (1 - logistic({z}))",
    "mish": "tanh(softplus({z})) + {z} · (1 - tanh(softplus({z}))^2) · logistic({z})",
    "softplus": "logistic({z})",
    "softsign": "(1 - |{a}|)^2",
    "hard_sigmoid": "[0 < {a}] · [{a} < 1] / 6",
    "hard_tanh": "[-1 < {a}] · [{a} < 1]",
    "relu6": "[0 < {a}] · [{a} < 6]",
    "sin": "cos({z})",
    "step": "0",
}
CONSTANTS: dict[str, float] = {
    "leak": LEAK,
    "scale": SELU_SCALE,
    "scale_alpha": SELU_SCALE_ALPHA,
    "density": DENSITY_AT_0,
    "linear": GELU_LINEAR,
    "cubic": GELU_CUBIC,
}
# Definitions of symbols in the templates.
WHERE: dict[str, str] = {
    "gelu": "Phi(z) = (1 + erf(z / sqrt(2))) / 2",
    "gelu_tanh": "s = logistic({linear} · {z} + {cubic} · {z} · {z} · {z})",
}


class LossWords(NamedTuple):
    """The formulas of a loss: C, the term of one output, and its derivative."""

    cost: str  # with {terms}
    term: str
    slope: str  # dC/da_i, or dC/dz_i if the loss needs logistic or softmax outputs
    where: str = ""


DISTRIBUTION = LossWords("-({terms})", "{y} · ln({a})", "{a} - {y}")
LOSSES: dict[tuple[str, str], LossWords] = {  # by name and form of the loss
    ("squared_error", ""): LossWords("1/2 · ({terms})", "({a} - {y})^2", "{a} - {y}"),
    ("absolute_error", ""): LossWords("{terms}", "|{a} - {y}|", "sign({a} - {y})"),
    ("huber", ""): LossWords(
        "{terms}",
        "h({a} - {y})",
        "max(-{p}, min({p}, {a} - {y}))",
        "h(d) = min(|d|, {p}) · (|d| - min(|d|, {p}) / 2)",
    ),
    ("quantile", ""): LossWords(
        "{terms}",
        "({p} - [{a} > {y}]) · ({y} - {a})",
        "[{a} > {y}] - {p} · [{a} > {y}] - {p} · [{a} < {y}]",
    ),
    ("log_cosh", ""): LossWords("{terms}", "ln(cosh({a} - {y}))", "tanh({a} - {y})"),
    ("cosine", ""): LossWords(
        "1 - ({terms}) / ({A} · {Y})",
        "{a} · {y}",
        "({cos} · {a} / {A} - {y} / {Y}) / {A}",
        "cos = 1 - C",
    ),
    ("hinge", ""): LossWords("{terms}", "max(0, 1 - {y} · {a})", "-{y} · [1 - {y} · {a} > 0]"),
    ("squared_hinge", ""): LossWords(
        "{terms}", "max(0, 1 - {y} · {a})^2", "-2 · {y} · max(0, 1 - {y} · {a})"
    ),
    ("poisson", "log_rate"): LossWords("{terms}", "exp({a}) - {y} · {a}", "exp({a}) - {y}"),
    ("poisson", "rate"): LossWords("{terms}", "{a} - {y} · ln({a})", "1 - {y} / {a}"),
    ("gaussian_nll", "mean"): LossWords(
        "1/2 · ({terms})",
        "{s} + ({a} - {y})^2 · exp(-{s})",
        "({a} - {y}) · exp(-{s})",
    ),
    ("gaussian_nll", "variance"): LossWords("", "", "1/2 · (1 - ({a} - {y})^2 · exp(-{s}))"),
    ("log_loss", "softmax"): DISTRIBUTION,
    ("log_loss", "logistic"): LossWords(
        "-({terms})", "{y} · ln({a}) + (1 - {y}) · ln(1 - {a})", "{a} - {y}"
    ),
    ("kl_divergence", "softmax"): LossWords(
        "{terms}", "{y} · (ln({y}) - ln({a}))", DISTRIBUTION.slope
    ),
    ("focal", "softmax"): LossWords(
        "-({terms})",
        "{y} · (1 - {a})^{p} · ln({a})",
        "{r} - {a} · {R}",
        "r_i = -y_i · (1 - a_i)^{p} · (1 - {p} · a_i · ln(a_i) / (1 - a_i)), R = sum_i r_i",
    ),
    ("focal", "logistic"): LossWords(
        "-({terms})",
        "{y} · (1 - {a})^{p} · ln({a}) + (1 - {y}) · ({a})^{p} · ln(1 - {a})",
        "(1 - {y}) · ({a})^{p} · ({a} - {p} · (1 - {a}) · ln(1 - {a})) - "
        "{y} · (1 - {a})^{p} · (1 - {a} - {p} · {a} · ln({a}))",
    ),
}
SKIPS_ZEROS = {("log_loss", "softmax"), ("kl_divergence", "softmax"), ("focal", "softmax")}
