"""Estimators by their names, one correcting the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.estimators.calibrated import Calibrated
from qucnn_cirq.estimators.estimator import Estimator, LinearEstimator
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
    unused = [name for name in given if name not in names]
    if unused:
        raise InputError(f"settings for {shown(unused[0])}, which is not among {', '.join(names)}.")
    found: Estimator | None = None
    for name in names:
        kind = ESTIMATORS[name]
        arguments = dict(given.get(name, {}))
        if found is not None:
            if not issubclass(kind, Calibrated) or issubclass(kind, PauliWeights):
                raise InputError(f"estimator {name!r} corrects no other one: name it first.")
            if not isinstance(found, LinearEstimator):
                raise InputError(f"estimator {found.name!r} is not linear: nothing corrects it.")
            arguments["base"] = found
        try:
            found = kind(**arguments)
        except TypeError as error:
            raise InputError(
                f"estimator {name!r} with the settings {shown(dict(given.get(name, {})))}: {error}."
            ) from None
    assert found is not None
    return found
