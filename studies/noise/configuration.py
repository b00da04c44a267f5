"""The settings of one point of a noise sweep, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qucnn_cirq.checks import real_number, whole_number
from qucnn_cirq.errors import InputError
from studies.forward.configuration import ForwardPoint

MOST_LOOKS = 40
MOST_SHOTS_OF_A_POINT = 10_000_000


@dataclass(frozen=True)
class NoisePoint(ForwardPoint):
    """Settings of a forward pass under noise, and what is derived from its maps.

    Attributes:
        repeat: Number of the repetition, at least 0: other shots and, for an ansatz, other random
            angles.
        precision: Half the width of the 95 % confidence interval of the mean overlap below which
            no more shots are taken, within 1e-6..0.5; `shots` is then the number of shots of each
            round. None takes one round.
        most_shots: With `precision`, shots a patch after which the point stops anyway.
        classify: Images of the training split, from the first one, whose exact feature maps a
            linear classifier is fitted to; it then reads this point's maps. 0 for none.
        check_fraction: Fraction of the points, chosen by their identity, of which some patches
            are run again as qsim trajectories, within 0..1.
        check_patches: How many patches of such a point.
        check_shots: Trajectories of each, at least 10.
    """

    name: ClassVar[str] = "noise"

    repeat: int = 0
    precision: float | None = None
    most_shots: int = MOST_SHOTS_OF_A_POINT
    classify: int = 0
    check_fraction: float = 0.0
    check_patches: int = 2
    check_shots: int = 400

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, minimum in (
            ("repeat", 0),
            ("most_shots", 1),
            ("classify", 0),
        ):
            object.__setattr__(self, key, whole_number(key, getattr(self, key), minimum))
        if self.precision is not None:
            width = real_number("precision", self.precision, 1e-6, 0.5)
            object.__setattr__(self, "precision", width)
            if self.most_shots < self.shots:
                raise InputError(
                    f"most_shots = {self.most_shots} is less than shots = {self.shots}, the first "
                    "round: give more."
                )
        elif self.most_shots != MOST_SHOTS_OF_A_POINT:
            raise InputError(
                f"most_shots = {self.most_shots} has no effect without a precision: set precision, "
                "or leave it out."
            )
        if 0 < self.classify < 20:
            raise InputError(
                f"classify = {self.classify} is too few to fit a classifier of ten digits: give 0 "
                "or at least 20 images."
            )
