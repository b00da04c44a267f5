"""The settings of one point of a gradient sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qucnn_cirq.checks import real_number, whole_number
from qucnn_cirq.errors import InputError
from qucnn_cirq.gradient_methods import METHODS
from studies.point import AnsatzPoint

STATES = ("superposition", "mixed", "patch")


@dataclass(frozen=True)
class GradientPoint(AnsatzPoint):
    """Settings of gradients of one overlap.

    Attributes:
        method: How the gradient is obtained, see `qucnn_cirq.gradient_methods.METHODS`;
            one of your own is "module:attribute" or "path/to/file.py:attribute".
        shots: Shots of each circuit.
        upstream: The back-propagated value g; not 0.
        state: The data: "superposition" (equal amplitudes), "mixed" (the maximally mixed state, as
            an even mixture of basis states: every gradient is 0), or "patch" (a patch of the
            first handwritten digit).
        draws: Independent gradients from which the error is measured, at least 2.
    """

    name: ClassVar[str] = "gradient"

    method: str = "in_circuit"
    shots: int = 10_000
    upstream: float = 0.5
    state: str = "superposition"
    draws: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        METHODS.check_name(self.method)
        known = METHODS.get(self.method)
        if known is not None and not known.runs_circuits:
            raise InputError(f"method = {self.method!r} runs no circuits: choose another.")
        self._one_of("state", STATES)
        minimum = self.convolution.n_elements if self.state == "mixed" else 1
        object.__setattr__(self, "shots", whole_number("shots", self.shots, minimum))
        object.__setattr__(self, "draws", whole_number("draws", self.draws, minimum=2))
        upstream = real_number("upstream", self.upstream, -1e6, 1e6)
        if upstream == 0:
            raise InputError("upstream = 0 makes every gradient 0: give another number.")
        object.__setattr__(self, "upstream", upstream)
        if known is not None and known.takes_reader and not self.convolution.allows_backward:
            raise InputError(
                f"method = {self.method!r} reads the ancilla: set convolution.overlap = 'ancilla'."
            )
