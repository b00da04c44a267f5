"""The settings of one point of a trainability sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qucnn_cirq.checks import whole_number
from qucnn_cirq.errors import InputError
from studies.point import AnsatzPoint

DATA = ("isotropic", "patches")


@dataclass(frozen=True)
class TrainabilityPoint(AnsatzPoint):
    """Settings of gradients at random angles.

    Attributes:
        data: "isotropic", random real unit vectors, or "patches" of handwritten digits.
        samples: Random pairs of angles and data, at least 10. With noise each takes two circuits
            a parameter.
    """

    name: ClassVar[str] = "trainability"

    data: str = "isotropic"
    samples: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("data", DATA)
        object.__setattr__(self, "samples", whole_number("samples", self.samples, minimum=10))
        if self.convolution.n_filters != 1:
            raise InputError("the trainability study takes one filter: give one.")
        if self.convolution.channels != 1 and self.data == "patches":
            raise InputError("data = 'patches' are of images with one channel.")
