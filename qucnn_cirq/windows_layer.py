"""The layer on quantum data: filters slide over the windows of a state, on any engine."""

from __future__ import annotations

import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import NoiseLike, as_noise
from noise_models.checks import LARGEST_SEED, instance_of, whole_number
from qucnn_cirq.arrays import real_array
from qucnn_cirq.compiler.windows import WindowProgram
from qucnn_cirq.engines import Engine, Streams, make_engine
from qucnn_cirq.engines.streams import forward_purpose
from qucnn_cirq.errors import InputError
from qucnn_cirq.execution import Execution


def window_overlaps(
    program: WindowProgram,
    parameters: ArrayLike | None = None,
    *,
    engine: str | Engine | cirq.Sampler = "auto",
    noise: NoiseLike = None,
    shots: int | None = 10_000,
    seed: int = 0,
    draw: int = 0,
) -> NDArray[np.float64]:
    """Runs every window with every filter.

    Args:
        program: The compiled filters.
        parameters: Angles of ansatz filters in radians, shape (filters, parameters).
        engine: As for `qucnn_cirq.QuantumConvolution`.
        noise: As for `qucnn_cirq.QuantumConvolution`.
        shots: Shots for each window and filter; None for exact expectation values.
        seed: Seed of the shots, from 0 to 2^64 - 1. Each window and filter has a stream of its
            own.
        draw: Number of the run, at least 0; the same number repeats the shots, another one gives
            others, independent of them.

    Returns:
        Estimates of <f| rho |f>, shape (filters, windows). With shots they are unbiased and can be
        slightly negative.

    Raises:
        InputError: If an argument is outside its range, or the noise is not allowed or names a
            qubit that the device lacks.
    """
    instance_of("program", program, WindowProgram, "compile_windows(...)")
    runner, model = make_engine(engine), as_noise(noise)
    model.check_places(program.device.graph, f"device {program.device.name!r}")
    count = None if shots is None else whole_number("shots", shots, minimum=1)
    seed = whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED)
    purpose = forward_purpose(whole_number("draw", draw, minimum=0))
    angles = _parameters(program, parameters)
    execution = Execution(runner, model, count, seed)
    values = np.empty((program.spec.n_filters, len(program.windows)))
    for row, of_filter in enumerate(program.compiled):
        for column, compiled in enumerate(of_filter):
            # The data has no angles.
            tables = {"patch": np.zeros((1, 0)), "filter": compiled.filter_table(angles[row])}
            streams = Streams(seed, (row,), np.array([column]), purpose=purpose)
            found = execution.circuits(compiled.template, tables, streams)
            values[row, column] = found.estimates[0, 0]
    return values


def _parameters(program: WindowProgram, given: ArrayLike | None) -> NDArray[np.float64]:
    shape = (program.spec.n_filters, program.spec.n_parameters)
    angles = np.zeros((shape[0], 0)) if given is None else real_array("parameters", given)
    if angles.shape != shape or not np.isfinite(angles).all():
        raise InputError(
            f"parameters of shape {angles.shape}: give finite angles of shape {shape} (filters, "
            "parameters)."
        )
    return angles
