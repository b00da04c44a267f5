"""The conventions of scikit-learn's estimators, without scikit-learn."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from noise_models.errors import unknown_name
from qucnn_cirq.arrays import check_finite, real_array
from qucnn_cirq.errors import InputError
from qucnn_cirq.progress import Callback
from qucnn_cirq.threads import single_threaded_blas

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]


class Learner:
    """Settings by name, and what was learnt in attributes that end with an underscore.

    A subclass stores the arguments of its ``__init__`` unchanged under their names and checks them
    when it learns. What `scikit-learn` asks of a foreign class is answered where it is loaded.
    """

    _TYPE: str

    n_features_in_: int

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name.

        Args:
            deep: Without effect, as no setting is an estimator.
        """
        return {name: getattr(self, name) for name in _settings(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Changes settings.

        Args:
            **params: Their new values by name.

        Raises:
            InputError: If there is no such setting.
        """
        names = _settings(type(self))
        for name, value in params.items():
            if name not in names:
                raise unknown_name(f"setting of {type(self).__name__}", name, names)
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if repr(value) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, Tags, TargetTags, TransformerTags

        is_classifier = self._TYPE == "classifier"
        return Tags(
            estimator_type="classifier" if is_classifier else None,
            target_tags=TargetTags(required=is_classifier),
            classifier_tags=ClassifierTags() if is_classifier else None,
            transformer_tags=None if is_classifier else TransformerTags(),
        )

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise _not_fitted(type(self).__name__)

    @contextlib.contextmanager
    def _learning(self) -> Iterator[None]:
        """Whatever ends it early, nobody takes the learner for one that has learnt."""
        self.__dict__.pop("n_features_in_", None)
        try:
            yield
        except BaseException:
            self.__dict__.pop("n_features_in_", None)
            raise

    def _first_features(self, features: npt.ArrayLike) -> Array:
        """Checks the features to learn from, and notes how many there are."""
        given = checked_features(features)
        self.n_features_in_ = given.shape[1]
        return given

    def _further_features(self, features: npt.ArrayLike) -> Array:
        """Checks features once something was learnt."""
        self._check_fitted()
        given = checked_features(features)
        if given.shape[1] != self.n_features_in_:
            raise InputError(
                f"X has {given.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return given


class Classifier(Learner):
    """An estimator that names classes; a subclass defines `_learn` and `_probabilities`.

    Attributes:
        classes_: The classes, ascending, after `fit`.
        n_features_in_: How many features it learnt from.
    """

    _TYPE = "classifier"
    _estimator_type = "classifier"

    classes_: npt.NDArray[Any]

    @single_threaded_blas()
    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, callback: Callback | None = None) -> Self:
        """Learns.

        Args:
            X: Features, shape (samples, features).
            y: The class of each sample, numbers or texts, shape (samples,).
            callback: Is told of each pass over the samples, see `qucnn_cirq.progress`.

        Returns:
            Itself.

        Raises:
            InputError: If a setting, a feature or a class is not allowed.
        """
        with self._learning():
            features = self._first_features(X)
            self.classes_, numbers = _checked_classes(y, len(features))
            self._learn(features, numbers, callback)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """How likely each class is.

        Args:
            X: Features, shape (samples, features).

        Returns:
            Shape (samples, classes); rows add up to 1.
        """
        return self._probabilities(self._further_features(X))

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The likeliest class.

        Args:
            X: Features, shape (samples, features).

        Returns:
            Shape (samples,).
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    def score(self, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """The share of samples that are named right.

        Args:
            X: Features, shape (samples, features).
            y: The right classes, shape (samples,).

        Raises:
            InputError: If classes are missing, or of another kind than those that it learnt.
        """
        found = self.predict(X)
        right = checked_labels(y, len(found))
        if _kind(right) != _kind(self.classes_):
            raise InputError(
                f"y has entries of type {right.dtype}, and {type(self).__name__} learnt classes "
                f"of type {self.classes_.dtype}: give the same kind."
            )
        return float(np.mean(found == right))

    def _learn(self, features: Array, numbers: Numbers, callback: Callback | None) -> None:
        """Learns.

        Args:
            features: Shape (samples, features).
            numbers: The number of each sample's class, shape (samples,).
            callback: Is told of each pass.
        """
        raise NotImplementedError

    def _probabilities(self, features: Array) -> Array:
        raise NotImplementedError


def _settings(kind: type) -> list[str]:
    return [name for name in inspect.signature(kind).parameters if name != "self"]


def checked_features(features: npt.ArrayLike) -> Array:
    """Features as an array, of shape (samples, features), finite and not empty.

    Args:
        features: What a caller gave; a table of pandas is one, too.

    Raises:
        InputError: If they are anything else.
    """
    if hasattr(features, "to_numpy"):
        features = features.to_numpy()
    if hasattr(features, "toarray"):
        raise InputError("X is a sparse matrix: give a dense one, such as X.toarray().")
    kind = getattr(getattr(features, "dtype", None), "kind", None)
    if kind == "c":
        raise InputError("X is complex. Complex data not supported: give real numbers.")
    if kind == "O":
        features = _as_floats(features)
    given = real_array("X", features)
    if given.ndim != 2:
        raise InputError(
            f"X has shape {given.shape}: give (samples, features). Reshape your data, as by "
            "X.reshape(len(X), -1)."
        )
    if not given.shape[0]:
        raise InputError(
            f"X has 0 sample(s) (shape={given.shape}) while a minimum of 1 is required."
        )
    if not given.shape[1]:
        raise InputError(
            f"X has 0 feature(s) (shape={given.shape}) while a minimum of 1 is required."
        )
    check_finite("X has NaN or infinity,", given)
    return given


def _as_floats(features: npt.ArrayLike) -> Array:
    try:
        return np.asarray(features, float)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"X has entries that are no numbers ({error}): give real numbers."
        ) from None


def _checked_classes(y: npt.ArrayLike, samples: int) -> tuple[npt.NDArray[Any], Numbers]:
    """The classes, ascending, and the number of each sample's."""
    given = checked_labels(y, samples)
    classes, numbers = np.unique(given, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"y has 1 class ({classes[0]}): give samples of two classes or more.")
    return classes, numbers


def checked_labels(y: npt.ArrayLike, samples: int) -> npt.NDArray[Any]:
    """Classes as an array, one for each sample, of which any two can be compared.

    Args:
        y: What a caller gave, shape (samples,) or (samples, 1).
        samples: How many samples there are.

    Returns:
        Shape (samples,).

    Raises:
        InputError: If they are anything else.
    """
    if y is None:
        raise InputError("this estimator requires y to be passed, but the target y is None.")
    if np.ma.is_masked(y):
        raise InputError("y has masked entries: leave these samples out.")
    try:
        given = np.asarray(y)
    except ValueError:
        raise InputError(f"y is ragged: X has {samples} samples, give ({samples},).") from None
    if given.shape == (samples, 1):
        given = given[:, 0]
    if given.shape != (samples,):
        raise InputError(f"y has shape {given.shape}: X has {samples} samples, give ({samples},).")
    if given.dtype.kind == "c":
        raise InputError("Unknown label type: y is complex: give numbers or texts.")
    if given.dtype.kind == "O":
        given = _of_one_kind(given)
    if given.dtype.kind == "f":
        check_finite("y has NaN or infinity,", given)
        if (given != np.rint(given)).any():
            raise InputError("Unknown label type: y has fractions: give classes, not amounts.")
    return given


def _of_one_kind(given: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Classes that came as objects: those of numbers become an array of these."""
    if all(isinstance(each, str) for each in given):
        return given
    found = np.asarray(given.tolist())
    if found.dtype.kind not in "biuf":
        kinds = sorted({type(each).__name__ for each in given})
        raise InputError(
            f"y has entries of type {', '.join(kinds)}: give all texts or all numbers, none "
            "missing."
        )
    return found


def _kind(classes: npt.NDArray[Any]) -> str:
    """Classes of another kind are never the same."""
    kind = classes.dtype.kind
    return {"O": "U", **dict.fromkeys("iuf", "b")}.get(kind, kind)


def _not_fitted(name: str) -> InputError:
    said = f"this {name} has not learnt yet: call fit first."
    exceptions = sys.modules.get("sklearn.exceptions")
    if exceptions is None:
        return InputError(said)
    # Only here, as scikit-learn takes a second to import.
    both = type("NotFitted", (InputError, exceptions.NotFittedError), {})
    error: InputError = both(said)
    return error
