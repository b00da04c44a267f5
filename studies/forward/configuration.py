"""The settings of one point of a forward sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import NoiseConfiguration, fields
from noise_models.checks import true_or_false
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines import check_engine_name
from qucnn_cirq.errors import InputError
from qucnn_cirq.mitigation import METHODS
from studies.estimating import mitigation_field
from studies.point import PlainData, absolute_path, convolution_field, noise_field

MOST_SHOTS = 10**15
"""Counts of this many shots are still exact in double precision."""


@attrs.frozen
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
        placement: Where the circuits must be, as text for the argument of
            `qucnn_cirq.compile_convolution` of that name: "2_1 2_2 3_1" for qubits to choose
            from, or "data = 2_1 2_2, filter = 3_1 3_2"; None leaves it to the compiler.
        walkers: Ancillas of the ancilla test, 1 or 2.
        infidelity: Largest infidelity of a loaded patch, within 0..1, or "auto": what is best
            under the noise.
        load_filters: Whether filters that are circuits are loaded as vectors.
        mitigation: What makes overlaps, under the noise of each run: an estimator's name or
            several joined by "+" (see `qucnn_cirq.estimators.ESTIMATORS`), of the counts of all
            outcomes; those that learn have seen eight images of the other part of the data. Or a
            method that runs further circuits (`qucnn_cirq.mitigation.METHODS`), among which the
            shots of a patch are split. None takes the mean of the observable.
        keep_outcomes: Whether the counts of all outcomes are kept in the results, so that any
            estimator can be applied to them afterwards, see `studies.outcomes.estimates`.
        check_fraction: Fraction of the points, chosen by their identity, of which some patches of
            the noisy run are run again on qsim, within 0..1.
        check_patches: How many patches of such a point; 0 for none.
        check_shots: Shots of each, at least 10.
        data: Where the images are (see `studies.images.select_images`), as an absolute path; None
            for those that come with the package.
        convolution: The convolution. Without filters it takes the one that comes with the
            package, the 4x4 kernel of a trained classical network.
        noise: The noise of the second run; without any there is no second run.

    Raises:
        InputError: If a value is outside its range.
    """

    name: ClassVar[str] = "forward"

    images: int = fields.whole(1, default=16)
    split: str = fields.text(default="train")
    first: int = fields.whole(0, default=0)
    shots: int = fields.whole(1, MOST_SHOTS, default=10_000)
    seed: int = fields.whole(0, default=0)
    engine: str = fields.named(check_engine_name, default="auto")
    device: str = fields.text(default="willow_pink")
    layout: str = fields.text(default="auto")
    loader: str = fields.text(default="auto")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    placement: str | None = fields.text(beside=(None,), default=None)
    walkers: int = fields.whole(1, default=1)
    infidelity: float | str = fields.real(0.0, 1.0, beside=("auto",), default=0.0)
    load_filters: bool = fields.checked(true_or_false, default=False)
    mitigation: str | None = mitigation_field()
    keep_outcomes: bool = fields.checked(true_or_false, default=False)
    check_fraction: float = fields.real(0.0, 1.0, default=1.0)
    check_patches: int = fields.whole(0, default=4)
    check_shots: int = fields.whole(10, default=1000)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    convolution: ConvolutionSpec = convolution_field()
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.backward:
            raise InputError(
                "convolution.backward = true is not possible in a forward study: leave it out."
            )
        if self.keep_outcomes and self.mitigation in METHODS:
            raise InputError(
                f"keep_outcomes = true keeps outcomes of the plain circuit, and mitigation = "
                f"{self.mitigation!r} runs others: leave one of them out."
            )

    @property
    def ideal_engine(self) -> str:
        """The engine of the ideal run."""
        return "qsim" if self.engine == "auto" else self.engine

    @property
    def noisy_engine(self) -> str:
        """The engine of the noisy run."""
        return "exact" if self.engine == "auto" else self.engine
