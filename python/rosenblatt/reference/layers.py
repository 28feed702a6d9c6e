"""Layers: the data of a network, from sizes to biases."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import pairwise

from .activation import ACTIVATIONS, CustomActivation
from .arithmetic import NUMBER_TYPES, NumberType
from .initial_weights import (
    NamedInitialiser,
    WeightLayer,
    biases_for,
    draw,
    draw_biases,
    initialiser,
)
from .scaling import Scaling, scale
from .theta import Matrix, Targets, flatten, unflatten


class Layers:
    """The data of a `Network`, which documents arguments and attributes."""

    def __init__(
        self,
        layers: Sequence[int],
        *,
        activation: str | CustomActivation | Sequence[str | CustomActivation] = "relu",
        output: str | CustomActivation = "identity",
        dtype: str = "float32",
        random_state: int | None = None,
        weights: str | NamedInitialiser | list[str | NamedInitialiser] = "auto",
        biases: str | list[str] = "auto",
        norm: str | Sequence[str | None] | None = None,
        skip: bool | Sequence[bool] = False,
    ) -> None:
        self.layers = tuple(layers)
        n_hidden = len(self.layers) - 2
        if isinstance(activation, str | CustomActivation):
            activation = [activation] * n_hidden
        functions = (*activation, output)
        custom = {f.name: f.functions for f in functions if isinstance(f, CustomActivation)}
        known = ACTIVATIONS | custom
        self.activations = tuple(f if isinstance(f, str) else f.name for f in functions)
        if len(self.activations) != n_hidden + 1 or not set(self.activations) <= set(known):
            raise ValueError(f"activation, output: got {self.activations}, expected one per layer")
        self.functions = tuple(known[name] for name in self.activations)
        self.dtype = dtype
        self.T: NumberType = NUMBER_TYPES[dtype]
        seed = secrets.randbits(64) if random_state is None else random_state
        of_hidden = [norm] * n_hidden if norm is None or isinstance(norm, str) else list(norm)
        self.norms: tuple[str | None, ...] = (*of_hidden, None)
        self._draw(seed, weights, biases)
        can_skip = [a == b for a, b in pairwise(self.layers[:-1])]
        skipped = [skip and can for can in can_skip] if isinstance(skip, bool) else list(skip)
        self.skips = (*skipped, False)
        sizes = list(zip(self.layers[1:], self.norms, strict=True))
        self.g = [[] if of is None else [1.0] * n_out for n_out, of in sizes]
        self.running_mean = [[0.0] * n_out if of == "batch" else [] for n_out, of in sizes]
        self.running_var = [[1.0] * n_out if of == "batch" else [] for n_out, of in sizes]
        self.input_scaling: Scaling | None = None
        self.target_scaling: Scaling | None = None

    def _draw(
        self,
        seed: int,
        weights: str | NamedInitialiser | list[str | NamedInitialiser],
        biases: str | list[str],
    ) -> None:
        """Draw the initial weights and biases of every weight layer."""
        n_layers = len(self.activations)
        W_rules = weights if isinstance(weights, list) else [weights] * n_layers
        b_rules = biases if isinstance(biases, list) else [biases] * n_layers
        layers = [WeightLayer(seed, i, *sizes) for i, sizes in enumerate(pairwise(self.layers))]
        self.W = [
            draw(self.T, layer, f, rule)
            for layer, f, rule in zip(layers, self.activations, W_rules, strict=True)
        ]
        self.b = []
        for layer, norm, W_rule, b_rule in zip(layers, self.norms, W_rules, b_rules, strict=True):
            hidden = layer.number < n_layers - 1
            W_name = initialiser(W_rule).name
            name = biases_for(b_rule, hidden=hidden, norm=norm, weights=W_name)
            self.b.append(draw_biases(self.T, layer, name))

    @property
    def n_params(self) -> int:
        """The number of weights, biases and gains."""
        return len(self.theta)

    @property
    def theta(self) -> list[float]:
        """All parameters in one list, in the order of theta.py. Assignable."""
        return flatten(self.W, self.b, self.g)

    @theta.setter
    def theta(self, values: Sequence[float]) -> None:
        self.W, self.b, self.g = unflatten(values, self.layers, self.norms)

    def scale_inputs(self, X: Matrix) -> Matrix:
        """Return X, scaled by `input_scaling`."""
        return scale(self.T, X, self.input_scaling)

    def scale_targets(self, Y: Targets) -> Targets:
        """Return Y, scaled by `target_scaling`."""
        if self.target_scaling is None:
            return Y
        rows = [y if isinstance(y, list) else [y] for y in Y]
        return scale(self.T, rows, self.target_scaling)
