"""How a layer turns counts of all outcomes into overlaps: an estimator and what it assumes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseLike, as_noise
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Variant
from qucnn_cirq.engines import Engine, Streams, Twirl, as_twirl, make_engine, twirled_engine
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.estimators.auto import Auto
from qucnn_cirq.estimators.chain import chain, chain_name
from qucnn_cirq.estimators.estimator import Estimates, Estimator
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.registry import ESTIMATORS

TWIRL = "conjugate"
"""The twirl that is taken where none is named: two circuits where amplitudes are complex."""
_MOST_READINGS = 512
"""Circuits with an own setting of a filter's angles, whose weights are kept."""


class Mitigation:
    """An estimator under the noise that it assumes, with what it found for each circuit.

    Args:
        estimator: What makes values of counts.
        noise: The noise that is assumed, in any form that a layer takes.
        engine: Gives distributions under it: an engine or its name.
        twirl: What the shots of each circuit are shared among: a twirl or its name, "none" for the
            circuit alone. An estimator that does not take one has none.

    Attributes:
        twirl: The twirl; None for none.
        runs_circuits: Whether it runs other circuits than the plain one, see
            `qucnn_cirq.mitigation.CircuitMitigation`.

    Raises:
        InputError: If one of them is something else.
    """

    runs_circuits: ClassVar[bool] = False

    def __init__(
        self,
        estimator: Estimator,
        noise: NoiseLike,
        engine: str | Engine = "exact",
        twirl: str | Twirl | None = TWIRL,
    ) -> None:
        if not isinstance(estimator, Estimator):
            raise InputError(
                f"estimator = {shown(estimator)} is no estimator: give an object of a subclass of "
                "qucnn_cirq.estimators.Estimator."
            )
        self.estimator = estimator
        self.noise = as_noise(noise)
        self.engine = make_engine(engine)
        takes_twirl = estimator.takes_twirl or self.runs_circuits
        self.twirl = as_twirl(twirl) if takes_twirl else None
        self._assumed = twirled_engine(self.engine, self.twirl)
        self._readings: OrderedDict[tuple[Variant, bytes], Reading] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Mitigation], tuple[object, ...]]:
        # A copy has circuits of its own, for which it finds its own readings.
        return type(self), (self.estimator, self.noise, self.engine, self.twirl)

    def __repr__(self) -> str:
        return f"<mitigation by {self.estimator!r}: {self.reason}>"

    @property
    def reason(self) -> str:
        """Which estimators are used, the corrected ones first, and why, in one line."""
        if isinstance(self.estimator, Auto):
            return self.estimator.reason
        return f"{chain_name(self.estimator)}: asked for"

    @property
    def serves_encodings(self) -> bool:
        """As of the estimator; see `Estimator.serves_encodings`."""
        return self.estimator.serves_encodings

    def reading(
        self,
        variant: Variant,
        angles: NDArray[np.float64],
        vector: NDArray[np.complex128],
        compiled: CompiledFilter | None = None,
    ) -> Reading:
        """The reading of a circuit with a setting of its filter; the same object for the same.

        Args:
            variant: The circuit.
            angles: The filter's row of the table "filter", shape (angles,).
            vector: The filter's state, shape (2^n,).
            compiled: The circuits of the filter, of which this is one.
        """
        key = variant, angles.tobytes()
        with self._lock:
            found = self._readings.get(key)
            if found is None:
                found = Reading(variant, angles[None], vector, self.noise, self._assumed, compiled)
                self._readings[key] = found
                if len(self._readings) > _MOST_READINGS:
                    self._readings.popitem(last=False)
            self._readings.move_to_end(key)
        return found

    def measure(
        self,
        reading: Reading,
        states: NDArray[np.float64],
        shots: int | None,
        engine: Engine,
        noise: Noise,
        streams: Streams,
    ) -> Estimates:
        """Overlaps from circuits of its own, where it runs any.

        Args:
            reading: The plain circuit.
            states: What its loader takes of patches, shape (patches, ...): real unit vectors of
                amplitudes.
            shots: Shots of each patch; None for values of infinitely many.
            engine: What runs the circuits.
            noise: The noise that they are run under.
            streams: Random streams, one for each patch.

        Returns:
            Values and variances, each of shape (1, patches).
        """
        raise NotImplementedError(f"{type(self).__name__}.measure")

    def estimate(
        self,
        reading: Reading,
        counts: NDArray[np.int64] | None,
        distributions: NDArray[np.float64] | None,
    ) -> Estimates:
        """Overlaps of patches with the reading's own filter.

        Args:
            reading: The circuit.
            counts: How often each outcome was recorded, shape (patches, outcomes); None for values
                of infinitely many shots.
            distributions: Probabilities in their place, of the same shape.

        Returns:
            Values and variances, each of shape (1, patches).

        Raises:
            InputError: If the estimator gives something else.
        """
        if counts is not None:
            found = self.estimator.estimate(reading, counts)
            return self._checked(found, len(counts))
        assert distributions is not None
        values = self.estimator.limit(reading, distributions)
        return self._checked(Estimates(values, np.zeros(np.shape(values))), len(distributions))

    def _checked(self, found: Estimates, n_patches: int) -> Estimates:
        """Estimates that are no numbers of all patches would be spread over them."""
        is_pair = isinstance(found, tuple) and len(found) == 2
        if not is_pair or any(np.shape(each) != (1, n_patches) for each in found):
            raise InputError(
                f"estimator {self.estimator.name!r} gives {shown(found)}: return "
                f"Estimates(values, variances), each of shape (1, {n_patches})."
            )
        return found


MitigationLike = str | Sequence[str] | Estimator | Mitigation | None
"""What a layer takes as mitigation."""


def as_mitigation(mitigation: MitigationLike, noise: Noise) -> Mitigation | None:
    """A mitigation in any form that a layer takes.

    Args:
        mitigation: The name of an estimator that is made without arguments; several names, in a
            list or joined by "+", each correcting those before it; an estimator; a mitigation; or
            None.
        noise: The noise that is assumed, unless a mitigation says another.

    Returns:
        The mitigation; None for None.

    Raises:
        InputError: If a name is unknown or needs training patches, or what is given is nothing of
            these.
    """
    if mitigation is None or isinstance(mitigation, Mitigation):
        return mitigation
    if isinstance(mitigation, str):
        mitigation = mitigation.split("+")
    if (
        isinstance(mitigation, (list, tuple))
        and mitigation
        and all(isinstance(name, str) for name in mitigation)
    ):
        mitigation = chain(mitigation)
    if not isinstance(mitigation, Estimator):
        raise InputError(
            f"mitigation = {shown(mitigation)} is no estimator: give one of "
            f"{', '.join(ESTIMATORS)}, a list of such names, or an object of a subclass of "
            "qucnn_cirq.estimators.Estimator; chain(names, settings) makes one of several names."
        )
    return Mitigation(mitigation, noise)
