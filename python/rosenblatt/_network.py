"""Network: a dense feed-forward network in the lecture's notation, views of one buffer."""

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
from ._parameter_views import ParameterViews, ViewsWhereThereAre, parameters
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
    """Every z and a of a forward pass.

    Attributes
    ----------
    Z : tuple of ndarray
        Z[l] is z^(l+2), of shape (n, n_out) of weight layer l (from 0).
    A : tuple of ndarray
        A[0] is the input X; A[l+1] = f(Z[l]), or f(Z[l]) + A[l] where the layer skips. The last one
        is the network's output. Where the network has scalings, these are the scaled input and the
        output before it is scaled back.
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
        dC/db^(l), each (n_out,).
    dg : tuple of ndarray or None
        dC/dg^(l), each (n_out,); None where the layer has no norm.
    dX : ndarray of shape (n, n_features) or None
        dC/dX, by X as it was given; None where that is a sparse matrix, for it would be full.
    delta : tuple of ndarray
        delta[l] = dC/dZ[l], (n, n_out).
    grad : ndarray of shape (n_params,)
        dW, db and dg in the order of theta; they are views of it.
    """

    dW: tuple[FloatArray, ...]
    db: tuple[FloatArray, ...]
    dg: tuple[FloatArray | None, ...]
    dX: FloatArray | None
    delta: tuple[FloatArray, ...]
    grad: FloatArray


@dataclass(frozen=True, eq=False)
class Gradients(Derivatives):
    """The cost of a batch and its derivatives, as in `Derivatives`.

    Attributes
    ----------
    cost : float
        C, averaged over the samples.
    """

    cost: float


class Network:
    """A dense feed-forward network: z^(l+1) = W^(l) a^(l) + b^(l), a^(l+1) = f(z^(l+1)).

    Parameters
    ----------
    layers : sequence of int
        Units per layer, [n_features, hidden ..., n_outputs].
    activation : str, Activation or sequence of these, default "relu"
        f of the hidden layers, one name for all or one for each: "identity", "logistic", "tanh",
        "relu", "leaky_relu", "relu6", "elu", "selu", "gelu", "gelu_tanh", "silu", "mish",
        "softplus", "softsign", "hard_sigmoid", "hard_tanh", "sin", "step", "softmax",
        "log_softmax"; docs/activations.md has their formulas. "step" is for networks that are
        not trained. An `Activation` is one of your own.
    output : str or Activation, default "identity"
        f of the output layer, likewise.
    dtype : {"float32", "float64"}, default "float32"
        The type of parameters and of the arithmetic.
    random_state : int, numpy.random.Generator or None, default None
        The seed of the initial weights, 0 … 2**64 - 1; None draws one from the operating system.
    weights : str, Uniform, Normal, Orthogonal or sequence of these and arrays, default "auto"
        How the initial weights are drawn: "auto", "glorot_uniform", "glorot_normal", "he_uniform",
        "he_normal", "lecun_uniform", "lecun_normal", "orthogonal", "zeros". One for all weight
        layers or a sequence with one for each, in which an array of shape (n_out, n_in) is W
        itself. If all are arrays and no biases are drawn, `random_state` must be None.
    biases : str or sequence of str and arrays, default "auto"
        The initial biases: "zeros"; "uniform", between -1 / sqrt(n_in) and 1 / sqrt(n_in); or
        "auto", which is explained below. One name for all weight layers or a sequence with one
        for each, in which an array of shape (n_out,) is b itself.
    norm : {"batch", "layer"}, None or sequence of these, default None
        How W a of the hidden layers is normalised before f, one for all or one for each:
        docs/normalisation.md.
    skip : bool or sequence of bool, default False
        Whether what goes into a hidden layer is added to what comes out. True is for all that have
        as many units as go in, at least one; a sequence has one for each hidden layer.

    Attributes
    ----------
    W, b : sequence of ndarray
        Writeable views: W[l] of shape (n_out, n_in), b[l] of shape (n_out,). ``net.W[l] = values``
        copies into the view.
    g : sequence of ndarray or None
        The gains of layers with a norm, alike, (n_out,); None for the others.
    running_mean, running_var : sequence of ndarray or None
        What batch norm has in place of a batch's mean and variance when the network is not being
        trained, alike, (n_out,). They are not part of theta.
    theta : ndarray of shape (n_params,)
        All parameters, a writeable view: W^(1) row-major as (n_in, n_out), b^(1), W^(2), ...; g^(l)
        follows b^(l) where the layer has a norm.
    input_scaling, target_scaling : Scaling or None
        How X and the targets are scaled on the way in, and outputs back on the way out.
    threads : int or None
        How many threads to use, where a call does not say; None for as many as the process may use.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or outside its range; the message names it.
    MemoryError
        The parameters do not fit into memory.

    Notes
    -----
    Gains start at 1. "auto" draws weights by the activation that they lead to:

    ============== ======================== =====================================
    weights        uniform within           before
    ============== ======================== =====================================
    he_uniform     sqrt(6 / n_in)           relu, leaky_relu, relu6, elu, gelu,
                                            gelu_tanh, silu, mish, softplus, sin
    lecun_uniform  sqrt(3 / n_in)           selu
    glorot_uniform sqrt(6 / (n_in + n_out)) all others
    ============== ======================== =====================================

    The normal ones have the same variance. Sources: He, Zhang, Ren, Sun 2015, for sin Sitzmann,
    Martel, Bergman, Lindell, Wetzstein 2020; LeCun, Bottou, Orr, Müller 1998, with selu Klambauer,
    Unterthiner, Mayr, Hochreiter 2017; Glorot, Bengio 2010.

    "auto" biases are "uniform" in hidden layers and "zeros" in the output layer, in layers with a
    norm, and in layers whose weights are "zeros" or given. The bound of "uniform" is that of
    PyTorch's Linear. docs/user-guide.md compares biases that are drawn with zeros.

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
                f"random_state: got {shown(random_state)}, expected None: all weights are given and"
                " no biases are drawn"
            )
        with undone_if_raised([random_state]):
            seed = arguments.seed("random_state", random_state)
            try:
                made = _CORES[float_type](
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
            self._attach(made, sizes, tuple(activations), norms, skips)
            for name, views, initial in (
                ("weights", self._W, [layer.given for layer in initial_W]),
                ("biases", self._b, [layer.given for layer in initial_b]),
            ):
                for i, given in enumerate(initial):
                    if given is not None:
                        views[i][...] = parameters(f"{name}[{i}]", given, views[i])

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
        self._g = ViewsWhereThereAre("g", g)
        self._running: FloatArray = core.running
        mean, variance = self._split_running(self._running)
        self._running_mean = ViewsWhereThereAre("running_mean", mean)
        self._running_var = ViewsWhereThereAre("running_var", variance, least=0.0)

    def _split(
        self, theta: FloatArray
    ) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...], tuple[FloatArray | None, ...]]:
        """Cut a vector like theta into views of every layer: W (n_out, n_in), b and g (n_out,)."""
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
        """Cut the running statistics into views: mean and variance of every layer, (n_out,)."""
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
    def g(self) -> ViewsWhereThereAre:
        """The gains of layers with a norm, g[l] of shape (n_out,): views of `theta`, or None."""
        return self._g

    @property
    def running_mean(self) -> ViewsWhereThereAre:
        """What batch norm subtracts, (n_out,), or None: views of the network's own."""
        return self._running_mean

    @property
    def running_var(self) -> ViewsWhereThereAre:
        """What batch norm divides by the root of, (n_out,), or None: views of the network's own."""
        return self._running_var

    @property
    def norms(self) -> tuple[Norm | None, ...]:
        """The norm of every hidden layer: "batch", "layer" or None."""
        return self._norms

    @property
    def skips(self) -> tuple[bool, ...]:
        """Whether what goes into a hidden layer is added to what comes out, for each of them."""
        return self._skips

    @property
    def theta(self) -> FloatArray:
        """All parameters, (n_params,): a view. Assigning to it copies."""
        return self._theta

    @theta.setter
    def theta(self, values: ArrayLike) -> None:
        if values is not self._theta:
            self._theta[...] = parameters("theta", values, self._theta)

    def _state(self) -> FloatArray:
        """Return a copy of all parameters, and of the running statistics behind them, (n,)."""
        return np.concatenate([self._theta, self._running])

    def _take_state(self, state: FloatArray) -> None:
        """Take parameters and running statistics, as `_state` gives them."""
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
        """The name of f for every layer but the input; the last one is the output's."""
        return tuple(_activation.name_of(each) for each in self._activations)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the parameters, float32 or float64."""
        return self._theta.dtype

    @property
    def input_scaling(self) -> Scaling | None:
        """How X is scaled on its way in, n_features columns; None for not at all. Assignable.

        Raises
        ------
        TypeError, ValueError
            What is assigned is no `Scaling`, or has another number of columns.
        RuntimeError
            The network is being trained, or used by another thread.
        """
        return _scaling(self._core.input_scaling)

    @input_scaling.setter
    def input_scaling(self, scaling: Scaling | None) -> None:
        self._core.input_scaling = _offset_and_factor("input_scaling", scaling)

    @property
    def target_scaling(self) -> Scaling | None:
        """How targets are scaled, and outputs scaled back, n_outputs columns. Assignable.

        It needs the output "identity", and is otherwise like `input_scaling`.
        """
        return _scaling(self._core.target_scaling)

    @target_scaling.setter
    def target_scaling(self, scaling: Scaling | None) -> None:
        self._core.target_scaling = _offset_and_factor("target_scaling", scaling)

    @property
    def threads(self) -> int | None:
        """How many threads this network's calls use; None for as many as the process may use."""
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
            X is not made of finite real numbers, or has another shape.
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
        """Return every z and every a.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        Trace
            ``Z[l]`` and ``A[l + 1] = f(Z[l])``, (n, n_out) of weight layer l, with ``A[l]`` added
            where the layer skips; ``A[0]`` is X, scaled where the network scales it.

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
            Targets; integer labels (n,) for losses that name classes; (n,) numbers where there is
            one output.
        loss : str, Huber, Quantile, LogLoss, Poisson or Focal
            c, as docs/losses.md has it: "squared_error", "absolute_error", "huber", "quantile",
            "log_loss", "kl_divergence", "hinge", "squared_hinge", "poisson", "gaussian_nll",
            "focal", "cosine"; a name stands for the default parameters.
        sample_weight : array-like of shape (n,), optional
            s_i >= 0: C = sum s_i c_i / sum s_i.

        Returns
        -------
        Gradients

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, shape or range; the message names it.
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
        """Return the derivatives of a cost of your own, by error backpropagation.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        dC_dA : array-like of shape (n, n_outputs), or (n,) where there is one output
            The derivative of the cost by the output activations, ``forward(X)``. Averaging over
            the samples is part of the cost: with a mean, divide by n.

        Returns
        -------
        Derivatives

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, shape or range; the message names it.
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
        """Return the derivative of every output by every input.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        J : ndarray of shape (n, n_outputs, n_features)
            J[i, j, k] is da_j/dx_k at sample i. J[:, j] has the bits of the dX of `backward` for
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
        """Return the gradient of each sample's own loss.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        Y : array-like of shape (n, n_outputs), or (n,)
        loss : str, Huber, Quantile, LogLoss, Poisson or Focal
            Y and loss are those of `gradients`.

        Returns
        -------
        ndarray of shape (n, n_params)
            Row i is dc_i/dtheta in theta's order: the bits of ``gradients`` for sample i alone.

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
        """Return H v, with H = d2C/dtheta2 the second derivatives of the cost of a batch.

        Exact, no quotient of differences, and H is never built: it takes eight products of matrices
        for each layer, where a gradient takes three.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        Y : array-like of shape (n, n_outputs), or (n,)
        v : array-like of shape (n_params,)
            A direction, in theta's order.
        loss : str, Huber, Quantile, LogLoss, Poisson or Focal
        sample_weight : array-like of shape (n,), optional
            X, Y, loss and sample_weight are those of `gradients`.

        Returns
        -------
        ndarray of shape (n_params,)
            H v in theta's order. Where a first derivative jumps, as that of relu at 0, the second
            is that of the piece whose slope `gradients` takes.

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
        twin = Network.__new__(Network)
        twin._attach(self._core.copy(), self._layers, self._activations, self._norms, self._skips)
        return twin

    def __copy__(self) -> Network:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self.copy()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a file, whole or not at all.

        Parameters
        ----------
        path : path-like
            A safetensors file; one that is there is replaced.

        Raises
        ------
        OSError
            The file cannot be written; an older one is as it was.

        Notes
        -----
        Of an `Activation` the file has the name; `load` wants the functions again.

        See Also
        --------
        rosenblatt.load : Read it back.
        """
        from ._files import model

        model.save(self, arguments.path("path", path))

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[Any, ...]]:
        from ._files import model

        own = self._own_activations()
        return model.from_bytes, (model.to_bytes(self), *([own] if own else []))

    def _own_activations(self) -> tuple[Activation, ...]:
        own = {f.name: f for f in self._activations if isinstance(f, Activation)}
        return tuple(own.values())

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


def network_given(name: str, value: object) -> Network:
    """Return `value`, a Network.

    Raises
    ------
    TypeError
        It is anything else.
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
