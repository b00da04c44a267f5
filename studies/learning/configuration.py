"""The settings of one point of a learning sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qucnn_cirq.checks import real_number, whole_number
from qucnn_cirq.errors import InputError
from qucnn_cirq.gradient_methods import METHODS
from studies.point import AnsatzPoint

TARGETS = ("trained", "random")


@dataclass(frozen=True)
class LearningPoint(AnsatzPoint):
    """Settings of one run of gradient ascent on the overlap of filter and target.

    Attributes:
        target: The state to learn: "trained", the kernel of a classical network that comes with
            the package, or "random", a random real vector for each repetition.
        method: How the gradient is obtained, see `qucnn_cirq.gradient_methods.METHODS`;
            "exact" is ideal.
        shots: Shots of each circuit; 0 takes exact (noisy) means.
        iterations: Steps of the optimiser Adam.
        rate: Its learning rate, in radians.
        record: Every how many iterations the fidelity is recorded.
        starts: Random starts of the search for the best fidelity that the ansatz can reach.
    """

    name: ClassVar[str] = "learning"

    target: str = "trained"
    method: str = "exact"
    shots: int = 0
    iterations: int = 100
    rate: float = 0.1
    record: int = 2
    starts: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("target", TARGETS)
        METHODS.check_name(self.method)
        for key, minimum in (("shots", 0), ("iterations", 1), ("record", 1), ("starts", 1)):
            object.__setattr__(self, key, whole_number(key, getattr(self, key), minimum))
        object.__setattr__(self, "rate", real_number("rate", self.rate, 1e-6, 10.0))
        if self.convolution.n_filters != 1:
            raise InputError("the learning study fits one filter: give one in convolution.filters.")
        if self.target == "trained" and self.convolution.kernel != (4, 4):
            raise InputError(
                f"target = 'trained' is a 4x4 kernel and does not fit kernel = "
                f"{self.convolution.kernel}: choose target = 'random'."
            )
        if self.method == "exact" and (self.shots or self.noise.to_mapping()):
            raise InputError(
                "method = 'exact' has neither shots nor noise: choose 'parameter_shift' or another "
                "method that runs circuits."
            )
