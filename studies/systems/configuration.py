"""Settings of a point of the systems study."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from noise_models import NoiseConfiguration, fields
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from studies.point import PlainData, absolute_path, convolution_field, noise_field, twirl_field
from studies.systems.data import ALL, digits_of
from studies.systems.models import SYSTEMS, System
from studies.systems.models.quanvolution import Quanvolution
from studies.training.data import LEAST_IMAGES

_MOST_IMAGES = 10**6


@attrs.frozen
class SystemsPoint(PlainData):
    """Settings of one system, tested with its controls under one noise.

    Attributes:
        system: The word of one of `studies.systems.models.SYSTEMS`, or a table of its kind and its
            settings.
        digits: Two digits or more that are told apart, or "all".
        images: Training images, from the first one, at least 10; those of other digits are left
            out.
        test_images: Test images, likewise.
        data: As for the training study; None for the images that come with the package.
        shots: Shots of each circuit of the test; 0 takes exact means. Models are learnt without
            shots and without noise, whatever the test has.
        twirl: Circuits that do the same without noise, among which the shots of a circuit are
            shared: "conjugate", "pauli", or "none".
        device: Name of the device to compile for.
        seed: Seed of all random draws besides those that derive from the point, at least 0.
        repeat: Number of the start, at least 0: other random circuits, angles and shots.
        check_fraction: Fraction of the points, chosen by their identity, of which some circuits
            are run again on qsim, within 0..1. Points that run none are not checked.
        check_patches: How many patches of the model itself; of the circuits of a twirl up to four.
        check_shots: Shots of each, at least 10.
        convolution: Not used: the system says which.
        noise: The noise of the test.
    """

    name: ClassVar[str] = "systems"

    system: System = fields.checked(lambda _, value: SYSTEMS.read(value), default=Quanvolution())
    digits: tuple[int, ...] = fields.checked(digits_of, default=digits_of("digits", ALL))
    images: int = fields.whole(LEAST_IMAGES, _MOST_IMAGES, default=2000)
    test_images: int = fields.whole(LEAST_IMAGES, _MOST_IMAGES, default=500)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    shots: int = fields.whole(0, default=0)
    twirl: str = twirl_field("none")
    device: str = fields.text(default="willow_pink")
    seed: int = fields.whole(0, default=0)
    repeat: int = fields.whole(0, default=0)
    check_fraction: float = fields.real(0.0, 1.0, default=0.1)
    check_patches: int = fields.whole(0, default=4)
    check_shots: int = fields.whole(10, default=400)
    convolution: ConvolutionSpec = convolution_field("random")
    noise: NoiseConfiguration = noise_field()

    default_filter: ClassVar[str] = "random"
    takes_measurements: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        if self.shots and not self.system.takes_shots:
            raise InputError(
                f"shots = {self.shots} have no effect on {self.system.title}, whose samples have "
                "shots of their own: set system.shots, or leave shots out."
            )

    def to_mapping(self) -> dict[str, Any]:
        """See `PlainData.to_mapping`; the system as a table."""
        mapping = super().to_mapping()
        mapping["study"] |= {"system": self.system.to_mapping(), "digits": list(self.digits)}
        return mapping

    def to_identity(self) -> dict[str, Any]:
        """See `PlainData.to_identity`; the system with all that it is made of."""
        identity = super().to_identity()
        identity["study"]["system"] = self.system.to_mapping()
        return identity
