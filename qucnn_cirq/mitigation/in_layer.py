"""Methods of mitigation as a layer takes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseLike
from noise_models.registry import made
from qucnn_cirq.engines import Engine, Streams, Twirl, twirled_engine
from qucnn_cirq.errors import InputError, shown, unknown_name
from qucnn_cirq.estimators import (
    ESTIMATORS,
    TWIRL,
    Estimates,
    Mitigation,
    MitigationLike,
    Raw,
    as_mitigation,
)
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.mitigation.method import MitigationMethod
from qucnn_cirq.mitigation.purity import PurityRescaling
from qucnn_cirq.mitigation.registry import METHODS

_MANY = 10**12
"""Shots that stand for infinitely many."""


class CircuitMitigation(Mitigation):
    """A method that runs further circuits, under the noise that it assumes.

    Args:
        method: The method.
        noise: The noise that is assumed, in any form that a layer takes.
        twirl: As for `qucnn_cirq.estimators.Mitigation`, for each of its circuits.

    Raises:
        InputError: If the method is none, or the twirl.
    """

    runs_circuits = True

    def __init__(
        self, method: MitigationMethod, noise: NoiseLike, twirl: str | Twirl | None = TWIRL
    ) -> None:
        if not isinstance(method, MitigationMethod):
            raise InputError(
                f"method = {shown(method)} is no method of mitigation: give an object of a "
                "subclass of qucnn_cirq.mitigation.MitigationMethod."
            )
        super().__init__(Raw(), noise, twirl=twirl)
        self.method = method

    def __reduce__(self) -> tuple[type[CircuitMitigation], tuple[object, ...]]:
        return type(self), (self.method, self.noise, self.twirl)

    @property
    def reason(self) -> str:
        """Which method is used, in one line."""
        return f"{self.method.name}: asked for"

    @property
    def serves_encodings(self) -> bool:
        """As of the method; see `qucnn_cirq.mitigation.MitigationMethod.serves_encodings`."""
        return self.method.serves_encodings

    def measure(
        self,
        reading: Reading,
        states: NDArray[np.float64],
        shots: int | None,
        engine: Engine,
        noise: Noise,
        streams: Streams,
    ) -> Estimates:
        """See `qucnn_cirq.estimators.Mitigation.measure`."""
        twirled = twirled_engine(engine, self.twirl)
        if shots is None:
            # What was measured is predicted where it was, and perhaps by other noise.
            known = replace(reading, engine=twirled) if engine.is_measured else reading
            actual = twirled.predicted_noise(noise)
            found = self.method.moments(known, states, _MANY, actual).values
            return Estimates(found, np.zeros_like(found))
        return self.method.estimate(reading, states, shots, twirled, noise, streams=streams)


def layer_mitigation(
    mitigation: MitigationLike | MitigationMethod, noise: Noise
) -> Mitigation | None:
    """A mitigation in any form that a layer takes.

    Args:
        mitigation: As for `qucnn_cirq.estimators.as_mitigation`; or a method, or the name of one
            that is made without arguments.
        noise: The noise that is assumed, unless a mitigation says another.

    Raises:
        InputError: As `qucnn_cirq.estimators.as_mitigation` does.
    """
    if isinstance(mitigation, str) and mitigation == PurityRescaling.name:
        raise InputError(
            "mitigation = 'purity' needs a circuit of the destructive test as well: give "
            "PurityRescaling(copies), with copies = other.filters[0].variants[0] of such a program."
        )
    if isinstance(mitigation, str) and mitigation in METHODS:
        mitigation = made(f"mitigation = {shown(mitigation)}", METHODS[mitigation])
    is_name = isinstance(mitigation, str) and not set("+:") & set(mitigation)
    if is_name and mitigation not in ESTIMATORS:
        # Estimators and methods alike; chains and names of a file are read below.
        raise unknown_name("mitigation", mitigation, [*ESTIMATORS, *METHODS])
    if isinstance(mitigation, MitigationMethod):
        return CircuitMitigation(mitigation, noise)
    return as_mitigation(mitigation, noise)
