"""`fit` by stochastic gradient descent: one call of `rb.train`."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from .._cli.holdout import draw_held_out
from .._optimizer import LBFGS
from .._training.callbacks import callback_list
from .._training.job import TrainingJob
from .._training.train import job_of
from . import _settings
from ._epochs import Rules, Tasks
from ._samples import Samples
from ._threads import thread_count

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may"
    " contain large values and need to be preprocessed."
)

SEEDS = 2**31  # exclusive bound of seeds that a RandomState draws on every platform


class Shuffled:
    """The order of the samples in each epoch, with scikit-learn's draws."""

    def __init__(self, random: np.random.RandomState, n: int) -> None:
        self._random = random
        self._order = np.arange(n)

    def __call__(self, _epoch: int) -> NDArray[np.int64]:
        """Shuffle the order of the last epoch and return it."""
        permutation = np.arange(len(self._order))
        self._random.shuffle(permutation)
        self._order = self._order[permutation]
        return self._order


def fit(
    estimator: Any, samples: Samples, validation: Samples | None, scalings: dict[str, Any]
) -> None:
    """Train an estimator by "sgd", "adam" or an optimiser of rosenblatt.

    `scalings` are the kinds of scalings to fit, as in `rb.train`.

    Raises
    ------
    ValueError
        Training diverged, or the validation set for early stopping is too small.
    """
    used, held_out = split(estimator, samples, validation)
    n_samples = used.X.shape[0]
    Y = estimator._encode(used.y, estimator.loss)
    tasks = Tasks(estimator, samples.X, samples.y, samples.weights)
    rules = Rules(
        estimator,
        _settings.of_optimizer(estimator),
        n_samples=n_samples,
        constant=estimator._constant_of_loss(used.y, used.weights),
        held_out=held_out,
        tasks=tasks,
    )
    training = job_of(
        estimator._network(),
        X=used.X,
        Y=Y,
        loss=estimator.loss,
        optimizer=rules.optimizer(),
        alpha=float(estimator.alpha),
        epochs=min(int(estimator.max_iter), 2**32),
        sample_weight=used.weights,
        dropout=estimator.dropout,
        input_dropout=float(estimator.input_dropout),
        validation=_for_training(estimator, validation),
        callback=[*callback_list("callback", estimator.callback), rules],
        threads=thread_count(estimator.threads),
        remember=True,
        **scalings,
        **_batches(estimator, n_samples),
    )
    estimator.n_iter_ = 0
    with tasks.of_fit():
        if _run(estimator, training, rules):
            remembered = training.memory
            if remembered is not None:  # `partial_fit` continues from it
                estimator._memory = rules.memory(remembered)
        if rules.best_state is not None:
            estimator._net._take_state(rules.best_state)


def _run(estimator: Any, training: TrainingJob, rules: Rules) -> bool:
    """Train; return whether training could continue from the final state.

    Raises
    ------
    ValueError
        Training diverged, and no weights of an earlier epoch are kept.
    """
    try:
        training.run(estimator._net.threads)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    except FloatingPointError as error:
        if rules.best_state is None:
            raise ValueError(f"{NOT_FINITE} ({error})") from None
        warnings.warn(
            f"{NOT_FINITE} ({error}) The weights with the best validation score are kept.",
            ConvergenceWarning,
            stacklevel=2,
        )
        return False
    else:
        _warn_unless_converged(estimator, rules)
    return True


def _batches(estimator: Any, n_samples: int) -> dict[str, Any]:
    if isinstance(estimator.solver, LBFGS):
        return {"batch_size": None, "shuffle": False}
    batch_size = _settings.batch_size_of(estimator, n_samples, stacklevel=3)
    shuffled = estimator.shuffle and Shuffled(estimator._random_state, n_samples)
    return {"batch_size": batch_size, "shuffle": shuffled}


def _for_training(estimator: Any, validation: Samples | None) -> Any:
    if validation is None:
        return None
    estimator.validation_loss_curve_ = estimator.validation_loss_curve_ or []
    return (
        validation.X,
        estimator._encode(validation.y, estimator.loss, "validation[1]"),
        validation.weights,
    )


def _warn_unless_converged(estimator: Any, rules: Rules) -> None:
    if rules.stopped or estimator.n_iter_ < estimator.max_iter:
        return
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter:d}) "
        "reached and the optimization hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=2,
    )


def split(
    estimator: Any, samples: Samples, validation: Samples | None
) -> tuple[Samples, Samples | None]:
    """Return training samples, and validation samples for early stopping.

    The user's validation set is used if there is one; otherwise scikit-learn's split is drawn.

    Raises
    ------
    ValueError
        Fewer than two samples would be held out.
    """
    if not estimator.early_stopping:
        return samples, None
    if validation is not None:
        if is_regressor(estimator) and validation.X.shape[0] < 2:
            raise ValueError(
                "validation: got 1 sample, expected at least 2, because the R² score of one sample "
                "is undefined"
            )
        return samples, validation
    of_training, of_validation = _draw_split(estimator, samples)
    if len(of_validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    held_out = samples.rows(of_validation)
    if held_out.weights is not None and not np.any(held_out.weights):
        raise ValueError(
            "sample_weight: got 0 for every sample held out for early stopping, expected a weight "
            "above 0 for at least one of them"
        )
    return samples.rows(of_training), held_out


def _draw_split(estimator: Any, samples: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the samples to train on and the samples to hold out.

    The draw is scikit-learn's, which stratifies two classes but not more. If a class would have no
    sample to train on, or if stratifying fails because a class has one sample, all classes are
    stratified and each keeps a sample to train on.
    """
    strata = estimator._strata(samples.y)
    random, fraction = estimator._random_state, estimator.validation_fraction
    sizes = np.zeros(0, np.int64) if strata is None else np.bincount(strata)
    stratifies = len(sizes) <= 2
    if not (stratifies and np.any(sizes == 1)):
        training, held_out = train_test_split(
            np.arange(samples.X.shape[0]),
            random_state=random,
            test_size=fraction,
            stratify=strata if stratifies else None,
        )
        if strata is None or len(np.unique(strata[training])) == np.count_nonzero(sizes):
            return training, held_out
    n_held_out = math.ceil(fraction * len(strata))  # as in scikit-learn
    is_held_out = draw_held_out(strata, n_held_out / len(strata), int(random.randint(SEEDS)))
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
