"""A network: its layers, and methods for all operations on them."""

from __future__ import annotations

from collections.abc import Sequence

from .backward import Derivatives, Gradients, backward, dC_dX, delta_of_output
from .forward import Trace, forward
from .hessian import hessian_vector_product
from .jacobian import jacobian
from .layers import Layers
from .loss import NamedLoss, cost_and_delta
from .sample_gradients import sample_gradients
from .scaling import over_factor, times_factor, unscale
from .theta import Matrix, Targets


class Network(Layers):
    """A dense feed-forward network.

    Parameters
    ----------
    layers : sequence of int
        [n_features, hidden ..., n_outputs].
    activation : str, CustomActivation or sequence of these
        One for all hidden layers, or one per layer.
    output : str or CustomActivation
        The activation of the output layer.
    dtype : str
        "float32" or "float64", the number type T of parameters and arithmetic.
    random_state : int or None
        The seed of the initial weights, 0 ... 2^64 - 1; None takes one from the system.
    weights : str, InitialWeights or list of these
        The initialiser of the weights, one for all weight layers or one per layer.
    biases : str or list of str
        The initialiser of the biases, one for all weight layers or one per layer.
    norm : str, None or sequence of these
        "batch", "layer" or None, one for all hidden layers or one per layer.
    skip : bool or sequence of bool
        Whether the input of a hidden layer is added to its output. True applies to all hidden
        layers whose input and output sizes match; a sequence has one bool per layer.

    Attributes
    ----------
    W : list of lists of lists of float
        W[layer][j][k] is the weight from input k to output j.
    b : list of lists of float
        b[layer][j] is the bias of output j.
    g : list of lists of float
        g[layer][j] is the gain of output j; empty if the layer has no norm.
    running_mean, running_var : list of lists of float
        The mean and variance that batch norm uses at inference; empty if the layer has none.
    norms, skips : tuple
        The norm (or None) of every weight layer, and whether it has a skip. The output layer has
        neither.
    input_scaling, target_scaling : Scaling or None
        The scaling of X and of the targets; outputs are scaled back.
    """

    def forward(self, X: Matrix) -> Matrix:
        """Return the outputs, (n, n_outputs), of the samples X, (n, n_features)."""
        return unscale(self.T, self.trace(X).A[-1], self.target_scaling)

    def trace(self, X: Matrix) -> Trace:
        """Return all z and a, with the scaled X and outputs not yet scaled back."""
        return forward(self, self.scale_inputs(X))

    def gradients(
        self,
        X: Matrix,
        Y: Targets,
        *,
        loss: str | NamedLoss,
        sample_weight: Sequence[float] | None = None,
    ) -> Gradients:
        """Return the cost of the outputs for X and targets Y, and all its derivatives."""
        trace = self.trace(X)
        Y = self.scale_targets(Y)
        cost, delta_output = cost_and_delta(self, trace, Y, loss, sample_weight)
        d = backward(self, trace, delta_output)
        dX = times_factor(self.T, dC_dX(self, trace, d), self.input_scaling)
        return Gradients(cost, d.dW, d.db, dX, d.delta, d.dg)

    def backward(self, X: Matrix, G: Matrix) -> Derivatives:
        """Return the derivatives of a custom cost from G = dC/dA."""
        trace = self.trace(X)
        G = over_factor(self.T, G, self.target_scaling)
        return backward(self, trace, delta_of_output(self, trace, G))

    def jacobian(self, X: Matrix) -> list[Matrix]:
        """Return dA/dX, (n, n_outputs, n_features)."""
        J = [
            times_factor(self.T, rows, self.input_scaling)
            for rows in jacobian(self, self.scale_inputs(X))
        ]
        if self.target_scaling is None:
            return J
        factors = self.target_scaling.factor
        return [
            [[self.T.round(d / f) for d in row] for row, f in zip(rows, factors, strict=True)]
            for rows in J
        ]

    def per_sample_gradients(self, X: Matrix, Y: Targets, *, loss: str | NamedLoss) -> Matrix:
        """Return the gradient of the loss of each sample, (n, n_params)."""
        return sample_gradients(self, self.scale_inputs(X), self.scale_targets(Y), loss)

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
        X, Y = self.scale_inputs(X), self.scale_targets(Y)
        return hessian_vector_product(self, X, Y, v, loss=loss, sample_weight=sample_weight)
