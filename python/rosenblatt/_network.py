"""Network: a dense feed-forward network, with all parameters in one buffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _activation, _core, _loss, _weights
from ._activation import Activation, ActivationName
from ._checks import arguments, arrays, sparse
from ._checks.draws import undone_if_raised
from ._checks.shown import shown, type_name
from ._loss import Loss
from ._parameter_views import OptionalViews, ParameterViews, parameters
from ._scaling import Scaling
from ._weights import Biases, Weights

Norm = Literal["batch", "layer"]
FloatArray = arrays.FloatArray

_CORES = {
    np.dtype(np.float32): _core.NetworkFloat32,
    np.dtype(np.float64): _core.NetworkFloat64,
}


@dataclass(frozen=True, eq=False)
class Trace:
    """All z and a of a forward pass.

    Attributes
    ----------
    Z : tuple of ndarray
        Z[l] is z^(l+2), of shape (n, n_out) of weight layer l (counted from 0).
    A : tuple of ndarray
        A[0] is the input X and A[l+1] = f(Z[l]), or f(Z[l]) + A[l] if the layer has a skip. The
        last element is the output of the network. If the network has scalings, A[0] is the scaled
        input and the last element is the output before it is scaled back.
    """

    Z: tuple[FloatArray, ...]
    A: tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False)
class Derivatives:
    """The derivatives of a cost.

    Attributes
    ----------
    dW : tuple of ndarray
        dC/dW^(l), each of the shape of W[l], (n_out, n_in).
    db : tuple of ndarray
        dC/db^(l), each of shape (n_out,).
    dg : tuple of ndarray or None
        dC/dg^(l), each of shape (n_out,); None for a layer without a norm.
    dX : ndarray of shape (n, n_features) or None
        dC/dX with respect to X before scaling; None if X is sparse, because dX would be dense.
    delta : tuple of ndarray
        delta[l] = dC/dZ[l], of shape (n, n_out).
    grad : ndarray of shape (n_params,)
        The whole gradient in the order of theta; dW, db and dg are views of it.
    """

    dW: tuple[FloatArray, ...]
    db: tuple[FloatArray, ...]
    dg: tuple[FloatArray | None, ...]
    dX: FloatArray | None
    delta: tuple[FloatArray, ...]
    grad: FloatArray


@dataclass(frozen=True, eq=False)
class Gradients(Derivatives):
    """The cost of a batch and its derivatives (see `Derivatives`).

    Attributes
    ----------
    cost : float
        C, averaged over the samples.
    """

    cost: float


class Network:
    """A dense feed-forward network.

    A layer computes z^(l+1) = W^(l) a^(l) + b^(l) and a^(l+1) = f(z^(l+1)).

    Parameters
    ----------
    layers : sequence of int
        Units per layer, [n_features, hidden ..., n_outputs].
    activation : str, Activation or sequence of these, default "relu"
        f of the hidden layers, one for all of them or a sequence with one per layer: "identity",
        "logistic", "tanh", "relu", "leaky_relu", "relu6", "elu", "celu", "selu", "gelu",
        "gelu_tanh", "silu", "mish", "softplus", "softsign", "hard_sigmoid", "hard_tanh", "sin",
        "step", "softmax", "log_softmax" or a custom `Activation`. docs/activations.md has the
        formulas. "step" is meant for networks that are not trained.
    output : str or Activation, default "identity"
        f of the output layer, one of the same activations.
    dtype : {"float32", "float64"}, default "float32"
        The type of the parameters and of the arithmetic.
    random_state : int, numpy.random.Generator or None, default None
        The seed of the initial weights, 0 … 2**64 - 1; None draws one from the operating system.
    weights : str, Uniform, Normal, Orthogonal or sequence of these and arrays, default "auto"
        The initial weights: "auto", "glorot_uniform", "glorot_normal", "he_uniform",
        "he_normal", "lecun_uniform", "lecun_normal", "orthogonal" or "zeros". One initialiser for
        all weight layers, or a sequence with one per layer, in which an array of shape
        (n_out, n_in) sets W directly. If all are arrays and no biases are drawn, `random_state`
        must be None.
    biases : str or sequence of str and arrays, default "auto"
        The initial biases: "zeros"; "uniform", between -1 / sqrt(n_in) and 1 / sqrt(n_in); or
        "auto" (see Notes). One name for all weight layers, or a sequence with one per layer, in
        which an array of shape (n_out,) sets b directly.
    norm : {"batch", "layer"}, None or sequence of these, default None
        The normalisation of W a before f in hidden layers, one for all of them or a sequence with
        one per layer. See docs/normalisation.md.
    skip : bool or sequence of bool, default False
        Residual connections: whether the input of a hidden layer is added to its output. True
        applies to every hidden layer whose input and output sizes match (at least one must); a
        sequence has one bool per hidden layer.

    Attributes
    ----------
    W, b : sequence of ndarray
        Weights and biases, writeable views: W[l] of shape (n_out, n_in), b[l] of shape (n_out,).
        ``net.W[l] = values`` copies into the view.
    g : sequence of ndarray or None
        Gains, writeable views of shape (n_out,); None for a layer without a norm.
    running_mean, running_var : sequence of ndarray or None
        The mean and variance that batch norm uses at inference, writeable views of shape
        (n_out,); None for a layer without batch norm. They are not part of theta.
    theta : ndarray of shape (n_params,)
        All parameters, a writeable view: W^(1) row-major as (n_in, n_out), b^(1), W^(2), ...; g^(l)
        follows b^(l) if the layer has a norm.
    input_scaling, target_scaling : Scaling or None
        The scaling of X and of the targets; outputs are scaled back.
    threads : int or None
        Number of threads unless a call specifies it; None uses all that the process may use.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range; the message names it.
    MemoryError
        The parameters do not fit into memory.

    Notes
    -----
    Gains start at 1. "auto" draws weights according to the activation of their layer:

    ============== ======================== =====================================
    weights        uniform within           activation
    ============== ======================== =====================================
    he_uniform     sqrt(6 / n_in)           relu, leaky_relu, relu6, elu, gelu,
                                            gelu_tanh, silu, mish, softplus, sin
    lecun_uniform  sqrt(3 / n_in)           selu
    glorot_uniform sqrt(6 / (n_in + n_out)) all others
    ============== ======================== =====================================

    The normal variants have the same variance. Sources: He, Zhang, Ren, Sun 2015, and for sin
    Sitzmann, Martel, Bergman, Lindell, Wetzstein 2020; LeCun, Bottou, Orr, Müller 1998, and for
    selu Klambauer, Unterthiner, Mayr, Hochreiter 2017; Glorot, Bengio 2010.

    "auto" biases are "uniform" in hidden layers. They are "zeros" in the output layer, in layers
    with a norm, and in layers whose weights are "zeros" or an array. The bound of "uniform" is
    the same as in PyTorch's Linear. docs/user-guide.md compares uniform biases with zeros.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([2, 3, 1], activation="tanh", random_state=0)
    >>> net
    Network([2, 3, 1], activation='tanh', output='identity', dtype='float32')
    >>> net.W[0].shape, net.b[0].shape, net.n_params
    ((3, 2), (3,), 13)
    >>> net.forward([[0.0, 0.0]]).shape
    (1, 1)
    """

    def __init__(
        self,
        layers: Sequence[int],
        *,
        activation: ActivationName
        | Activation
        | Sequence[ActivationName]
        | Sequence[ActivationName | Activation] = "relu",
        output: ActivationName | Activation = "identity",
        dtype: DTypeLike = "float32",
        random_state: int | np.random.Generator | None = None,
        weights: Weights = "auto",
        biases: Biases = "auto",
        norm: Norm | Sequence[Norm | None] | None = None,
        skip: bool | Sequence[bool] = False,
    ) -> None:
        sizes = arguments.layer_sizes("layers", layers)
        activations = _activation.of_layers(activation, output, len(sizes) - 2)
        norms = arguments.norms(norm, len(sizes) - 2)
        skips = arguments.skips(skip, sizes)
        float_type = _float_type(dtype)
        initial_W = _weights.weights_of_layers(weights, len(activations), float_type)
        initial_b = _weights.biases_of_layers(biases, len(activations))
        if random_state is not None and _weights.draws_nothing(initial_W, initial_b):
            raise ValueError(
                f"random_state: got {shown(random_state)}, expected None: nothing is drawn, because"
                " all weights are arrays and no biases are uniform"
            )
        with undone_if_raised([random_state]):
            seed = arguments.seed("random_state", random_state)
            try:
                core = _CORES[float_type](
                    list(sizes),
                    [_activation.for_core(each) for each in activations],
                    seed,
                    [layer.rule for layer in initial_W],
                    [layer.rule for layer in initial_b],
                    [each or "none" for each in norms] if any(norms) else [],
                    list(skips),
                )
            except MemoryError:
                raise MemoryError(
                    f"layers: the parameters of {shown(list(sizes))} do not fit into memory"
                ) from None
            self._attach(core, sizes, tuple(activations), norms, skips)
            for name, views, user_values in (
                ("weights", self._W, [layer.user_values for layer in initial_W]),
                ("biases", self._b, [layer.user_values for layer in initial_b]),
            ):
                for i, values in enumerate(user_values):
                    if values is not None:
                        views[i][...] = parameters(f"{name}[{i}]", values, views[i])

    def _attach(
        self,
        core: Any,
        layers: tuple[int, ...],
        activations: tuple[ActivationName | Activation, ...],
        norms: tuple[Norm | None, ...],
        skips: tuple[bool, ...],
    ) -> None:
        self._core = core
        self._layers = layers
        self._activations = activations
        self._norms = norms
        self._skips = skips
        self._theta: FloatArray = core.theta
        self._quick_forward: Callable[[ArrayLike], FloatArray | None] = core.quick_forward
        W, b, g = self._split(self._theta)
        self._W = ParameterViews("W", W)
        self._b = ParameterViews("b", b)
        self._g = OptionalViews("g", g)
        self._running: FloatArray = core.running
        mean, variance = self._split_running(self._running)
        self._running_mean = OptionalViews("running_mean", mean)
        self._running_var = OptionalViews("running_var", variance, least=0.0)

    def _split(
        self, theta: FloatArray
    ) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...], tuple[FloatArray | None, ...]]:
        """Split a vector like theta into views of W, b and g per layer."""
        W: list[FloatArray] = []
        b: list[FloatArray] = []
        g: list[FloatArray | None] = []
        start = 0
        for n_in, n_out, norm in zip(
            self._layers, self._layers[1:], (*self._norms, None), strict=False
        ):
            end = start + n_in * n_out
            W.append(theta[start:end].reshape(n_in, n_out).T)
            b.append(theta[end : end + n_out])
            start = end + n_out
            g.append(None if norm is None else theta[start : start + n_out])
            start += 0 if norm is None else n_out
        return tuple(W), tuple(b), tuple(g)

    def _split_running(
        self, running: FloatArray
    ) -> tuple[list[FloatArray | None], list[FloatArray | None]]:
        """Split the running statistics into views per layer: mean and variance, (n_out,)."""
        mean: list[FloatArray | None] = []
        variance: list[FloatArray | None] = []
        start = 0
        for n_out, norm in zip(self._layers[1:], (*self._norms, None), strict=True):
            for views in (mean, variance):
                views.append(running[start : start + n_out] if norm == "batch" else None)
                start += n_out if norm == "batch" else 0
        return mean, variance

    @property
    def W(self) -> ParameterViews:
        """The weight matrices, W[l] of shape (n_out, n_in): views of `theta`."""
        return self._W

    @property
    def b(self) -> ParameterViews:
        """The biases, b[l] of shape (n_out,): views of `theta`."""
        return self._b

    @property
    def g(self) -> OptionalViews:
        """The gains, g[l] of shape (n_out,): views of `theta`.

        None for a layer without a norm.
        """
        return self._g

    @property
    def running_mean(self) -> OptionalViews:
        """Running mean used by batch norm at inference, shape (n_out,), or None."""
        return self._running_mean

    @property
    def running_var(self) -> OptionalViews:
        """Running variance used by batch norm at inference, shape (n_out,), or None."""
        return self._running_var

    @property
    def norms(self) -> tuple[Norm | None, ...]:
        """The norm of every hidden layer: "batch", "layer" or None."""
        return self._norms

    @property
    def skips(self) -> tuple[bool, ...]:
        """For every hidden layer, whether its input is added to its output."""
        return self._skips

    @property
    def theta(self) -> FloatArray:
        """All parameters, a view of shape (n_params,). Assigning to it copies."""
        return self._theta

    @theta.setter
    def theta(self, values: ArrayLike) -> None:
        if values is not self._theta:
            self._theta[...] = parameters("theta", values, self._theta)

    def _state(self) -> FloatArray:
        """Return a copy of all parameters followed by the running statistics, shape (n,)."""
        return np.concatenate([self._theta, self._running])

    def _take_state(self, state: FloatArray) -> None:
        """Set parameters and running statistics from a result of `_state`."""
        self._theta[...] = state[: self.n_params]
        self._running[...] = state[self.n_params :]

    @property
    def n_params(self) -> int:
        """The number of weights, biases and gains."""
        return self._theta.size

    @property
    def layers(self) -> tuple[int, ...]:
        """Units per layer, input first."""
        return self._layers

    @property
    def activations(self) -> tuple[str, ...]:
        """The name of f for every layer except the input; the last one is the output's."""
        return tuple(_activation.name_of(each) for each in self._activations)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the parameters, float32 or float64."""
        return self._theta.dtype

    @property
    def input_scaling(self) -> Scaling | None:
        """The scaling of X, with n_features columns, or None. Assignable.

        Raises
        ------
        TypeError, ValueError
            The assigned value is not a `Scaling`, or has another number of columns.
        RuntimeError
            The network is being trained, or used by another thread.
        """
        return _scaling(self._core.input_scaling)

    @input_scaling.setter
    def input_scaling(self, scaling: Scaling | None) -> None:
        self._core.input_scaling = _offset_and_factor("input_scaling", scaling)

    @property
    def target_scaling(self) -> Scaling | None:
        """The scaling of targets, with n_outputs columns, or None. Assignable.

        Outputs are scaled back.

        The output activation must be "identity". Errors are the same as for `input_scaling`.
        """
        return _scaling(self._core.target_scaling)

    @target_scaling.setter
    def target_scaling(self, scaling: Scaling | None) -> None:
        self._core.target_scaling = _offset_and_factor("target_scaling", scaling)

    @property
    def threads(self) -> int | None:
        """Number of threads for the calls of this network.

        None uses all that the process may use.
        """
        return self._core.threads or None

    @threads.setter
    def threads(self, value: int | None) -> None:
        self._core.threads = arguments.thread_count("threads", value)

    def forward(self, X: ArrayLike) -> FloatArray:
        """Return the output activations.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or (n_features,) for one sample

        Returns
        -------
        A : ndarray of shape (n, n_outputs), or (n_outputs,)

        Raises
        ------
        TypeError, ValueError
            X contains values other than finite real numbers, or has the wrong shape.
        RuntimeError
            Another thread is training the network.
        """
        A = self._quick_forward(X)
        if A is not None:
            return A
        array = sparse.inputs("X", X, self.dtype)
        if isinstance(array, np.ndarray) and array.shape == (self._layers[0],):
            return self._core.forward(array[np.newaxis])[0]  # type: ignore[no-any-return]
        return self._core.forward(sparse.for_core(array))  # type: ignore[no-any-return]

    def trace(self, X: ArrayLike) -> Trace:
        """Return all z and a of a forward pass.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        Trace
            ``Z[l]`` and ``A[l + 1] = f(Z[l])``, of shape (n, n_out) of weight layer l, with
            ``A[l]`` added if the layer has a skip; ``A[0]`` is X, scaled if the network scales it.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As for `forward`.
        """
        array = arrays.inputs("X", X, self.dtype)
        Z, A = self._core.trace(array)
        return Trace(Z=tuple(Z), A=tuple(A))

    def gradients(
        self, X: ArrayLike, Y: ArrayLike, *, loss: Loss, sample_weight: ArrayLike | None = None
    ) -> Gradients:
        """Return the cost of a batch and its derivatives, by error backpropagation.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        Y : array-like of shape (n, n_outputs), or (n,)
            Targets. Shape (n,) holds integer labels for losses that take classes, and numbers if
            there is one output.
        loss : str, Huber, Quantile, LogLoss, Poisson or Focal
            The loss c of a sample: "squared_error", "absolute_error", "huber", "quantile",
            "log_cosh", "log_loss", "kl_divergence", "hinge", "squared_hinge", "poisson",
            "gaussian_nll", "focal" or "cosine". A name selects the default parameters.
            docs/losses.md has the formulas.
        sample_weight : array-like of shape (n,), optional
            Weights s_i >= 0, with C = sum s_i c_i / sum s_i.

        Returns
        -------
        Gradients

        Raises
        ------
        TypeError, ValueError
            An argument has the wrong type or shape or is out of range; the message names it.
        RuntimeError
            Another thread is training the network.
        """
        rule = _loss.rule(loss)
        weights = sample_weight
        if weights is not None:
            weights = arrays.inputs("sample_weight", weights, np.dtype(np.float64))
        cost, (grad, dX, delta) = self._core.gradients(
            sparse.for_core(sparse.inputs("X", X, self.dtype)),
            self._targets("Y", Y, rule.name),
            rule,
            weights,
        )
        dW, db, dg = self._split(grad)
        return Gradients(cost=cost, dW=dW, db=db, dg=dg, dX=dX, delta=tuple(delta), grad=grad)

    def backward(self, X: ArrayLike, dC_dA: ArrayLike) -> Derivatives:
        """Return the derivatives of a custom cost, by error backpropagation.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        dC_dA : array-like of shape (n, n_outputs), or (n,) if there is one output
            The derivative of the cost with respect to the output activations, ``forward(X)``. It
            includes any averaging over the samples: for a mean, divide by n.

        Returns
        -------
        Derivatives

        Raises
        ------
        TypeError, ValueError
            An argument has the wrong type or shape or is out of range; the message names it.
        RuntimeError
            Another thread is training the network.

        Examples
        --------
        >>> import numpy as np
        >>> import rosenblatt as rb
        >>> net = rb.Network([2, 3, 1], dtype="float64", random_state=0)
        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.5]]), np.array([[1.0], [2.0]])
        >>> ours = net.backward(X, (net.forward(X) - y) / 2)
        >>> bool((ours.grad == net.gradients(X, y, loss="squared_error").grad).all())
        True
        """
        G = arrays.inputs("dC_dA", dC_dA, self.dtype)
        if G.ndim == 1 and self._layers[-1] == 1:
            G = G[:, np.newaxis]
        grad, dX, delta = self._core.backward(arrays.inputs("X", X, self.dtype), G)
        dW, db, dg = self._split(grad)
        return Derivatives(dW=dW, db=db, dg=dg, dX=dX, delta=tuple(delta), grad=grad)

    def jacobian(self, X: ArrayLike) -> FloatArray:
        """Return the derivative of every output with respect to every input.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        J : ndarray of shape (n, n_outputs, n_features)
            J[i, j, k] is da_j/dx_k at sample i. J[:, j] is identical to the dX of `backward` for
            the cost sum_i a_ij, whose derivative is 1 at output j.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As for `forward`.

        Examples
        --------
        >>> import rosenblatt as rb
        >>> net = rb.Network([3, 2], random_state=0)
        >>> bool((net.jacobian([[1.0, 2.0, 3.0]])[0] == net.W[0]).all())
        True
        """
        return self._core.jacobian(arrays.inputs("X", X, self.dtype))  # type: ignore[no-any-return]

    def per_sample_gradients(self, X: ArrayLike, Y: ArrayLike, *, loss: Loss) -> FloatArray:
        """Return the gradient of the loss of each sample.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        Y : array-like of shape (n, n_outputs), or (n,)
            As for `gradients`.
        loss : str, Huber, Quantile, LogLoss, Poisson or Focal
            As for `gradients`.

        Returns
        -------
        ndarray of shape (n, n_params)
            Row i is dc_i/dtheta in the order of theta, identical to ``gradients`` of sample i
            alone.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As for `gradients`.
        MemoryError
            The n rows do not fit into memory.

        Examples
        --------
        >>> import numpy as np
        >>> import rosenblatt as rb
        >>> net = rb.Network([2, 3, 1], dtype="float64", random_state=0)
        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.5]]), np.array([1.0, 2.0])
        >>> each = net.per_sample_gradients(X, y, loss="squared_error")
        >>> bool(np.allclose(each.mean(axis=0), net.gradients(X, y, loss="squared_error").grad))
        True
        """
        rule = _loss.rule(loss)
        return self._core.sample_gradients(  # type: ignore[no-any-return]
            arrays.inputs("X", X, self.dtype), self._targets("Y", Y, rule.name), rule
        )

    def hessian_vector_product(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        v: ArrayLike,
        *,
        loss: Loss,
        sample_weight: ArrayLike | None = None,
    ) -> FloatArray:
        """Return the product of the Hessian of the cost of a batch with a vector.

        The result H v, with H = d2C/dtheta2, is exact rather than a difference quotient, and H is
        never built. It takes eight matrix products per layer; a gradient takes three.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            As for `gradients`, but dense.
        Y : array-like of shape (n, n_outputs), or (n,)
            As for `gradients`.
        v : array-like of shape (n_params,)
            A direction, in the order of theta.
        loss : str, Huber, Quantile, LogLoss, Poisson or Focal
            As for `gradients`.
        sample_weight : array-like of shape (n,), optional
            As for `gradients`.

        Returns
        -------
        ndarray of shape (n_params,)
            H v in the order of theta. Where a first derivative jumps, like that of relu at 0, the
            second derivative belongs to the piece whose slope `gradients` uses.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As for `gradients`.

        Notes
        -----
        B. A. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6, 1994.

        Examples
        --------
        >>> import numpy as np
        >>> import rosenblatt as rb
        >>> net = rb.Network([1, 1], dtype="float64", random_state=0)
        >>> X, y = [[1.0], [3.0]], [0.0, 1.0]
        >>> net.hessian_vector_product(X, y, [1.0, 0.0], loss="squared_error")  # mean of x^2, of x
        array([5., 2.])
        """
        rule = _loss.rule(loss)
        weights = sample_weight
        if weights is not None:
            weights = arrays.inputs("sample_weight", weights, np.dtype(np.float64))
        return self._core.hessian_vector_product(  # type: ignore[no-any-return]
            arrays.inputs("X", X, self.dtype),
            self._targets("Y", Y, rule.name),
            arrays.inputs("v", v, self.dtype),
            rule,
            weights,
        )

    def _targets(self, name: str, Y: ArrayLike, loss: str) -> NDArray[Any]:
        n_targets = _core.n_targets(loss, self._layers[-1])
        return arrays.targets(name, Y, loss=loss, dtype=self.dtype, n_targets=n_targets)

    def copy(self) -> Network:
        """Return an independent network with the same parameters."""
        copy = Network.__new__(Network)
        copy._attach(self._core.copy(), self._layers, self._activations, self._norms, self._skips)
        return copy

    def __copy__(self) -> Network:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self.copy()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a safetensors file.

        Parameters
        ----------
        path : path-like
            An existing file is replaced atomically.

        Raises
        ------
        OSError
            The file cannot be written; an existing file is unchanged.

        Notes
        -----
        The file stores only the name of a custom `Activation`; pass its functions to `load`.

        See Also
        --------
        rosenblatt.load : Read a network from a file.
        """
        from ._files import model

        model.save(self, arguments.path("path", path))

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[Any, ...]]:
        from ._files import model

        custom = self._custom_activations()
        return model.from_bytes, (model.to_bytes(self), *([custom] if custom else []))

    def _custom_activations(self) -> tuple[Activation, ...]:
        custom = {f.name: f for f in self._activations if isinstance(f, Activation)}
        return tuple(custom.values())

    def __repr__(self) -> str:
        *hidden, output = self.activations
        same = len(set(hidden)) == 1
        parts = [str(list(self._layers))]
        if hidden:
            parts.append(f"activation={hidden[0]!r}" if same else f"activation={hidden!r}")
        parts += [f"output={output!r}", f"dtype={self.dtype.name!r}"]
        if any(self._norms):
            same = len(set(self._norms)) == 1
            parts.append(f"norm={self._norms[0]!r}" if same else f"norm={list(self._norms)!r}")
        if any(self._skips):
            parts.append(f"skip={True if all(self._skips) else list(self._skips)!r}")
        parts += self._shown_scalings()
        return f"Network({', '.join(parts)})"

    def _shown_scalings(self) -> list[str]:
        try:
            scalings = {"input": self.input_scaling, "target": self.target_scaling}
        except RuntimeError:  # another thread is training the network
            return []
        return [f"{name}_scaling={each!r}" for name, each in scalings.items() if each is not None]


def require_network(name: str, value: object) -> Network:
    """Return `value` if it is a Network.

    Raises
    ------
    TypeError
        `value` is of another type.
    """
    if not isinstance(value, Network):
        raise TypeError(f"{name}: got {type_name(value)}, expected a rosenblatt.Network")
    return value


def _scaling(offset_and_factor: tuple[FloatArray, FloatArray] | None) -> Scaling | None:
    return None if offset_and_factor is None else Scaling(*offset_and_factor)


def _offset_and_factor(name: str, scaling: object) -> tuple[FloatArray, FloatArray] | None:
    if scaling is None:
        return None
    if not isinstance(scaling, Scaling):
        raise TypeError(f"{name}: got {shown(scaling)}, expected a rosenblatt.Scaling or None")
    return scaling.offset, scaling.factor


def _float_type(value: DTypeLike) -> np.dtype[Any]:
    expected = "expected 'float32' or 'float64'"
    try:
        dtype = None if value is None else np.dtype(value)
    except Exception:  # NumPy asks the value for its attributes and for its repr
        error = ValueError if isinstance(value, str) else TypeError
        raise error(f"dtype: got {shown(value)}, {expected}") from None
    if dtype not in _CORES:
        raise ValueError(f"dtype: got {shown(value)}, {expected}")
    return dtype
