"""The settings of one point of a trainability sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import fields
from qucnn_cirq.errors import InputError
from studies.point import AnsatzPoint

DATA = ("isotropic", "patches")


@attrs.frozen
class TrainabilityPoint(AnsatzPoint):
    """Settings of gradients at random angles.

    Attributes:
        data: "isotropic", random real unit vectors, or "patches" of handwritten digits.
        samples: Random pairs of angles and data, at least 10. With noise each takes two circuits
            a parameter.
    """

    name: ClassVar[str] = "trainability"

    data: str = fields.one_of(DATA, default="isotropic")
    samples: int = fields.whole(10, default=500)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.convolution.n_filters != 1:
            raise InputError("the trainability study takes one filter: give one.")
        if self.convolution.channels != 1 and self.data == "patches":
            raise InputError("data = 'patches' are of images with one channel.")
