"""The settings of one point of a forward sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from noise_models import NoiseConfiguration
from qucnn_cirq.checks import real_number, whole_number
from qucnn_cirq.configuration import read_convolution
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines import check_engine_name
from qucnn_cirq.errors import InputError
from studies.crosscheck import read_check_settings
from studies.point import PlainData

MOST_SHOTS = 10**15
"""Counts of this many shots are still exact in double precision."""


@dataclass(frozen=True)
class ForwardPoint(PlainData):
    """Settings of a forward pass over some images, without noise and with it.

    Attributes:
        images: How many images, at least 1.
        split: The part of the data set, "train" or "test".
        first: Position of the first image in the data set, at least 0.
        shots: Shots for each patch and filter, 1 to 10^15.
        seed: Seed of all random draws, at least 0.
        engine: The engine of both runs, or "auto": qsim for the ideal run and the exact engine
            for the noisy one.
        device: Name of the device to compile for.
        layout: The compiler's layout, or "auto".
        loader: The compiler's loader, or "auto".
        gate_set: The native two-qubit gate; None takes the device's first.
        walkers: Ancillas of the ancilla test, 1 or 2.
        infidelity: Largest infidelity of a loaded patch, within 0..1, or "auto": what is best
            under the noise.
        check_fraction: Fraction of the points, chosen by their identity, of which some patches of
            the noisy run are run again as qsim trajectories, within 0..1.
        check_patches: How many patches of such a point; 0 for none.
        check_shots: Trajectories of each, at least 10.
        data: Where the images are (see `studies.images.select_images`), as an absolute path; None
            for those that come with the package.
        convolution: The convolution. Without filters it takes the one that comes with the
            package, the 4x4 kernel of a trained classical network.
        noise: The noise of the second run; without any there is no second run.

    Raises:
        InputError: If a value is outside its range.
    """

    name: ClassVar[str] = "forward"

    images: int = 16
    split: str = "train"
    first: int = 0
    shots: int = 10_000
    seed: int = 0
    engine: str = "auto"
    device: str = "willow_pink"
    layout: str = "auto"
    loader: str = "auto"
    gate_set: str | None = None
    walkers: int = 1
    infidelity: float | str = 0.0
    check_fraction: float = 1.0
    check_patches: int = 4
    check_shots: int = 1000
    data: str | None = None
    convolution: ConvolutionSpec = field(default_factory=lambda: read_convolution({}))
    noise: NoiseConfiguration = NoiseConfiguration()

    def __post_init__(self) -> None:
        for key, minimum in (
            ("images", 1),
            ("first", 0),
            ("shots", 1),
            ("seed", 0),
            ("walkers", 1),
        ):
            object.__setattr__(self, key, whole_number(key, getattr(self, key), minimum))
        if self.shots > MOST_SHOTS:
            raise InputError(f"shots = {self.shots} is not allowed: give at most {MOST_SHOTS}.")
        for key in ("split", "engine", "device", "layout", "loader"):
            _text(key, getattr(self, key))
        if self.gate_set is not None:
            _text("gate_set", self.gate_set)
        check_engine_name(self.engine)
        read_check_settings(self)
        if self.infidelity != "auto":
            budget = real_number("infidelity", self.infidelity, minimum=0.0, maximum=1.0)
            object.__setattr__(self, "infidelity", budget)
        if self.data is not None:
            _text("data", self.data)
            object.__setattr__(self, "data", str(Path(self.data).expanduser().absolute()))
        if self.convolution.backward:
            raise InputError(
                "convolution.backward = true is not possible in a forward study: leave it out."
            )

    @property
    def ideal_engine(self) -> str:
        """The engine of the ideal run."""
        return "qsim" if self.engine == "auto" else self.engine

    @property
    def noisy_engine(self) -> str:
        """The engine of the noisy run."""
        return "exact" if self.engine == "auto" else self.engine


def _text(key: str, value: object) -> None:
    if not isinstance(value, str):
        raise InputError(f"{key} = {value!r} is not allowed: give a text.")
