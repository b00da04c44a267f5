"""The settings of one point of a sweep over what is measured of each patch."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import NoiseConfiguration, fields
from noise_models.checks import true_or_false
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from studies.point import PlainData, absolute_path, convolution_field, noise_field

ONCE = ("measured_once", "measured_once_destructive", "optimal")
"""Methods by which a patch is measured without any of the filters."""
EACH = {"each": "destructive", "each_inversion": "inversion"}
"""Methods with a circuit for each filter and shifted angle, and the overlap test of each."""
BOUND, IDEAL = "bound", "ideal"
METHODS = (*ONCE, *EACH, BOUND, IDEAL)
"""Each word means what `MeasuredOncePoint` says."""

_LEAST_TRAINING = 10


@attrs.frozen
class MeasuredOncePoint(PlainData):
    """Settings of one way to measure patches, for several filters and the gradients of each.

    Attributes:
        method: What is run on each patch, and how it is read. "measured_once": the loader alone,
            in 12 random bases, by maximum likelihood; "measured_once_destructive": the destructive
            test with one product state, by maximum likelihood; "optimal": the same counts by linear
            weights that are learned from patches of eight images of the other part of the data.
            "each" and "each_inversion": a destructive or inversion test with each filter, and two
            for each of its angles by the shift rule, all by the plain mean. "bound": the
            Cramer-Rao bound of a noiseless real patch, not for training; "ideal": exact overlaps
            without shots and noise, only for training.
        shots: Shots of each patch in all, for values and gradients together, 1 to 10^12. Each
            circuit has as many as any other of its kind; a remainder is not run.
        share: The part of the shots that "each" and "each_inversion" spend on values, the rest
            goes into gradients; within 0..1. Other methods read both from the same counts.
        filters: How many filters, all of the convolution's kind, with angles drawn at random.
        train: Whether a classifier is trained and tested, or errors are told. In training `shots`
            are those of a patch over all epochs: "measured_once" measures it once, "each" spreads
            them over all circuits of all epochs. In the test a patch has `shots` for its values.
        images: How many images errors are told of, or are trained with.
        test_images: How many images a trained classifier is tested on.
        epochs: Passes over the images of the training.
        batch: Images of a step of the training.
        rate: Adam's learning rate in the training; it falls to 0 along half a cosine.
        split: The part of the data set, "train" or "test", that errors are told of.
        first: Position of the first image in the data set that errors are told of, at least 0.
        assumed_scale: What the rates of the noise are multiplied by where methods measured once
            evaluate counts, at least 0: 1 if they know the noise.
        load_filters: Whether "each" and "each_inversion" load filters as vectors, in fewer gates.
        device: Name of the device to compile for.
        seed: Seed of all random draws besides those that derive from the point, at least 0.
        repeat: Number of the repetition, at least 0: other angles and other shots.
        data: Where the images are, as an absolute path; None for those of the package.
        convolution: The convolution, of one filter with angles.
        noise: The noise.

    Raises:
        InputError: If a value is outside its range.
    """

    name: ClassVar[str] = "measured_once"
    default_filter: ClassVar[str] = "ansatz"

    method: str = fields.one_of(METHODS, default="measured_once")
    shots: int = fields.whole(1, 10**12, default=10_000)
    share: float = fields.real(0.0, 1.0, default=0.5)
    filters: int = fields.whole(1, 1000, default=4)
    train: bool = fields.checked(true_or_false, default=False)
    images: int = fields.whole(1, default=8)
    test_images: int = fields.whole(_LEAST_TRAINING, default=100)
    epochs: int = fields.whole(1, default=5)
    batch: int = fields.whole(1, default=10)
    rate: float = fields.real(1e-6, 10.0, default=0.05)
    split: str = fields.text(default="train")
    first: int = fields.whole(0, default=0)
    assumed_scale: float = fields.real(0.0, 1e6, default=1.0)
    load_filters: bool = fields.checked(true_or_false, default=False)
    device: str = fields.text(default="willow_pink")
    seed: int = fields.whole(0, default=0)
    repeat: int = fields.whole(0, default=0)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    convolution: ConvolutionSpec = convolution_field("ansatz")
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        spec = self.convolution
        if spec.n_filters > 1 or spec.n_parameters == 0:
            raise InputError(
                "the measured_once study takes one filter with angles, of which `filters` are "
                "made: set convolution.filters = {kind = 'ansatz', layers = 3}, say."
            )
        if spec.overlap != ConvolutionSpec().overlap or spec.backward:
            raise InputError(
                "convolution.overlap and convolution.backward are chosen by the method: leave them "
                "out."
            )
        wrong = BOUND if self.train else IDEAL
        if self.method == wrong:
            raise InputError(
                f"method = {wrong!r} has no {'shots to train with' if self.train else 'errors'}: "
                "choose another."
            )
        if self.train and self.images < _LEAST_TRAINING:
            raise InputError(
                f"images = {self.images} are too few to train with: give {_LEAST_TRAINING} or more."
            )

    @property
    def assumed(self) -> NoiseConfiguration:
        """The noise that methods measured once assume."""
        return attrs.evolve(self.noise, scale=self.noise.scale * self.assumed_scale)

    @property
    def spec(self) -> ConvolutionSpec:
        """The convolution with all filters."""
        return attrs.evolve(self.convolution, filters=self.convolution.filter_list * self.filters)
