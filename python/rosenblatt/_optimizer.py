"""Optimisers: how a gradient becomes an update of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias, get_args

from . import schedules
from ._checks import arguments
from ._checks.shown import shown
from .schedules import Schedule, ScheduleRule


class OptimizerRule(NamedTuple):
    """An optimiser in the form that the core accepts."""

    method: str
    settings: dict[str, float]
    learning_rate: ScheduleRule
    regularisation: dict[str, float]


Check = Callable[[str, object], Any]


class _Settings:
    """Base of the optimisers, with a check per setting in `checks`."""

    method: ClassVar[str]
    checks: ClassVar[dict[str, Check]]
    core_names: ClassVar[dict[str, str]] = {}  # of settings that the core calls otherwise
    # Indices of the state vectors that are magnitudes, such as mean squares. The others have signs
    # and transform like the weights, such as velocities and mean gradients.
    magnitudes: ClassVar[tuple[int, ...]] = ()
    learning_rate: float | Schedule

    def __post_init__(self) -> None:
        self._keep("learning_rate", schedules.learning_rate)
        for name, check in self.checks.items():
            self._keep(name, check)

    def _keep(self, name: str, check: Check) -> None:
        object.__setattr__(self, name, check(name, getattr(self, name)))

    def rule(self, regularisation: dict[str, float]) -> OptimizerRule:
        """Return the optimiser in the form that the core accepts."""
        settings = {
            self.core_names.get(name, name): float(getattr(self, name)) for name in self.checks
        }
        return OptimizerRule(
            self.method, settings, schedules.rule(self.learning_rate), regularisation
        )


@dataclass(frozen=True)
class SGD(_Settings):
    """Stochastic gradient descent with optional momentum.

    w := w - epsilon dC/dw.

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 0.01
        epsilon, above 0, or a schedule (see `rosenblatt.schedules`).
    momentum : float, default 0.0
        mu, from 0 to below 1. v := mu v - epsilon dC/dw, w := w + v.
    nesterov : bool, default False
        Look ahead along the velocity: w := w + mu v - epsilon dC/dw with the new v. Needs momentum.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    Momentum: B. T. Polyak, 1964. Nesterov's form: Sutskever, Martens, Dahl and Hinton, ICML 2013.
    The exact operations are in docs/arithmetic.md, section 5.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.SGD(learning_rate=0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    method: ClassVar[str] = "sgd"
    checks: ClassVar[dict[str, Check]] = {
        "momentum": arguments.below_one,
        "nesterov": arguments.flag,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: got True without momentum, expected a momentum above 0")


@dataclass(frozen=True)
class Adagrad(_Settings):
    """Adagrad: steps become shorter as a parameter accumulates squared gradients.

    s := s + g^2, w := w - epsilon g / (sqrt(s) + eps), with g = dC/dw.

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 0.01
        epsilon, above 0.
    initial_sum : float, default 0.0
        The initial s, at least 0.
    eps : float, default 1e-10
        Above 0.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12, 2011. PyTorch's Adagrad with its defaults takes the same steps.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Adagrad()
    Adagrad(learning_rate=0.01, initial_sum=0.0, eps=1e-10)
    """

    learning_rate: float | Schedule = 0.01
    initial_sum: float = 0.0
    eps: float = 1e-10

    method: ClassVar[str] = "adagrad"
    checks: ClassVar[dict[str, Check]] = {
        "initial_sum": arguments.not_negative,
        "eps": arguments.positive,
    }
    magnitudes: ClassVar[tuple[int, ...]] = (0,)


@dataclass(frozen=True)
class RMSprop(_Settings):
    """RMSprop: the gradient divided by the root of its moving mean square.

    s := alpha s + (1 - alpha) g^2, q = g / (sqrt(s) + eps), w := w - epsilon q. With momentum:
    v := momentum v + q, w := w - epsilon v. Centered: s - m^2 in place of s, with
    m := alpha m + (1 - alpha) g.

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 0.01
        epsilon, above 0.
    alpha : float, default 0.99
        From 0 to below 1.
    eps : float, default 1e-8
        Above 0.
    momentum : float, default 0.0
        From 0 to below 1.
    centered : bool, default False
        Divide by the standard deviation of the gradient.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    T. Tieleman, G. Hinton, *Lecture 6.5 - rmsprop*, Coursera, 2012; centered: A. Graves,
    *Generating sequences with recurrent neural networks*, arXiv 1308.0850, 2013. PyTorch's RMSprop
    takes the same steps.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.RMSprop(momentum=0.9)
    RMSprop(learning_rate=0.01, alpha=0.99, eps=1e-08, momentum=0.9, centered=False)
    """

    learning_rate: float | Schedule = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    centered: bool = False

    method: ClassVar[str] = "rmsprop"
    checks: ClassVar[dict[str, Check]] = {
        "alpha": arguments.below_one,
        "eps": arguments.positive,
        "momentum": arguments.below_one,
        "centered": arguments.flag,
    }
    core_names: ClassVar[dict[str, str]] = {"alpha": "beta2"}
    magnitudes: ClassVar[tuple[int, ...]] = (0,)


@dataclass(frozen=True)
class Adadelta(_Settings):
    """Adadelta: the gradient in the unit of the parameter, without a learning rate to tune.

    s := rho s + (1 - rho) g^2, q := sqrt(u + eps) / sqrt(s + eps) g, u := rho u + (1 - rho) q^2,
    w := w - epsilon q, with g = dC/dw.

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 1.0
        epsilon, above 0.
    rho : float, default 0.9
        The decay of both moving means, from 0 to below 1.
    eps : float, default 1e-6
        Above 0. It sets the size of the first steps.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    M. D. Zeiler, *ADADELTA: an adaptive learning rate method*, arXiv 1212.5701, 2012. PyTorch's
    Adadelta takes the same steps.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Adadelta(rho=0.95)
    Adadelta(learning_rate=1.0, rho=0.95, eps=1e-06)
    """

    learning_rate: float | Schedule = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    method: ClassVar[str] = "adadelta"
    checks: ClassVar[dict[str, Check]] = {
        "rho": arguments.below_one,
        "eps": arguments.positive,
    }
    core_names: ClassVar[dict[str, str]] = {"rho": "beta2"}
    magnitudes: ClassVar[tuple[int, ...]] = (0, 1)


@dataclass(frozen=True)
class Adam(_Settings):
    """Adam: the mean gradient divided by the root of its mean square.

    m := beta1 m + (1 - beta1) g, v := beta2 v + (1 - beta2) g^2,
    w := w - epsilon m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) in step t = 1, 2, ...
    The two divisions by 1 - beta^t correct the bias of the means towards their initial 0.

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 0.001
        epsilon, above 0.
    beta1, beta2 : float, default 0.9, 0.999
        From 0 to below 1.
    eps : float, default 1e-8
        Above 0.
    amsgrad : bool, default False
        AMSGrad: use the largest v so far in place of v.
    eps_hat : bool, default False
        Add eps to sqrt(v) before the bias correction, like scikit-learn and the faster form in
        the paper: w := w - epsilon sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps).

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015; AMSGrad:
    S. J. Reddi, S. Kale, S. Kumar, *On the convergence of Adam and beyond*, ICLR 2018. PyTorch's
    Adam takes the same steps.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Adam()
    Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, eps=1e-08, amsgrad=False, eps_hat=False)
    """

    learning_rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    amsgrad: bool = False
    eps_hat: bool = False

    method: ClassVar[str] = "adam"
    checks: ClassVar[dict[str, Check]] = {
        "beta1": arguments.below_one,
        "beta2": arguments.below_one,
        "eps": arguments.positive,
        "amsgrad": arguments.flag,
        "eps_hat": arguments.flag,
    }
    magnitudes: ClassVar[tuple[int, ...]] = (1, 2)


@dataclass(frozen=True)
class AdamW(_Settings):
    """Adam with decoupled weight decay.

    w := w - epsilon weight_decay w, then the step of `Adam`. Weights and biases both decay. The
    decay is not part of the moving means, unlike the gradient of an L2 penalty.

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 0.001
        epsilon, above 0.
    beta1, beta2 : float, default 0.9, 0.999
        From 0 to below 1.
    eps : float, default 1e-8
        Above 0.
    weight_decay : float, default 0.01
        At least 0.
    amsgrad : bool, default False
        As for `Adam`.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, ICLR 2019. PyTorch's AdamW
    takes the same steps.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.AdamW().weight_decay
    0.01
    """

    learning_rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01
    amsgrad: bool = False

    method: ClassVar[str] = "adam"
    checks: ClassVar[dict[str, Check]] = {
        "beta1": arguments.below_one,
        "beta2": arguments.below_one,
        "eps": arguments.positive,
        "weight_decay": arguments.not_negative,
        "amsgrad": arguments.flag,
    }
    magnitudes: ClassVar[tuple[int, ...]] = (1, 2)


@dataclass(frozen=True)
class NAdam(_Settings):
    """Adam with Nesterov momentum.

    With mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), M_t = mu_1 ... mu_t and `Adam`'s m and v:
    w := w - epsilon ((1 - mu_t) g / (1 - M_t) + mu_(t+1) m / (1 - M_(t+1)))
    / (sqrt(v / (1 - beta2^t)) + eps).

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 0.002
        epsilon, above 0.
    beta1, beta2 : float, default 0.9, 0.999
        From 0 to below 1.
    eps : float, default 1e-8
        Above 0.
    momentum_decay : float, default 0.004
        At least 0.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    T. Dozat, *Incorporating Nesterov momentum into Adam*, ICLR workshop 2016. PyTorch's NAdam takes
    the same steps.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.NAdam()
    NAdam(learning_rate=0.002, beta1=0.9, beta2=0.999, eps=1e-08, momentum_decay=0.004)
    """

    learning_rate: float | Schedule = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 0.004

    method: ClassVar[str] = "nadam"
    checks: ClassVar[dict[str, Check]] = {
        "beta1": arguments.below_one,
        "beta2": arguments.below_one,
        "eps": arguments.positive,
        "momentum_decay": arguments.not_negative,
    }
    magnitudes: ClassVar[tuple[int, ...]] = (1,)


@dataclass(frozen=True)
class Lion(_Settings):
    """Lion: steps of the same length for all parameters, in the direction of a sign.

    w := w - epsilon weight_decay w - epsilon sign(beta1 m + (1 - beta1) g), then
    m := beta2 m + (1 - beta2) g. Weights and biases both decay.

    Parameters
    ----------
    learning_rate : float, schedule or callable, default 0.0001
        epsilon, above 0.
    beta1, beta2 : float, default 0.9, 0.99
        From 0 to below 1.
    weight_decay : float, default 0.0
        At least 0.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    X. Chen and others, *Symbolic discovery of optimization algorithms*, NeurIPS 2023.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Lion(weight_decay=0.1)
    Lion(learning_rate=0.0001, beta1=0.9, beta2=0.99, weight_decay=0.1)
    """

    learning_rate: float | Schedule = 0.0001
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    method: ClassVar[str] = "lion"
    checks: ClassVar[dict[str, Check]] = {
        "beta1": arguments.below_one,
        "beta2": arguments.below_one,
        "weight_decay": arguments.not_negative,
    }


@dataclass(frozen=True)
class Rprop(_Settings):
    """Rprop: a step size per parameter, adapted by the sign of the gradient.

    It is meant for full batches. If g has the same sign as in the previous step, size := size grow.
    If the sign changed, size := size shrink and this gradient counts as 0. The size stays between
    smallest and largest. Then w := w - sign(g) size.

    Parameters
    ----------
    learning_rate : float, default 0.01
        The size of the first step, above 0. It cannot be a schedule, because the sizes adapt.
    shrink : float, default 0.5
        Between 0 and 1.
    grow : float, default 1.2
        Above 1.
    smallest, largest : float, default 1e-6, 50.0
        The bounds of a size, above 0.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    M. Riedmiller, H. Braun, *A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm*, ICNN 1993. PyTorch's Rprop takes the same steps.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Rprop()
    Rprop(learning_rate=0.01, shrink=0.5, grow=1.2, smallest=1e-06, largest=50.0)
    """

    learning_rate: float = 0.01
    shrink: float = 0.5
    grow: float = 1.2
    smallest: float = 1e-6
    largest: float = 50.0

    method: ClassVar[str] = "rprop"
    checks: ClassVar[dict[str, Check]] = {
        "shrink": arguments.positive,
        "grow": arguments.positive,
        "smallest": arguments.positive,
        "largest": arguments.positive,
    }
    magnitudes: ClassVar[tuple[int, ...]] = (1,)

    def __post_init__(self) -> None:
        self._keep("learning_rate", arguments.positive)
        super().__post_init__()
        if self.shrink >= 1:
            raise ValueError(f"shrink: got {self.shrink}, expected a number between 0 and 1")
        if self.grow <= 1:
            raise ValueError(f"grow: got {self.grow}, expected a finite number above 1")
        if self.smallest > self.largest:
            raise ValueError(f"smallest: got {self.smallest}, expected at most {self.largest}")


def _count(name: str, value: object) -> int:
    return arguments.integer(name, value, least=1, most=2**20)


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS: a quasi-Newton method with a line search, for full batches.

    w := w + a d with d = -H dC/dw, where H approximates the inverse Hessian from the last steps
    and changes of the gradient, and a meets the strong Wolfe conditions (c_1 = 1e-4, c_2 = 0.9).
    It suits small data sets, because every step computes the gradient of all samples at least
    once. An epoch of `train` is one step; the batch holds all samples in their order.

    Parameters
    ----------
    history : int, default 10
        Number of stored steps, at least 1.
    tolerance : float, default 1e-7
        Training ends when no component of the gradient exceeds this, at least 0.
    tolerance_change : float, default 1e-9
        Training also ends when a step reduces the cost C by no more than this times max(1, C).
    evaluations : int, default 25
        The maximum number of gradients per line search.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range.

    Notes
    -----
    D. C. Liu, J. Nocedal, *On the limited memory BFGS method for large scale optimization*,
    Mathematical Programming 45, 1989; J. Nocedal, S. J. Wright, *Numerical Optimization*, 2006,
    algorithms 7.4, 3.5 and 3.6.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 4, 1], activation="tanh", output="logistic", random_state=1)
    >>> lbfgs = rb.LBFGS()
    >>> result = rb.train(net, X, Y, loss="log_loss", optimizer=lbfgs, batch_size=None, epochs=50)
    >>> net.forward(X).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    history: int = 10
    tolerance: float = 1e-7
    tolerance_change: float = 1e-9
    evaluations: int = 25

    method: ClassVar[str] = "lbfgs"
    magnitudes: ClassVar[tuple[int, ...]] = ()
    checks: ClassVar[dict[str, Check]] = {
        "history": _count,
        "tolerance": arguments.not_negative,
        "tolerance_change": arguments.not_negative,
        "evaluations": _count,
    }

    def __post_init__(self) -> None:
        for name, check in self.checks.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))

    def rule(self, regularisation: dict[str, float]) -> OptimizerRule:
        """Return the optimiser in the form that the core accepts.

        Raises
        ------
        ValueError
            A regularisation is set that a line search does not support.
        """
        for name, value in regularisation.items():
            if value > 0 and name not in {"l2", "alpha"}:
                raise ValueError(
                    f"{name}: got {value} with LBFGS, expected 0 or None; use another optimiser"
                )
        settings = {name: float(getattr(self, name)) for name in self.checks}
        return OptimizerRule(self.method, settings, schedules.rule(1.0), regularisation)


Optimizer: TypeAlias = (
    SGD | Adagrad | RMSprop | Adadelta | Adam | AdamW | NAdam | Lion | Rprop | LBFGS
)

OPTIMIZERS: tuple[type[Any], ...] = get_args(Optimizer)


def rule(optimizer: object, regularisation: dict[str, float]) -> OptimizerRule:
    """Return an optimiser in the form that the core accepts.

    Raises
    ------
    TypeError
        `optimizer` is not an optimiser.
    """
    if not isinstance(optimizer, OPTIMIZERS):
        classes = ", ".join(f"rosenblatt.{each.__name__}" for each in OPTIMIZERS)
        raise TypeError(f"optimizer: got {shown(optimizer)}, expected one of {classes}")
    found: OptimizerRule = optimizer.rule(regularisation)
    return found
