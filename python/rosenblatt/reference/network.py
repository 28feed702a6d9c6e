"""A network: its layers, and everything that is computed with them."""

from __future__ import annotations

from collections.abc import Sequence

from .backward import Derivatives, Gradients, backward, dC_dX, delta_of_output
from .forward import Trace, forward
from .hessian import hessian_vector_product
from .jacobian import jacobian
from .layers import Layers
from .loss import NamedLoss, cost_and_delta
from .sample_gradients import sample_gradients
from .scaling import over_factor, times_factor, unscaled
from .theta import Matrix, Targets


class Network(Layers):
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

    def forward(self, X: Matrix) -> Matrix:
        """Return the outputs, (n, n_outputs), of the samples X, (n, n_features)."""
        return unscaled(self.T, self.trace(X).A[-1], self.target_scaling)

    def trace(self, X: Matrix) -> Trace:
        """Return every z and a on the way from X, scaled, to the outputs, not yet scaled back."""
        return forward(self, self.scaled_inputs(X))

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
