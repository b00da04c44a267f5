"""The budget study: which gate, coupler, qubit and stage costs how much accuracy."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from noise_models import NoiseConfiguration, as_noise, fields
from noise_models.checks import true_or_false
from qucnn_cirq.budget import ErrorBudget, error_budget
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines.prepared import seconds_if_joined
from qucnn_cirq.errors import InputError
from qucnn_cirq.layer import QuantumConvolution
from studies.images import images_of, occupied_patches, select_images
from studies.point import (
    PlainData,
    absolute_path,
    convolution_field,
    layer_seed,
    noise_field,
    program_and_images,
    program_of,
)
from studies.sweep.study import Cost, Measured, Row, Study

STRENGTHS = (1.0, 0.75, 0.5, 0.25, 0.1, 0.0)
"""What is left of a mechanism, where the error is told against it."""
_SECONDS = 1.5e-4
"""For the sweeps of one patch of four qubits, and those with a group switched off."""
_SECONDS_OF_CIRCUIT = 1.0
_SWEEPS = 60
"""What a budget takes of a patch that noise joins with the filter, relative to its mean."""


@attrs.frozen
class BudgetPoint(PlainData):
    """Settings of an error budget.

    Attributes:
        images: How many images, at least 1.
        split: The part of the data set, "train" or "test".
        first: Position of the first image in the data set, at least 0.
        seed: Seed of the angles of filters that have some, at least 0.
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
        number: Which of the numbers that each circuit gives, with a measurement of several.
        data: Where the images are, as an absolute path; None for those of the package.
        convolution: The convolution; without filters, the package's 4x4 kernel.
        noise: The noise, which must not be absent.

    Raises:
        InputError: If a value is outside its range.
    """

    name: ClassVar[str] = "budget"
    takes_measurements: ClassVar[bool] = True

    images: int = fields.whole(1, default=16)
    split: str = fields.text(default="train")
    first: int = fields.whole(0, default=0)
    seed: int = fields.whole(0, default=0)
    device: str = fields.text(default="willow_pink")
    layout: str = fields.text(default="auto")
    loader: str = fields.text(default="auto")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    placement: str | None = fields.text(beside=(None,), default=None)
    walkers: int = fields.whole(1, default=1)
    infidelity: float | str = fields.real(0.0, 1.0, beside=("auto",), default=0.0)
    load_filters: bool = fields.checked(true_or_false, default=False)
    number: int | None = fields.whole(0, beside=(None,), default=None)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    convolution: ConvolutionSpec = convolution_field()
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.backward:
            raise InputError("convolution.backward = true is not possible here: leave it out.")
        if as_noise(self.noise).is_ideal:
            raise InputError(
                "without noise there is no error to share out: give a table [noise], such as "
                "depolarizing = { p1 = 0.001, p2 = 0.005 }, or noise = 'willow_pink'."
            )


COLUMNS = {
    "device": "the device",
    "patches": "patches that are not blank",
    "stage": "when the noise acts: loading of the patch, of the filter (or its body), their "
    "meeting, or readout",
    "mechanism": "what the noise is",
    "place": "the qubit or coupler that it acts on",
    "bias": "its part of the mean error of F, without shots",
    "square": "its part of the mean square of that error",
    "share": "square over the sum of all squares",
    "rms": "root mean square of the error of F with all noise",
    "total_bias": "mean error of F with all noise",
    "rms_without_stage": "rms with all noise of this stage switched off",
    "rms_without_mechanism": "rms with all noise of this mechanism switched off",
}
"""What the columns mean."""


def cost(settings: BudgetPoint) -> Cost:
    """What a point takes: passes forward and back through all circuits.

    Args:
        settings: Those of the point.
    """
    program = program_of(settings)
    patches = occupied_patches(*images_of(settings), settings.convolution).grid.n_occupied
    n_qubits = settings.convolution.register_qubits
    circuits = patches * settings.convolution.n_filters
    variants = sum(len(compiled.variants) for compiled in program.filters)
    seconds = _SECONDS_OF_CIRCUIT * variants + _SECONDS * circuits * 4.0 ** max(0, n_qubits - 4)
    joined = seconds_if_joined(program.filters[0].template, as_noise(settings.noise))
    seconds += _SWEEPS * joined * circuits
    memory = 2**27 + 16 * circuits + (2**30 if joined else 0)
    return Cost(circuits, 0, seconds, memory)


def budget_of(settings: BudgetPoint, seed: np.random.SeedSequence) -> ErrorBudget:
    """The error budget of a point.

    Args:
        settings: Its settings.
        seed: Where the angles of filters come from.
    """
    program = program_of(settings)
    images = select_images(settings.split, settings.first, settings.images, settings.data).images
    angles = None
    if program.spec.n_parameters:
        angles = QuantumConvolution(program, "exact", shots=None, seed=layer_seed(seed)).parameters
    return error_budget(program, settings.noise, images, parameters=angles, number=settings.number)


def measure(settings: BudgetPoint, seed: np.random.SeedSequence) -> Measured:
    """Shares the error of a point out.

    Args:
        settings: Those of the point.
        seed: That of the point.
    """
    budget = budget_of(settings, seed)
    without = {
        label: {value: budget.rms_without(**{label: value}) for value in budget.by(label)[label]}
        for label in ("stage", "mechanism")
    }
    patches = budget.errors.shape[1]
    rows: list[Row] = [
        {
            "device": settings.device,
            "patches": patches,
            "stage": row["stage"],
            "mechanism": row["mechanism"],
            "place": row["place"],
            "bias": float(row["bias"]),
            "square": float(row["square"]),
            "share": float(row["share"]),
            "rms": budget.rms,
            "total_bias": budget.bias,
            "rms_without_stage": without["stage"][row["stage"]],
            "rms_without_mechanism": without["mechanism"][row["mechanism"]],
        }
        for row in budget.by("stage", "mechanism", "place").to_dict("records")
    ]
    gains = budget.improvement(STRENGTHS).sort_values("mechanism", kind="stable")
    return Measured(
        rows,
        {
            "errors": budget.errors,
            "strengths": np.array(STRENGTHS),
            "improvement": gains["rms"].to_numpy().reshape(-1, len(STRENGTHS)),
        },
    )


STUDY = Study(
    settings=BudgetPoint,
    title="Which gate, coupler, qubit and stage costs how much accuracy?",
    digest=program_and_images,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.budget.figures",
    findings="studies.budget.findings",
    program=program_of,
    withheld="splits an error that is computed exactly: it runs no shots",
)
