"""Labels: how a classifier encodes y for the core and decodes the outputs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)

from .._checks import arrays
from .._checks.arrays import LABEL_LOSSES
from .._checks.shown import shown, type_name
from .._training import sample_weights
from . import _growth
from ._checks import check_classes, short_messages, validate
from ._kinds import check_one_kind, positions, widen
from ._online import NEW, Online

MARGINS = ("hinge", "squared_hinge")  # their outputs are scores, not probabilities


class Labelled(ClassifierMixin, Online):
    """Base of the classifier: an estimator whose targets are classes."""

    classes_: NDArray[Any]
    _label_binarizer: Any

    # ---- New labels

    def _begin_targets(self, y: Any, classes: Any) -> None:
        check_one_kind("y", y)
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight: got 'balanced' with partial_fit, which does not see all samples; "
                "expected a dict or None"
            )
        if hasattr(self, "classes_") and np.array_equal(classes, self.classes_):
            return  # the usual call; the classes need not be sorted again
        if self.grow and classes is None and not hasattr(self, "classes_"):
            check_classes(y)
            classes = unique_labels(y)
        check_one_kind("classes", classes)
        with short_messages():
            first = _check_partial_fit_first_call(self, classes)
        if first:
            check_classes(y)
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else self.classes_)

    def _admit(self, X: Any, y: Any) -> Any:
        X = super()._admit(X, y)
        if not self._several_labels:
            labels = np.asarray(y)
            labels = labels.ravel() if labels.ndim == 2 and labels.shape[1] == 1 else labels
            if labels.ndim == 1:
                unknown = labels[positions(self.classes_, labels) < 0]
                self._grow_classes(Counter(unknown.tolist()))
        return X

    def _grow_for(self, n_features: int, labels: list[Any]) -> None:
        super()._grow_for(n_features, labels)
        self._grow_classes(Counter(map(_plain, labels)))

    def _grow_classes(self, new: Counter[Any]) -> None:
        """Add new classes, each with the number of its samples.

        For every input, the initial odds of a new class against all known classes are at most the
        number of its samples divided by the number of all samples seen. With a margin loss, its
        initial score is 1 below the mean of the others.
        """
        if not new:
            return
        known = self.classes_
        self.classes_ = widen(known, list(new))
        self._label_binarizer = LabelBinarizer().fit(self.classes_)
        self.out_activation_ = self._output(self._loss_of_fit)
        has_margin = self._loss_of_fit in MARGINS
        scores = np.zeros(len(self.classes_))
        for place, label in enumerate(self.classes_.tolist()):
            if label in new:
                odds = min(new[label] / max(self.t_, 1), 1.0)
                scores[place] = -1.0 if has_margin else np.log(len(known) * odds)
        outputs = _growth.outputs_of_classes(
            positions(self.classes_, known), scores, share=1.0 if has_margin else 0.5
        )
        self._replace([*self._layers[:-1], len(outputs.shift)], outputs)

    def _target_of(self, y: Any) -> Any:
        if self._several_labels:
            row = arrays.inputs("y", y, self._net.dtype)
            return 2 * row - 1 if self.loss in MARGINS else row
        classes, loss, targets = self.__dict__.get("_targets_of", (None, None, {}))
        if classes is not self.classes_ or loss is not self.loss:
            targets = dict(zip(self.classes_.tolist(), self._encode_classes(), strict=True))
            self._targets_of = self.classes_, self.loss, targets
        try:
            target = targets.get(y)
        except TypeError:
            raise TypeError(f"y: got {type_name(y)}, expected one label") from None
        if target is None:
            target = targets.get(_plain(y))
        if target is not None:
            return target
        if self.grow:
            return NEW
        raise ValueError(f"y: got {shown(y)}, expected one of {shown(self.classes_.tolist())}")

    def _encode_classes(self) -> list[Any]:
        """Return the target of each class: a code, or a row if the loss takes rows."""
        targets = self._encode(self.classes_, self.loss)
        return targets.tolist() if targets.ndim == 1 else list(targets)

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
        labels: NDArray[Any] = self.classes_.take(codes, mode="clip")  # if there is only one class
        return labels

    def _validate(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, NDArray[Any]]:
        check_one_kind("y", y)
        X, y = validate(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=self._number_types(of_new_network=reset),
            reset=reset,
        )
        check_classes(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_known(y, incremental)
        return X, y

    def _check_known(self, y: NDArray[Any], incremental: bool) -> None:
        """Refuse unknown classes, and in a warm start also missing classes."""
        self._check_form(y)
        if incremental and self._all_known(y):
            return
        classes = unique_labels(y)
        if not incremental:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same "
                    "classes as in the previous call to fit. Previously "
                    f"got {shown(self.classes_.tolist())}, `y` has {shown(classes.tolist())}"
                )
        elif y.ndim == 1 or len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {shown(self.classes_.tolist())}. "
                f"'y' has {shown(classes.tolist())}."
            )

    def _check_form(self, y: Any) -> None:
        """Check that y has as many labels per sample as the network."""
        expected = len(self._label_binarizer.classes_) if self._several_labels else None
        got = y.shape[1] if y.ndim == 2 else None
        if got != expected:
            raise ValueError(f"y: got {_form(got)}, expected {_form(expected)} as in the last fit")

    def _all_known(self, y: NDArray[Any]) -> bool:
        """Cheap check: True if all labels are known, False means "ask `unique_labels`"."""
        if self._several_labels or y.ndim != 1:
            return False
        return bool((positions(self.classes_, y) >= 0).all())

    def _check_targets(self, y: ArrayLike) -> NDArray[Any]:
        check_classes(y)
        with short_messages():
            labels: NDArray[Any] = check_array(
                y, ensure_2d=False, accept_sparse="csr", dtype=None, input_name="y"
            )
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = column_or_1d(labels, warn=True)
        self._check_form(labels)
        if labels.ndim == 1:
            unknown = np.unique(labels[positions(self.classes_, labels) < 0])
        else:
            unknown = np.setdiff1d(unique_labels(labels), self.classes_)
        if len(unknown):
            known = self.classes_.tolist()
            raise ValueError(f"y: got {shown(unknown.tolist())}, expected labels of {shown(known)}")
        return labels

    def _n_units(self, y: NDArray[Any], loss: Any) -> int:
        if self._several_labels or len(self.classes_) > 2:
            return len(self._label_binarizer.classes_)
        return 1

    def _encode(self, y: NDArray[Any], loss: Any, name: str = "y") -> NDArray[Any]:
        named = "log_loss" if callable(loss) else getattr(loss, "name", loss)
        takes_labels = named in LABEL_LOSSES and not callable(loss)
        if not self._several_labels and takes_labels:
            return self._codes(y)
        labels = y if self._several_labels else self.classes_[self._codes(y)]
        indicators = self._label_binarizer.transform(labels)
        dense = indicators.toarray() if hasattr(indicators, "toarray") else indicators
        rows: NDArray[Any] = np.require(dense, self._net.dtype, ["C"])
        return 2 * rows - 1 if named in MARGINS else rows

    def _codes(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """Return the position in `classes_` of each label of y (n,)."""
        return positions(self.classes_, y)

    def _output(self, loss: Any) -> str:
        if loss in MARGINS:
            return "identity"
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return None if self._several_labels else self._codes(y)

    def _class_weights(self, y: NDArray[Any]) -> NDArray[np.float64] | None:
        """Return the weight of each class.

        For multilabel targets, those of 0 and 1 for each label.
        """
        if self.class_weight is None:
            return None
        if self._several_labels:
            if self.class_weight != "balanced":
                raise ValueError(
                    "class_weight: got a dict with multilabel targets, expected 'balanced' or None"
                )
            return np.array([sample_weights.balanced(column, 2) for column in _columns(y)])
        if self.class_weight == "balanced":
            return sample_weights.balanced(self._codes(y), len(self.classes_))
        return self._named_weights()

    def _named_weights(self) -> NDArray[np.float64]:
        """Return the weights from a mapping; a class missing from it has weight 1."""
        named = {
            label: sample_weights.weight_of_label(label, weight)
            for label, weight in self.class_weight.items()
        }
        known = self.classes_.tolist()
        unknown = [label for label in named if label not in known]
        if unknown and not self.grow and any(label not in named for label in known):
            raise ValueError(
                f"class_weight: got the label {shown(unknown[0])}, expected labels of y: "
                f"{shown(known)}"
            )
        return np.array([named.get(label, 1.0) for label in known])

    def _weights(
        self, y: NDArray[Any], sample_weight: Any, of_class: NDArray[np.float64] | None
    ) -> Any:
        if of_class is None:
            return sample_weight
        if self._several_labels:
            factors = [of_label[of] for of_label, of in zip(of_class, _columns(y), strict=True)]
            weights = np.prod(factors, axis=0)
        else:
            weights = of_class[self._codes(y)]
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


def _form(n_columns: int | None) -> str:
    return "one label per sample" if n_columns is None else f"{n_columns} columns of labels"


def _plain(label: Any) -> Any:
    """Return a label as a Python scalar."""
    return label.item() if isinstance(label, np.generic) else label


def _columns(y: Any) -> NDArray[np.int64]:
    """Return multilabel targets by label, (n_labels, n), as 0 and 1."""
    rows: NDArray[np.int64] = np.asarray(y.toarray() if hasattr(y, "toarray") else y).astype(int)
    return rows.T
