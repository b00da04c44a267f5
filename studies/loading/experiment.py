"""Measures how well patches are loaded and how far their overlaps are off, for each budget."""

from __future__ import annotations

import time

import cirq
import numpy as np
import pandas as pd

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.program import CompiledFilter, Program
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.errors import InputError
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.patches import Patches
from studies.crosscheck import check_generator, check_row, chosen_rows, z_scores
from studies.loading.configuration import LoadingStudy
from studies.progress import Track, untracked

COLUMNS = {
    "budget": "largest infidelity with which a patch may be loaded; auto: as pays off",
    "patches": "patches that are not blank",
    "loader_gates": "mean two-qubit gates of a loader",
    "mean_infidelity": "mean infidelity of the loaded states",
    "largest_infidelity": "the largest of them",
    "error": "mean of |F - exact F| under the noise",
    "error_without_noise": "the same without noise: the error of loading alone",
    "root_mean_square_error": "root mean square of F - exact F under the noise",
    "gain": "how much smaller error is than with exact loading",
    "gain_standard_error": "standard error of the gain, from the gains of single images",
    "seconds": "time taken to choose and solve for the angles",
}
"""What the columns of `measure_loading` mean, those of the cross-check apart."""


def measure_loading(
    study: LoadingStudy, patches: Patches, track: Track = untracked
) -> pd.DataFrame:
    """One row for each budget, and one for ``"auto"``.

    The overlaps are exact means, without shots, so that nothing but loading and noise errs.

    Returns:
        The columns `COLUMNS`, the budget as text with "auto" last, and those of a cross-check.

    Raises:
        InputError: If the circuit that is compiled has no shorter loaders, or there are filters
            that read parameters.
    """
    if study.convolution.n_parameters:
        raise InputError("the loading study takes fixed filters: an ansatz has parameters.")
    none = np.zeros((study.convolution.n_filters, 0))
    exact = ideal_overlaps(patches, study.convolution, none)
    images = patches.positions()[0][patches.occupied]
    generator = check_generator(np.random.SeedSequence(_CHECK_STREAM))
    checked = patches.states[chosen_rows(generator, len(patches.states), study.check_patches)]
    rows: list[dict[str, object]] = []
    single: list[np.ndarray] = []
    errors: list[float] = []
    budgets: list[float | str] = [*study.infidelities, "auto"]
    for budget in track(budgets, "loading"):
        program = program_of(study, budget)
        compiled = program.filters[0]
        started = time.perf_counter()
        compiled.load_patches(patches)
        seconds = time.perf_counter() - started
        gates, infidelities = _loading(compiled, patches.states)
        deviations = []
        for noise in (study.noise, None):
            layer = QuantumConvolution(program, engine="exact", noise=noise, shots=None)
            deviations.append(layer.run(patches).estimates - exact)
        error, without_noise = (np.abs(each).mean(axis=0) for each in deviations)
        single.append(np.bincount(images, error) / np.maximum(np.bincount(images), 1))
        gains = (single[0] - single[-1])[np.bincount(images, minlength=len(single[0])) > 0]
        errors.append(float(error.mean()))
        rows.append(
            {
                "budget": str(budget),
                "patches": len(patches.states),
                "loader_gates": gates.mean(),
                "mean_infidelity": infidelities.mean(),
                "largest_infidelity": infidelities.max(),
                "error": errors[-1],
                "error_without_noise": without_noise.mean(),
                "root_mean_square_error": np.sqrt(np.mean(deviations[0] ** 2)),
                "gain": errors[0] - errors[-1],
                "gain_standard_error": gains.std(ddof=1) / np.sqrt(len(gains)),
                "seconds": seconds,
            }
        )
        if study.check_patches:
            seed = int(generator.integers(2**31))
            scores = z_scores(program, study.noise, checked, none, study.check_shots, seed)
            rows[-1] |= check_row(scores)
    return pd.DataFrame(rows)


def program_of(study: LoadingStudy, budget: float | str = 0.0) -> Program:
    """The convolution compiled for an infidelity budget."""
    return compile_convolution(
        study.convolution,
        study.device,
        gate_set=study.gate_set,
        infidelity=budget,
        noise=study.noise if budget == "auto" else None,
    )


_CHECK_STREAM = 5


def _loading(compiled: CompiledFilter, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two-qubit gates and infidelity with which each state is loaded."""
    chosen = compiled.choose(states)
    per_loader = np.array([_two_qubit_gates(variant.loader) for variant in compiled.variants])
    infidelities = np.zeros(len(states))
    for index, variant in enumerate(compiled.variants):
        own = chosen == index
        if own.any() and hasattr(variant.loader, "solve"):
            infidelities[own] = variant.loader.solve(states[own])[1]
    return per_loader[chosen], infidelities


def _two_qubit_gates(loader: Loader) -> int:
    circuit = loader.circuit(cirq.LineQubit.range(loader.n_qubits), "patch")
    return sum(len(operation.qubits) == 2 for operation in circuit.all_operations())
