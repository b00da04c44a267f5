"""The settings of one point of a training sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import fields
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import XZAnsatz
from studies.point import AnsatzPoint, convolution_field

MODELS = ("quantum", "squared_overlap", "convolution")
REGIMES = ("ideal", "as_run")
_TRAIN, _TEST = 2000, 500


_DEFAULT = ConvolutionSpec(kernel=4, stride=3, filters=[XZAnsatz(layers=3)] * 4)


@attrs.frozen
class TrainingPoint(AnsatzPoint):
    """Settings of one classifier of handwritten digits: a convolution, then a linear softmax layer.

    Attributes:
        model: "quantum", ansatz filters; "squared_overlap", the fair classical control: squared
            cosines with free real kernels, as many as there are filters; or "convolution", a plain
            convolution with a ReLU.
        images: Training images, from the first one; 10 to the 2,000 that come with the package.
        test_images: Test images, from the first one; 10 to the 500 of the package.
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

    model: str = fields.one_of(MODELS, default="quantum")
    images: int = fields.whole(10, _TRAIN, default=500)
    test_images: int = fields.whole(10, _TEST, default=500)
    epochs: int = fields.whole(1, default=10)
    batch: int = fields.whole(1, default=25)
    rate: float = fields.real(1e-6, 10.0, default=0.05)
    head_rate: float = fields.real(1e-6, 10.0, default=0.05)
    shots: int = fields.whole(0, default=0)
    train: str = fields.one_of(REGIMES, default="ideal")
    loader: str = fields.text(default="auto")
    convolution: ConvolutionSpec = convolution_field(_DEFAULT)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.model != "quantum" and (self.shots or self.noise.to_mapping()):
            raise InputError(f"model = {self.model!r} has neither shots nor noise: leave them out.")
