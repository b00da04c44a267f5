"""The settings of one point of a loading sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq.checks import real_number, whole_number
from qucnn_cirq.configuration import read_convolution
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from studies.crosscheck import read_check_settings
from studies.point import PlainData


@dataclass(frozen=True)
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

    images: int = 16
    split: str = "train"
    first: int = 0
    device: str = "willow_pink"
    gate_set: str | None = None
    infidelity: float | str = 0.0
    check_fraction: float = 1.0
    check_patches: int = 1
    check_shots: int = 400
    data: str | None = None
    convolution: ConvolutionSpec = field(default_factory=lambda: read_convolution({}))
    noise: NoiseConfiguration = NoiseConfiguration()

    def __post_init__(self) -> None:
        for key, minimum in (("images", 2), ("first", 0)):
            object.__setattr__(self, key, whole_number(key, getattr(self, key), minimum))
        for key in ("split", "device", "gate_set", "data"):
            value = getattr(self, key)
            if not (isinstance(value, str) or (value is None and key in ("gate_set", "data"))):
                raise InputError(f"{key} = {value!r} is not allowed: give a text.")
        read_check_settings(self)
        if self.infidelity != "auto":
            budget = real_number("infidelity", self.infidelity, minimum=0.0, maximum=1.0)
            object.__setattr__(self, "infidelity", budget)
        if self.data is not None:
            object.__setattr__(self, "data", str(Path(self.data).expanduser().absolute()))
        if self.convolution.backward:
            raise InputError("convolution.backward = true is not possible here: leave it out.")
        if self.convolution.n_parameters:
            raise InputError("the loading study takes fixed filters: an ansatz has parameters.")
        if as_noise(self.noise).is_ideal:
            raise InputError(
                "the loading study weighs loaders under noise: give a table [noise], such as "
                "depolarizing = { p1 = 0.001, p2 = 0.005 }."
            )
