"""The settings of one point of a loading sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import NoiseConfiguration, as_noise, fields
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from studies.point import PlainData, absolute_path, convolution_field, noise_field


@attrs.frozen
class LoadingPoint(PlainData):
    """Settings of the patches of some images, loaded within one budget.

    Attributes:
        images: How many images, at least 2.
        split: The part of the data set, "train" or "test".
        first: Position of the first image in the data set, at least 0.
        device: Name of the device to compile for.
        gate_set: The native two-qubit gate; None takes the device's first.
        infidelity: Largest infidelity of a loaded patch, within 0..1; 0 is exact loading. Or
            "auto": for each patch what is best under the noise.
        check_fraction: Fraction of the points, chosen by their identity, of which some patches
            are run again as qsim trajectories, within 0..1.
        check_patches: How many patches of such a point.
        check_shots: Trajectories of each, at least 10.
        data: Where the images are, as an absolute path; None for those of the package.
        convolution: The convolution; without filters, the package's 4x4 kernel.
        noise: The noise, which must not be absent.

    Raises:
        InputError: If a value is outside its range.
    """

    name: ClassVar[str] = "loading"

    images: int = fields.whole(2, default=16)
    split: str = fields.text(default="train")
    first: int = fields.whole(0, default=0)
    device: str = fields.text(default="willow_pink")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    infidelity: float | str = fields.real(0.0, 1.0, beside=("auto",), default=0.0)
    check_fraction: float = fields.real(0.0, 1.0, default=1.0)
    check_patches: int = fields.whole(0, default=1)
    check_shots: int = fields.whole(10, default=400)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    convolution: ConvolutionSpec = convolution_field()
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.backward:
            raise InputError("convolution.backward = true is not possible here: leave it out.")
        if self.convolution.n_parameters:
            raise InputError("the loading study takes fixed filters: an ansatz has parameters.")
        if as_noise(self.noise).is_ideal:
            raise InputError(
                "the loading study weighs loaders under noise: give a table [noise], such as "
                "depolarizing = { p1 = 0.001, p2 = 0.005 }."
            )
