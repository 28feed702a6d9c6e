"""Update: how a gradient becomes a step, by gradient descent or another rule.

Every rule is a frozen record of settings with three functions. `states` returns the initial state
variables of a parameter. `numbers` returns the numbers that a step computes once, in float64, and
rounds to T. `step` returns the new weight from the old one, its gradient and its states, and
changes the states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import copysign, isnan, sqrt
from typing import Any

from .arithmetic import Float64, NumberType
from .backward import Derivatives
from .layers import Layers
from .math import exp, flush
from .schedule import Schedule, build_schedule, end_epoch
from .theta import Matrix, flatten

LN_0_96 = -0.040821994520255166  # the momentum of NAdam grows as 1 - 0.96^t / 2


@dataclass
class Counters:
    """Counters that determine the numbers of a step."""

    steps: int = 0
    epochs: int = 0
    beta1_power: float = 1.0  # beta1^steps, by multiplying
    beta2_power: float = 1.0
    momentum_product: float = 1.0


Numbers = dict[str, float]


def sign(x: float) -> float:
    """Return 1, -1, or x if it is 0 or a NaN."""
    return copysign(1.0, x) if x > 0 or x < 0 else x


def moving_mean(T: NumberType, beta: float, mean: float, x: float) -> float:
    """Return beta mean + x, or 0 for a subnormal result."""
    return flush(T, T.fma(beta, mean, x))


def moving_mean_square(T: NumberType, beta: float, rest: float, mean: float, x: float) -> float:
    """Return beta mean + rest x^2, or 0 for a subnormal result."""
    return flush(T, T.fma(T.round(rest * x), x, T.round(beta * mean)))


def root(T: NumberType, x: float) -> float:
    """Return the square root of x >= 0, or a NaN of one."""
    return x if isnan(x) else T.round(sqrt(x))


def divide(T: NumberType, x: float, d: float) -> float:
    """Return x / d for d > 0, or a NaN of one."""
    return T.round(x / d)


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent.

    `momentum` is the fraction of the last step that is kept (Polyak 1964). With `nesterov` the step
    looks ahead along the velocity (Nesterov 1983, in the form of Sutskever et al. 2013); without
    momentum, `nesterov` has no effect.
    """

    learning_rate: Schedule = 0.01  # epsilon
    momentum: float = 0.0
    nesterov: bool = False

    def states(self, T: NumberType) -> list[float]:
        """Return the velocity."""
        return [0.0]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step."""
        return {"rate": T.round(rate), "momentum": T.round(self.momentum)}

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        rate, momentum = k["rate"], k["momentum"]
        if momentum == 0:
            return T.fma(-rate, dw, w)
        s[0] = T.fma(-rate, dw, T.round(momentum * s[0]))
        if self.nesterov:
            return T.round(w + T.fma(-rate, dw, T.round(momentum * s[0])))
        return T.round(w + s[0])


@dataclass(frozen=True)
class Adagrad:
    """The gradient over the root of the sum of its squares.

    Duchi, Hazan, Singer 2011.
    """

    learning_rate: Schedule = 0.01
    initial_sum: float = 0.0
    eps: float = 1e-10

    def states(self, T: NumberType) -> list[float]:
        """Return the sum of the squares."""
        return [T.round(self.initial_sum)]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step."""
        return {"rate": T.round(rate), "eps": T.round(self.eps)}

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        s[0] = T.fma(dw, dw, s[0])
        return T.fma(-k["rate"], divide(T, dw, T.round(root(T, s[0]) + k["eps"])), w)


@dataclass(frozen=True)
class RMSprop:
    """The gradient over the root of its mean square.

    Tieleman, Hinton 2012; centered: Graves 2013.
    """

    learning_rate: Schedule = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    centered: bool = False

    def states(self, T: NumberType) -> list[float]:
        """Return the mean square, the mean, the velocity."""
        return [0.0, 0.0, 0.0]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step."""
        return {
            "rate": T.round(rate),
            "alpha": T.round(self.alpha),
            "rest": T.round(1 - self.alpha),
            "eps": T.round(self.eps),
            "momentum": T.round(self.momentum),
        }

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        s[0] = square = moving_mean_square(T, k["alpha"], k["rest"], s[0], dw)
        if self.centered:
            s[1] = moving_mean(T, k["alpha"], s[1], T.round(k["rest"] * dw))
            square = T.fma(-s[1], s[1], square)
            square = 0.0 if square < 0 else square
        q = divide(T, dw, T.round(root(T, square) + k["eps"]))
        if k["momentum"] == 0:
            return T.fma(-k["rate"], q, w)
        s[2] = moving_mean(T, k["momentum"], s[2], q)
        return T.fma(-k["rate"], s[2], w)


@dataclass(frozen=True)
class Adadelta:
    """The gradient in the unit of the parameter (Zeiler 2012)."""

    learning_rate: Schedule = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    def states(self, T: NumberType) -> list[float]:
        """Return the mean squares of the gradient and of the step."""
        return [0.0, 0.0]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step."""
        return means(T, 0.0, self.rho, self.eps) | {"rate": T.round(rate)}

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        s[0] = moving_mean_square(T, k["beta2"], k["rest2"], s[0], dw)
        size, unit = (root(T, T.round(square + k["eps"])) for square in s)
        q = T.round(divide(T, unit, size) * dw)
        s[1] = moving_mean_square(T, k["beta2"], k["rest2"], s[1], q)
        return T.fma(-k["rate"], q, w)


def means(T: NumberType, beta1: float, beta2: float, eps: float) -> Numbers:
    """Return the numbers shared by the rules with a mean and a mean square."""
    return {
        "beta1": T.round(beta1),
        "rest1": T.round(1 - beta1),
        "beta2": T.round(beta2),
        "rest2": T.round(1 - beta2),
        "eps": T.round(eps),
    }


@dataclass(frozen=True)
class Adam:
    """The mean of the gradient over the root of its mean square (Kingma, Ba 2015).

    `amsgrad` divides by the largest mean square so far (Reddi, Kale, Kumar 2018). With `eps_hat`,
    eps is added before the bias correction, as at the end of section 2 of the paper.
    """

    learning_rate: Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    amsgrad: bool = False
    eps_hat: bool = False
    weight_decay: float = field(default=0.0, init=False)

    def states(self, T: NumberType) -> list[float]:
        """Return the mean, the mean square and the largest mean square so far."""
        return [0.0, 0.0, 0.0]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step, which correct the bias of means that start at 0."""
        counters.beta1_power = counters.beta1_power * self.beta1
        counters.beta2_power = counters.beta2_power * self.beta2
        corrected = rate / (1 - counters.beta1_power)
        correction = 1 / sqrt(1 - counters.beta2_power)
        if self.eps_hat:
            corrected, correction = corrected * sqrt(1 - counters.beta2_power), 1.0
        return means(T, self.beta1, self.beta2, self.eps) | {
            "rate": T.round(corrected),
            "decay": T.round(rate * self.weight_decay),
            "correction": T.round(correction),
        }

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        s[0] = moving_mean(T, k["beta1"], s[0], T.round(k["rest1"] * dw))
        s[1] = square = moving_mean_square(T, k["beta2"], k["rest2"], s[1], dw)
        if self.amsgrad:
            s[2] = square = square if square > s[2] else s[2]
        d = T.fma(root(T, square), k["correction"], k["eps"])
        return T.fma(-k["rate"], divide(T, s[0], d), T.fma(-k["decay"], w, w))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019)."""

    weight_decay: float = 0.01


@dataclass(frozen=True)
class NAdam:
    """Adam with Nesterov momentum (Dozat 2016)."""

    learning_rate: Schedule = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 0.004

    def states(self, T: NumberType) -> list[float]:
        """Return the mean, the mean square."""
        return [0.0, 0.0]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step."""
        now, after = self.momentum(counters.steps), self.momentum(counters.steps + 1)
        counters.momentum_product = product = counters.momentum_product * now
        counters.beta2_power = counters.beta2_power * self.beta2
        return means(T, self.beta1, self.beta2, self.eps) | {
            "direct": T.round(rate * (1 - now) / (1 - product)),
            "rate": T.round(rate * after / (1 - product * after)),
            "correction": T.round(1 / sqrt(1 - counters.beta2_power)),
        }

    def momentum(self, t: int) -> float:
        """Return the momentum of step t, counted from 1."""
        return self.beta1 * (1 - 0.5 * exp(Float64, LN_0_96 * (t * self.momentum_decay)))

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        s[0] = moving_mean(T, k["beta1"], s[0], T.round(k["rest1"] * dw))
        s[1] = moving_mean_square(T, k["beta2"], k["rest2"], s[1], dw)
        d = T.fma(root(T, s[1]), k["correction"], k["eps"])
        return T.round(w - divide(T, T.fma(k["direct"], dw, T.round(k["rate"] * s[0])), d))


@dataclass(frozen=True)
class Lion:
    """Steps in the direction of the sign of a mean (Chen and others 2023)."""

    learning_rate: Schedule = 0.0001
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    def states(self, T: NumberType) -> list[float]:
        """Return the mean."""
        return [0.0]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step."""
        return means(T, self.beta1, self.beta2, 0.0) | {
            "rate": T.round(rate),
            "decay": T.round(rate * self.weight_decay),
        }

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        c = T.fma(k["beta1"], s[0], T.round(k["rest1"] * dw))
        s[0] = moving_mean(T, k["beta2"], s[0], T.round(k["rest2"] * dw))
        return T.fma(-k["rate"], sign(c), T.fma(-k["decay"], w, w))


@dataclass(frozen=True)
class Rprop:
    """A step size per parameter, without weight backtracking.

    Riedmiller, Braun 1993.
    """

    learning_rate: float = 0.01
    shrink: float = 0.5
    grow: float = 1.2
    smallest: float = 1e-6
    largest: float = 50.0

    def states(self, T: NumberType) -> list[float]:
        """Return the sign of the last gradient, the size of the step."""
        return [0.0, T.round(self.learning_rate)]

    def numbers(self, T: NumberType, rate: float, counters: Counters) -> Numbers:
        """Return the numbers of a step."""
        names = ("shrink", "grow", "smallest", "largest")
        return {name: T.round(getattr(self, name)) for name in names}

    def step(self, T: NumberType, k: Numbers, dw: float, s: list[float], w: float) -> float:
        """Return the new weight."""
        direction = sign(dw)
        agreement = direction * s[0]
        size = s[1]
        if agreement > 0:
            size = T.round(size * k["grow"])
        elif agreement < 0:
            size = T.round(size * k["shrink"])
        s[1] = min(max(size, k["smallest"]), k["largest"])
        s[0] = 0.0 if agreement < 0 else direction
        return T.fma(0.0 - s[0], s[1], w)


Optimizer = SGD | Adagrad | RMSprop | Adadelta | Adam | NAdam | Lion | Rprop


@dataclass(frozen=True)
class Regularisation:
    """Penalties, gradient clipping, max-norm and averaging; 0 disables each of them."""

    l1: float = 0.0  # adds l1 sum |w| to the cost, over the weights without the biases
    l2: float = 0.0  # adds l2 / 2 sum w^2
    alpha: float = 0.0  # adds alpha / 2 sum w^2, divided by the sum of the sample weights
    clip_norm: float = 0.0  # the maximum norm of the gradient
    clip_value: float = 0.0  # the maximum absolute value of a component of the gradient
    max_norm: float = 0.0  # the maximum norm of the weights into a unit
    max_weight: float = 0.0  # the maximum absolute value of a weight
    ema: float = 0.0  # the decay of the moving average of the parameters


class Descent:
    """An optimiser for a network, with its states and counters."""

    def __init__(
        self,
        net: Layers,
        optimizer: Optimizer,
        regularisation: Regularisation = Regularisation(),
    ) -> None:
        self.net = net
        self.optimizer: Any = optimizer
        self.regularisation = regularisation
        self.schedule = build_schedule(optimizer.learning_rate)
        self.rate = 0.0  # of the last step
        self.counters = Counters()
        self.states = [optimizer.states(net.T) for _ in range(net.n_params)]
        self.average: list[float] | None = [0.0] * net.n_params if regularisation.ema else None

    def update(self, derivatives: Derivatives, weight_of_batch: float) -> None:
        """Take one step for every parameter."""
        net, T, optimizer = self.net, self.net.T, self.optimizer
        t = self.counters.epochs if self.schedule.per == "epoch" else self.counters.steps
        self.rate = self.schedule.rate(t)
        self.counters.steps += 1
        k = optimizer.numbers(T, self.rate, self.counters)
        theta = net.theta
        for i, dw in enumerate(self.adjust(derivatives, weight_of_batch)):
            theta[i] = optimizer.step(T, k, dw, self.states[i], theta[i])
        net.theta = theta
        if self.regularisation.max_norm:
            net.W = [limit_norms(T, W, self.regularisation.max_norm) for W in net.W]
        if self.regularisation.max_weight:
            most = T.round(self.regularisation.max_weight)
            net.W = [[[min(max(w, -most), most) for w in row] for row in W] for W in net.W]
        if self.average is not None:
            rest = 1.0 if self.counters.steps == 1 else T.round(1 - self.regularisation.ema)
            pairs = zip(self.average, net.theta, strict=True)
            self.average = [T.fma(rest, T.round(w - m), m) for m, w in pairs]

    def adjust(self, derivatives: Derivatives, weight_of_batch: float) -> list[float]:
        """Return the gradient in the order of theta, with penalties and clipping."""
        net, T, of = self.net, self.net.T, self.regularisation
        l1 = T.round(of.l1)
        l2 = T.round(of.l2 + of.alpha / weight_of_batch if of.alpha else of.l2)
        dW: Sequence[Matrix] = derivatives.dW
        if l1 > 0 or l2 > 0:
            dW = [add_penalty(T, l1, l2, W, G) for W, G in zip(net.W, dW, strict=True)]
        grad = flatten(dW, derivatives.db, derivatives.dg)
        if of.clip_norm:
            norm = norm_of_gradient(dW, derivatives.db, derivatives.dg)
            if norm > of.clip_norm:
                scale = T.round(of.clip_norm / norm)
                grad = [T.round(scale * g) for g in grad]
        if of.clip_value:
            limit = T.round(of.clip_value)
            grad = [limit if g > limit else -limit if g < -limit else g for g in grad]
        return grad

    def penalty(self) -> float:
        """Return alpha / 2 sum w^2: one chain per unit, added up layer by layer."""
        total = 0.0
        for W in self.net.W:
            for row in W:
                total = total + sum_of_squares(row)
        return 0.5 * self.regularisation.alpha * total

    def end_epoch(self, loss: float) -> None:
        """End an epoch; `loss` is the validation loss if there is one."""
        self.counters.epochs += 1
        end_epoch(self.schedule, loss)


def add_penalty(T: NumberType, l1: float, l2: float, W: Matrix, dW: Matrix) -> Matrix:
    """Return dW + l2 W + l1 sign(W), (n_out, n_in)."""
    return [
        [T.fma(l1, sign(w), T.fma(l2, w, g)) for w, g in zip(w_row, g_row, strict=True)]
        for w_row, g_row in zip(W, dW, strict=True)
    ]


def sum_of_squares(numbers: Sequence[float]) -> float:
    """Return the sum of squares, a chain in float64."""
    total = 0.0
    for x in numbers:
        total = Float64.fma(x, x, total)
    return total


def norm_of_gradient(
    dW: Sequence[Matrix], db: Sequence[list[float]], dg: Sequence[list[float]]
) -> float:
    """Return the norm of the whole gradient.

    It has one chain per unit, added up layer by layer.
    """
    total = 0.0
    for dW_layer, db_layer, dg_layer in zip(dW, db, dg, strict=True):
        for j, (dW_j, db_j) in enumerate(zip(dW_layer, db_layer, strict=True)):
            total = total + sum_of_squares([*dW_j, db_j, *dg_layer[j : j + 1]])
    return sqrt(total)


def limit_norms(T: NumberType, W: Matrix, most: float) -> Matrix:
    """Return W, (n_out, n_in), with rows whose norm is at most `most` up to rounding."""
    rows = []
    for row in W:
        norm = sqrt(sum_of_squares(row))
        factor = T.round(most / norm) if norm > most else 1.0
        rows.append([T.round(w * factor) for w in row])
    return rows
