"""What the loading study computes, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq.checks import real_number, whole_number
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from qucnn_cirq.tables import write_table
from studies.crosscheck import read_check_settings
from studies.point import PlainData, read_convolution

BUDGETS = (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2)


@dataclass(frozen=True)
class LoadingStudy(PlainData):
    """The configuration of a loading study.

    Attributes:
        images: How many images, at least 2.
        split: The part of the data set, "train" or "test".
        first: Position of the first image in the data set, at least 0.
        device: Name of the device to compile for.
        gate_set: The native two-qubit gate; None takes the device's first.
        infidelities: The budgets, within 0..1 and ascending; 0, which is exact, comes first. What
            is best under the noise ("auto") is always measured as well.
        check_patches: Patches for each budget that are run again as qsim trajectories; 0 for none.
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
    infidelities: Sequence[float] = BUDGETS
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
        given = self.infidelities
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise InputError(f"infidelities = {given!r} is not allowed: give a list of numbers.")
        budgets = tuple(
            real_number("infidelities", each, minimum=0.0, maximum=1.0) for each in given
        )
        if budgets[:1] != (0.0,) or list(budgets) != sorted(set(budgets)) or len(budgets) < 2:
            raise InputError(
                f"infidelities = {list(budgets)} is not allowed: give 0 first, then at least one "
                "larger budget, in ascending order."
            )
        object.__setattr__(self, "infidelities", budgets)
        if self.data is not None:
            object.__setattr__(self, "data", str(Path(self.data).expanduser().absolute()))
        if self.convolution.backward:
            raise InputError("convolution.backward = true is not possible here: leave it out.")
        if as_noise(self.noise).is_ideal:
            raise InputError(
                "the loading study weighs loaders under noise: give a table [noise], such as "
                "depolarizing = { p1 = 0.001, p2 = 0.005 }."
            )

    def to_toml(self) -> str:
        """The whole configuration as a file; equal studies have equal texts."""
        return "\n".join(write_table(name, table) for name, table in self.to_mapping().items())
