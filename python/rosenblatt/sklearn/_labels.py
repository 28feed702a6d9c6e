"""Labels: what a classifier's y is to the core, and what its outputs are to the user."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import validate_data

from .. import _weighting
from .._arrays import LABEL_LOSSES
from .._shown import shown
from ._online import Online

MARGINS = ("hinge", "squared_hinge")  # their outputs are scores and no probabilities


class Labelled(ClassifierMixin, Online):
    """An estimator whose targets are classes."""

    classes_: NDArray[Any]
    _label_binarizer: Any

    # ---- Labels that come later

    def _admit(self, X: Any, y: Any) -> Any:
        X = super()._admit(X, y)
        if not self._several_labels:
            self._grow_classes(np.setdiff1d(unique_labels(y), self.classes_))
        return X

    def _grow_classes(self, new: NDArray[Any]) -> None:
        """Admit classes: an output for each; one logistic output becomes those of a softmax."""
        if len(new) == 0:
            return
        before, units = self.classes_, self.n_outputs_
        self.classes_ = np.union1d(before, new)
        self._label_binarizer = LabelBinarizer().fit(self.classes_)
        self.out_activation_ = self._output(self._loss_of_fit)
        # The one output of two classes tells of the second; that of a single class of its absence.
        told = before if units > 1 else before[-1:]
        places = list(np.searchsorted(self.classes_, told))
        if len(self.classes_) == 2:
            places = [0]
        if len(before) == 1 and (len(self.classes_) > 2 or before[0] != self.classes_[0]):
            self._turn_over()
        self._replace([*self._layers[:-1], self._n_units(before, self._loss_of_fit)], places)

    def _turn_over(self) -> None:
        """Let the only output tell of a class that was the only one, and not of its absence."""
        net = self._network()
        net.W[-1] *= -1
        net.b[-1] *= -1
        self._forget()

    def _target_of(self, y: Any) -> Any:
        if self._several_labels:
            row = np.require(y, self._net.dtype, ["C"])
            return 2 * row - 1 if self.loss in MARGINS else row
        classes, loss, targets = self.__dict__.get("_targets_of", (None, None, {}))
        if classes is not self.classes_ or loss is not self.loss:
            targets = dict(zip(self.classes_.tolist(), self._each_encoded(), strict=True))
            self._targets_of = self.classes_, self.loss, targets
        target = targets.get(y)
        if target is None and self.grow:
            self._grow_classes(np.asarray([y]))
            return self._target_of(y)
        if target is None:
            raise ValueError(f"y: got {shown(y)}, needed one of {self.classes_}")
        return target

    def _each_encoded(self) -> list[Any]:
        """Return what each class is to the core: a code, or a row where the loss takes those."""
        encoded = self._encoded(self.classes_, self.loss)
        return encoded.tolist() if encoded.ndim == 1 else list(encoded)

    # ---- Labels

    @property
    def _several_labels(self) -> bool:
        return str(self._label_binarizer.y_type_).startswith("multilabel")

    def _labels_of(self, A: NDArray[Any]) -> NDArray[Any]:
        threshold = 0.0 if self._loss_of_fit in MARGINS else 0.5
        if self._several_labels:
            several: NDArray[Any] = self._label_binarizer.inverse_transform(A, threshold=threshold)
            return several
        codes = A.argmax(axis=1) if self.n_outputs_ > 1 else (A.ravel() > threshold).astype(np.intp)
        labels: NDArray[Any] = self.classes_.take(codes, mode="clip")  # one class has no second
        return labels

    def _validated(
        self, X: Any, y: Any, incremental: bool, reset: bool
    ) -> tuple[Any, NDArray[Any]]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=self._number_types(of_new_network=reset),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_known(y)
        return X, y

    def _check_known(self, y: NDArray[Any]) -> None:
        if not self.warm_start and self._all_known(y):
            return
        classes = unique_labels(y)
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same "
                    "classes as in the previous call to fit. Previously "
                    f"got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _all_known(self, y: NDArray[Any]) -> bool:
        """Whether labels of one kind are classes; it takes no time, and False may be wrong."""
        if self._several_labels or y.ndim != 1 or y.dtype.kind != self.classes_.dtype.kind:
            return False
        places = np.searchsorted(self.classes_, y)
        return bool((self.classes_.take(places, mode="clip") == y).all())

    def _checked_targets(self, y: ArrayLike) -> NDArray[Any]:
        labels: NDArray[Any] = check_array(
            y, ensure_2d=False, accept_sparse="csr", dtype=None, input_name="y"
        )
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = column_or_1d(labels, warn=True)
        unknown = np.setdiff1d(unique_labels(labels), self.classes_)
        if len(unknown):
            raise ValueError(f"y: got {unknown}, needed labels of {self.classes_}")
        return labels

    def _n_units(self, y: NDArray[Any], loss: Any) -> int:
        if self._several_labels or len(self.classes_) > 2:
            return len(self._label_binarizer.classes_)
        return 1

    def _encoded(self, y: NDArray[Any], loss: Any) -> NDArray[Any]:
        named = "log_loss" if callable(loss) else getattr(loss, "name", loss)
        takes_labels = named in LABEL_LOSSES and not callable(loss)
        if not self._several_labels and takes_labels:
            return self._codes(y)
        found = self._label_binarizer.transform(y)
        dense = found.toarray() if hasattr(found, "toarray") else found
        rows: NDArray[Any] = np.require(dense, self._net.dtype, ["C"])
        return 2 * rows - 1 if named in MARGINS else rows

    def _codes(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place in `classes_` of each label of y (n,)."""
        codes: NDArray[np.int64] = np.searchsorted(self.classes_, y).astype(np.int64)
        return codes

    def _output(self, loss: Any) -> str:
        if loss in MARGINS:
            return "identity"
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return self._codes(y) if self.n_outputs_ == 1 else None

    def _class_weights(self, y: NDArray[Any]) -> NDArray[np.float64] | None:
        """Return the weight of each of `classes_`; of 0 and 1 for each of several labels."""
        if self.class_weight is None:
            return None
        if self._several_labels:
            if self.class_weight != "balanced":
                raise ValueError(
                    "class_weight: got a dict with several labels a sample, expected 'balanced' or"
                    " None"
                )
            return np.array([_weighting.balanced(column, 2) for column in _columns(y)])
        if self.class_weight == "balanced":
            return _weighting.balanced(self._codes(y), len(self.classes_))
        return self._named_weights()

    def _named_weights(self) -> NDArray[np.float64]:
        """Return the weights of a mapping; a class that it does not name weighs 1."""
        named = {
            label: _weighting.weight_of_label(label, weight)
            for label, weight in self.class_weight.items()
        }
        known = self.classes_.tolist()
        unknown = [label for label in named if label not in known]
        if unknown and not self.grow and any(label not in named for label in known):
            raise ValueError(
                f"class_weight: got the label {unknown[0]!r}, expected labels of y: {known}"
            )
        return np.array([named.get(label, 1.0) for label in known])

    def _weights(
        self, y: NDArray[Any], sample_weight: Any, of_class: NDArray[np.float64] | None
    ) -> Any:
        if of_class is None:
            return sample_weight
        if self._several_labels:
            own = [of_label[column] for of_label, column in zip(of_class, _columns(y), strict=True)]
            weights = np.prod(own, axis=0)
        else:
            weights = of_class[self._codes(y)]
        if not weights.any():
            raise ValueError(
                "class_weight: got 0 for every label of the samples, expected a weight above 0 for"
                " at least one"
            )
        return weights if sample_weight is None else sample_weight * weights

    def _score_of(self, X: Any, y: NDArray[Any], sample_weight: Any) -> float:
        A = self._outputs(X)
        if not np.isfinite(A).all():
            return float("nan")
        return float(accuracy_score(y, self._labels_of(A), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _columns(y: Any) -> NDArray[np.int64]:
    """Return the labels of several labels a sample, (n_labels, n), as 0 and 1."""
    rows: NDArray[np.int64] = np.asarray(y.toarray() if hasattr(y, "toarray") else y).astype(int)
    return rows.T
