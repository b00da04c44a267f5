"""The settings of one point of a noise sweep, as plain data."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import fields
from qucnn_cirq.errors import InputError
from studies.forward.configuration import ForwardPoint

MOST_LOOKS = 40
MOST_SHOTS_OF_A_POINT = 10_000_000


@attrs.frozen
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
            are run again on qsim, within 0..1.
        check_patches: How many patches of such a point.
        check_shots: Shots of each, at least 10.
    """

    name: ClassVar[str] = "noise"

    repeat: int = fields.whole(0, default=0)
    precision: float | None = fields.real(1e-6, 0.5, beside=(None,), default=None)
    most_shots: int = fields.whole(1, default=MOST_SHOTS_OF_A_POINT)
    classify: int = fields.whole(0, default=0)
    check_fraction: float = fields.real(0.0, 1.0, default=0.0)
    check_patches: int = fields.whole(0, default=2)
    check_shots: int = fields.whole(10, default=400)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.keep_outcomes:
            raise InputError(
                "keep_outcomes = true is for the forward study: a noise study keeps counts of the "
                "observable alone."
            )
        if self.precision is not None:
            if self.mitigation is not None:
                raise InputError(
                    "precision looks at the mean of the observable, of which mitigation makes "
                    "another one: set shots instead, or leave mitigation out."
                )
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
