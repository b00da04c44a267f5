"""The settings of one point of a training sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from qucnn_cirq.checks import real_number
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import XZAnsatz
from studies.point import AnsatzPoint

MODELS = ("quantum", "squared_overlap", "convolution")
REGIMES = ("ideal", "as_run")
_TRAIN, _TEST = 2000, 500


def _default_convolution() -> ConvolutionSpec:
    return ConvolutionSpec(kernel=4, stride=3, filters=[XZAnsatz(layers=3)] * 4)


@dataclass(frozen=True)
class TrainingPoint(AnsatzPoint):
    """Settings of one classifier of handwritten digits: a convolution, then a linear softmax layer.

    Attributes:
        model: "quantum", ansatz filters; "squared_overlap", the fair classical control: squared
            cosines with free real kernels, as many as there are filters; or "convolution", a plain
            convolution with a ReLU.
        images: Training images, from the first one.
        test_images: Test images, from the first one.
        epochs: Passes over the training images.
        batch: Images of a step.
        rate: Adam's learning rate of the filters; it falls to 0 along half a cosine.
        head_rate: That of the linear layer.
        shots: Shots for each patch, filter and shifted circuit; 0 takes exact means. Only for the
            quantum model, as is the noise.
        train: "as_run": trained with the shots and the noise that the test has; "ideal": trained
            without.
        loader: The compiler's loader; "schmidt" has a closed form, which saves solving for angles.
    """

    name: ClassVar[str] = "training"

    model: str = "quantum"
    images: int = 500
    test_images: int = 500
    epochs: int = 10
    batch: int = 25
    rate: float = 0.05
    head_rate: float = 0.05
    shots: int = 0
    train: str = "ideal"
    loader: str = "auto"
    convolution: ConvolutionSpec = field(default_factory=_default_convolution)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("model", MODELS)
        self._one_of("train", REGIMES)
        for key, minimum in (
            ("images", 10),
            ("test_images", 10),
            ("epochs", 1),
            ("batch", 1),
            ("shots", 0),
        ):
            self._whole(key, minimum)
        for key, most in (("images", _TRAIN), ("test_images", _TEST)):
            if getattr(self, key) > most:
                raise InputError(
                    f"{key} = {getattr(self, key)} is more than the {most} that come with the "
                    "package."
                )
        for key in ("rate", "head_rate"):
            object.__setattr__(self, key, real_number(key, getattr(self, key), 1e-6, 10.0))
        if self.model != "quantum" and (self.shots or self.noise.to_mapping()):
            raise InputError(f"model = {self.model!r} has neither shots nor noise: leave them out.")
