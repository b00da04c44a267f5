"""The settings of one point of a learning sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import fields
from qucnn_cirq.errors import InputError
from qucnn_cirq.gradient_methods import METHODS
from studies.point import AnsatzPoint

TARGETS = ("trained", "random")


@attrs.frozen
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

    target: str = fields.one_of(TARGETS, default="trained")
    method: str = fields.named(METHODS.check_name, default="exact")
    shots: int = fields.whole(0, default=0)
    iterations: int = fields.whole(1, default=100)
    rate: float = fields.real(1e-6, 10.0, default=0.1)
    record: int = fields.whole(1, default=2)
    starts: int = fields.whole(1, default=20)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
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
