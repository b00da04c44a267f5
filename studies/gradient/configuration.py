"""The settings of one point of a gradient sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import fields
from noise_models.checks import real_number, whole_number
from qucnn_cirq.errors import InputError
from qucnn_cirq.gradient_methods import METHODS
from studies.point import AnsatzPoint

STATES = ("superposition", "mixed", "patch")


def _not_zero(key: str, value: object) -> float:
    upstream = real_number(key, value, -1e6, 1e6)
    if upstream == 0:
        raise InputError(f"{key} = 0 makes every gradient 0: give another number.")
    return upstream


@attrs.frozen
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

    method: str = fields.named(METHODS.check_name, default="in_circuit")
    shots: int = fields.whole(1, default=10_000)
    upstream: float = fields.checked(_not_zero, default=0.5)
    state: str = fields.one_of(STATES, default="superposition")
    draws: int = fields.whole(2, default=20)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        known = METHODS.get(self.method)
        if known is not None and not known.runs_circuits:
            raise InputError(f"method = {self.method!r} runs no circuits: choose another.")
        if self.state == "mixed":
            whole_number("shots", self.shots, self.convolution.n_elements)
        if known is not None and known.takes_reader and not self.convolution.allows_backward:
            raise InputError(
                f"method = {self.method!r} reads the ancilla: set convolution.overlap = 'ancilla'."
            )
