"""Estimators by their names, one correcting the other."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.estimators.calibrated import Calibrated, Regression
from qucnn_cirq.estimators.estimator import Estimator, LinearEstimator, Raw
from qucnn_cirq.estimators.optimal import Optimal
from qucnn_cirq.estimators.pauli_weights import PauliWeights
from qucnn_cirq.estimators.registry import ESTIMATORS


def chain(
    names: Sequence[str], settings: Mapping[str, Mapping[str, Any]] | None = None
) -> Estimator:
    """An estimator, corrected by others in turn: ``["mixed", "readout", "two_point"]``.

    Args:
        names: The first may be any estimator; each further one corrects those before it:
            "readout", "two_point" or "regression". Readout comes before the others, which would
            calibrate what it changes afterwards.
        settings: Arguments of the estimators by their names, such as
            ``{"mixed": {"mean_overlap": 0.12}}``.

    Raises:
        InputError: If a name is unknown, settings are for none of them or wrong, or an estimator
            corrects no other.
    """
    given = dict(settings or {})
    if isinstance(names, str) or not names:
        raise InputError(f"names = {shown(names)}: give a list of one or more estimators.")
    check_chain(names)
    unused = [name for name in given if name not in names]
    if unused:
        raise InputError(f"settings for {shown(unused[0])}, which is not among {', '.join(names)}.")
    found: Estimator | None = None
    for name in names:
        kind = ESTIMATORS[name]
        arguments = dict(given.get(name, {}))
        if found is not None:
            arguments["base"] = found
        try:
            found = kind(**arguments)
        except TypeError as error:
            if issubclass(kind, (Optimal, Regression)) and "training" not in arguments:
                raise InputError(
                    f"estimator {name!r} learns from patches whose overlaps are known: give "
                    f"{kind.__name__}(training) in place of its name, or chain(names, settings) "
                    "of several, see docs/estimators.md."
                ) from None
            raise InputError(
                f"estimator {name!r} with the settings {shown(dict(given.get(name, {})))}: {error}."
            ) from None
    assert found is not None
    return found


def chain_name(estimator: Estimator) -> str:
    """The name of an estimator as `chain` takes it, with those that it corrects before it.

    Args:
        estimator: The estimator; the raw one, which all correct, is named where it is alone.
    """
    names, own = [estimator.name], estimator
    while isinstance(own, Calibrated) and not isinstance(own, PauliWeights):
        own = own.base
        names.append(own.name)
    corrected = names[:-1] if isinstance(own, Raw) and len(names) > 1 else names
    return "+".join(reversed(corrected))


def check_chain(names: Sequence[str]) -> None:
    """Refuses estimators that do not go together, without making them.

    Args:
        names: As for `chain`.

    Raises:
        InputError: If a name is unknown, or an estimator corrects no other.
    """
    kinds = [ESTIMATORS[name] for name in names]
    for corrected, kind in itertools.pairwise(kinds):
        if not issubclass(kind, Calibrated) or issubclass(kind, PauliWeights):
            raise InputError(f"estimator {kind.name!r} corrects no other one: name it first.")
        if not issubclass(corrected, LinearEstimator):
            raise InputError(f"estimator {corrected.name!r} is not linear: nothing corrects it.")
