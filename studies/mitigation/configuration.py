"""The settings of one point of a mitigation sweep."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from noise_models import Noise, NoiseConfiguration, as_noise, fields
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.estimators import TWIRL
from studies.mitigation.methods import check_method
from studies.point import PlainData, absolute_path, convolution_field, noise_field, twirl_field


def _assumed(key: str, value: object) -> NoiseConfiguration | None:
    if value is None:
        return None
    configuration = as_noise(value).configuration  # type: ignore[arg-type]
    if configuration is None:
        raise InputError(f"{key} = {shown(value)} is a noise model: give noise as plain data.")
    return configuration


@attrs.frozen
class MitigationPoint(PlainData):
    """Settings of one method on the patches of some images.

    Attributes:
        images: How many images, at least 2.
        training: How many of them, the first ones, are learned from, at least 1; the others are
            tested.
        split: The part of the data set, "train" or "test".
        first: Position of the first image in the data set, at least 0.
        method: An estimator's name or several joined by "+", each correcting those before it; a
            mitigation method that runs further circuits; or "bound", the Cramer-Rao bound of a
            noiseless real state. See `qucnn_cirq.mitigation.METHODS`.
        shots: Shots for each patch in all, over all circuits of the method, 1 to 10^12.
        calibration_shots: Shots of each calibration circuit of a method that has any; 0 for exact
            means.
        assumed: The noise that the method assumes, in any form that noise has in a configuration;
            None for the noise that there is.
        assumed_scale: What the rates of the assumed noise are multiplied by, at least 0.
        seed: Seed of the shots of what has no exact variance, and of calibrations, at least 0.
        device: Name of the device to compile for.
        twirl: Circuits that do the same without noise, among which the shots of a circuit are
            shared: "conjugate", "pauli", or "none". The method "raw" has none.
        loader: The compiler's loader, or "auto".
        gate_set: The native two-qubit gate; None takes the device's first.
        placement: Where the circuits must be, as text for the argument of
            `qucnn_cirq.compile_convolution` of that name: "2_1 2_2 3_1" for qubits to choose
            from, or "data = 2_1 2_2, filter = 3_1 3_2"; None leaves it to the compiler.
        data: Where the images are, as an absolute path; None for those of the package.
        convolution: The convolution, of one filter; without filters, the package's 4x4 kernel.
        noise: The noise.

    Raises:
        InputError: If a value is outside its range.
    """

    name: ClassVar[str] = "mitigation"

    images: int = fields.whole(2, default=16)
    training: int = fields.whole(1, default=8)
    split: str = fields.text(default="train")
    first: int = fields.whole(0, default=0)
    method: str = fields.named(check_method, default="raw")
    shots: int = fields.whole(1, 10**12, default=10_000)
    calibration_shots: int = fields.whole(0, 10**9, default=0)
    assumed: NoiseConfiguration | None = fields.checked(_assumed, default=None)
    assumed_scale: float = fields.real(0.0, 1e6, default=1.0)
    seed: int = fields.whole(0, default=0)
    device: str = fields.text(default="willow_pink")
    twirl: str = twirl_field(TWIRL)
    loader: str = fields.text(default="auto")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    placement: str | None = fields.text(beside=(None,), default=None)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    convolution: ConvolutionSpec = convolution_field()
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.backward:
            raise InputError("convolution.backward = true is not possible here: leave it out.")
        if self.convolution.n_filters > 1 or self.convolution.n_parameters:
            raise InputError(
                "the mitigation study takes one filter without parameters: set "
                "convolution.filters to one fixed kernel or circuit."
            )
        if self.training >= self.images:
            raise InputError(
                f"training = {self.training} of images = {self.images} leaves none to be tested: "
                "use fewer."
            )
        # Refuses rates that are scaled beyond 1.
        _ = self.assumed_noise

    def to_mapping(self) -> dict[str, Any]:
        """See `PlainData.to_mapping`; the assumed noise as a table."""
        mapping = super().to_mapping()
        if self.assumed is not None:
            mapping["study"]["assumed"] = self.assumed.to_mapping()
        return mapping

    def to_identity(self) -> dict[str, Any]:
        """See `PlainData.to_identity`; the assumed noise as a table."""
        identity = super().to_identity()
        if self.assumed is not None:
            identity["study"]["assumed"] = self.assumed.to_mapping()
        return identity

    @property
    def assumed_noise(self) -> Noise:
        """The noise that the method assumes."""
        assumed = self.noise if self.assumed is None else self.assumed
        if self.assumed_scale == 1:
            return as_noise(assumed)
        return as_noise(attrs.evolve(assumed, scale=assumed.scale * self.assumed_scale))
