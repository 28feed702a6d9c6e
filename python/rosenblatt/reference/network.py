"""A network: its layer sizes, its activations, its weights and biases."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import pairwise

from .activation import ACTIVATIONS, OwnActivation
from .arithmetic import NUMBER_TYPES, NumberType
from .backward import Derivatives, Gradients, backward, dC_dX, delta_of_output
from .forward import Trace, forward
from .hessian import hessian_vector_product
from .initial_weights import (
    NamedInitialiser,
    WeightLayer,
    biases_for,
    draw,
    draw_biases,
    initialiser,
)
from .jacobian import jacobian
from .loss import NamedLoss, Targets, cost_and_delta
from .sample_gradients import sample_gradients
from .scaling import Scaling, over_factor, scaled, times_factor, unscaled
from .theta import Matrix, flatten, unflatten


class Network:
    """A dense feed-forward network.

    Parameters
    ----------
    layers : sequence of int
        [n_features, hidden ..., n_outputs].
    activation : str, OwnActivation or sequence of these
        One for all hidden layers, or one for each.
    output : str or OwnActivation
        The activation of the output layer.
    dtype : str
        "float32" or "float64", the number type T of everything inside.
    random_state : int or None
        The seed of the initial weights, 0 ... 2^64 - 1; None takes one from the system.
    weights : str, InitialWeights or list of these
        How they are drawn, one for all weight layers or one for each.
    biases : str or list of str
        How the biases are drawn, one name for all weight layers or one for each.
    norm : str, None or sequence of these
        "batch", "layer" or None, for all hidden layers or one for each.
    skip : bool or sequence of bool
        Whether what goes into a hidden layer is added to what comes out: for all that have as many
        units as go in, or one for each.

    Attributes
    ----------
    W : list of lists of lists of float
        W[layer][j][k] is the weight from input k to output j.
    b : list of lists of float
        b[layer][j] is the bias of output j.
    g : list of lists of float
        g[layer][j] is the gain of output j; empty where the layer has no norm.
    running_mean, running_var : list of lists of float
        What batch norm subtracts, and divides by the root of, when the network is not being
        trained; empty where the layer has none.
    norms, skips : tuple
        The norm of every weight layer, or None, and whether it is skipped; None and False for the
        last.
    input_scaling, target_scaling : Scaling or None
        What is done to X and to the targets, and undone to the outputs.
    """

    def __init__(
        self,
        layers: Sequence[int],
        *,
        activation: str | OwnActivation | Sequence[str | OwnActivation] = "relu",
        output: str | OwnActivation = "identity",
        dtype: str = "float32",
        random_state: int | None = None,
        weights: str | NamedInitialiser | list[str | NamedInitialiser] = "auto",
        biases: str | list[str] = "auto",
        norm: str | Sequence[str | None] | None = None,
        skip: bool | Sequence[bool] = False,
    ) -> None:
        self.layers = tuple(layers)
        n_hidden = len(self.layers) - 2
        if isinstance(activation, str | OwnActivation):
            activation = [activation] * n_hidden
        given = (*activation, output)
        own = {f.name: f.functions for f in given if isinstance(f, OwnActivation)}
        known = ACTIVATIONS | own
        self.activations = tuple(f if isinstance(f, str) else f.name for f in given)
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
            drawn = initialiser(W_rule).name
            name = biases_for(b_rule, hidden=hidden, norm=norm, weights=drawn)
            self.b.append(draw_biases(self.T, layer, name))

    @property
    def n_params(self) -> int:
        """The number of weights, biases and gains."""
        return len(self.theta)

    @property
    def theta(self) -> list[float]:
        """All parameters in one list, in the order of theta.py. Assigning it sets them."""
        return flatten(self.W, self.b, self.g)

    @theta.setter
    def theta(self, values: Sequence[float]) -> None:
        self.W, self.b, self.g = unflatten(values, self.layers, self.norms)

    def forward(self, X: Matrix) -> Matrix:
        """Return the outputs, (n, n_outputs), of the samples X, (n, n_features)."""
        return unscaled(self.T, self.trace(X).A[-1], self.target_scaling)

    def trace(self, X: Matrix) -> Trace:
        """Return every z and a on the way from X, scaled, to the outputs, not yet scaled back."""
        return forward(self, self.scaled_inputs(X))

    def scaled_inputs(self, X: Matrix) -> Matrix:
        """Return X as the first layer reads it."""
        return scaled(self.T, X, self.input_scaling)

    def scaled_targets(self, Y: Targets) -> Targets:
        """Return Y as the outputs are compared with it."""
        if self.target_scaling is None:
            return Y
        rows = [y if isinstance(y, list) else [y] for y in Y]
        return scaled(self.T, rows, self.target_scaling)

    def gradients(
        self,
        X: Matrix,
        Y: Targets,
        *,
        loss: str | NamedLoss,
        sample_weight: Sequence[float] | None = None,
    ) -> Gradients:
        """Return the cost of the outputs for X against Y, and its derivative by everything."""
        trace = self.trace(X)
        Y = self.scaled_targets(Y)
        cost, delta_output = cost_and_delta(self, trace, Y, loss, sample_weight)
        found = backward(self, trace, delta_output)
        dX = times_factor(self.T, dC_dX(self, trace, found), self.input_scaling)
        return Gradients(cost, found.dW, found.db, dX, found.delta, found.dg)

    def backward(self, X: Matrix, G: Matrix) -> Derivatives:
        """Return the derivatives of a cost of one's own by all parameters, from G = dC/dA."""
        trace = self.trace(X)
        G = over_factor(self.T, G, self.target_scaling)
        return backward(self, trace, delta_of_output(self, trace, G))

    def jacobian(self, X: Matrix) -> list[Matrix]:
        """Return dA/dX, (n, n_outputs, n_features)."""
        J = [
            times_factor(self.T, rows, self.input_scaling)
            for rows in jacobian(self, self.scaled_inputs(X))
        ]
        if self.target_scaling is None:
            return J
        factors = self.target_scaling.factor
        return [
            [[self.T.round(d / f) for d in row] for row, f in zip(rows, factors, strict=True)]
            for rows in J
        ]

    def per_sample_gradients(self, X: Matrix, Y: Targets, *, loss: str | NamedLoss) -> Matrix:
        """Return the gradient of each sample's own loss, (n, n_params)."""
        return sample_gradients(self, self.scaled_inputs(X), self.scaled_targets(Y), loss)

    def hessian_vector_product(
        self,
        X: Matrix,
        Y: Targets,
        v: Sequence[float],
        *,
        loss: str | NamedLoss,
        sample_weight: Sequence[float] | None = None,
    ) -> list[float]:
        """Return H v of the cost, (n_params,)."""
        X, Y = self.scaled_inputs(X), self.scaled_targets(Y)
        return hessian_vector_product(self, X, Y, v, loss=loss, sample_weight=sample_weight)
