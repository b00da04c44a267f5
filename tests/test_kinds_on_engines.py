"""Crosstalk, preparation and drift on every engine, against Cirq's density matrix."""

from __future__ import annotations

from typing import Any

import cirq
import numpy as np
import pytest

from noise_models import Noise, as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import extract_patches

BESIDE = {"depolarizing": {"p1": 0.005, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.04}}
KINDS: dict[str, dict[str, Any]] = {
    "crosstalk": {"crosstalk": {"p": 0.03, "angle": 0.3}},
    "preparation": {"preparation": {"p": 0.05}},
    "drift": {"drift": {"sd": 0.3}},
}
IMAGES = np.random.default_rng(1).random((3, 2, 2))
SEED = 7


def of_each(noise: Noise) -> list[Noise]:
    """The noise of each image."""
    if noise.drift is None:
        return [noise] * len(IMAGES)
    deviations = noise.drift.deviations(SEED, np.arange(len(IMAGES)))
    return [noise.times(noise.drift.factor(each)) for each in deviations]


def by_density_matrix(program: Program, noise: Noise, image: np.ndarray) -> float:
    noisy = noise.noisy_circuit(program.circuit(image))
    qubits = sorted(noisy.all_qubits())
    before = cirq.Circuit(op for op in noisy.all_operations() if not cirq.is_measurement(op))
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    chances = simulator.simulate(before, qubit_order=qubits).final_density_matrix.diagonal().real
    (load,) = program.filters[0].load_patches(extract_patches(image[None], program.spec))
    observable = load.variant.template.observable
    bits = np.array(list(np.ndindex(*(2,) * len(qubits))))
    read = bits[:, [qubits.index(qubit) for qubit in observable.qubits]]
    return float(chances @ observable.values(read))


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("kind", KINDS)
def test_means_are_those_of_the_density_matrix(kind: str, overlap: str) -> None:
    filters = FixedFilter([1.0, -2.0, 0.5, 3.0])
    spec = ConvolutionSpec(kernel=(2, 2), filters=filters, overlap=overlap)
    program, noise = compile_convolution(spec, "grid:3x4"), {**BESIDE, **KINDS[kind]}
    pairs = zip(of_each(as_noise(noise)), IMAGES, strict=True)
    expected = [by_density_matrix(program, own, image) for own, image in pairs]
    for engine, tolerance in (
        ("exact", 1e-10),
        ("exact:float32", 1e-6),
        ("auto", 1e-10),
        ("qsim_density", 1e-6),
        ("qsim", 1e-6),
    ):
        layer = QuantumConvolution(program, engine, noise, None, seed=SEED)
        found = layer.forward(IMAGES, image_ids=range(3)).ravel()
        assert found == pytest.approx(expected, abs=tolerance), engine
    for engine, shots in (("qsim", 4000), ("qsim:trajectories", 2000), ("sampler", 400)):
        layer = QuantumConvolution(program, engine, noise, shots, seed=SEED)
        found = layer.forward(IMAGES, image_ids=range(3)).ravel()
        assert np.abs(found - expected).max() < 4 / np.sqrt(shots), engine


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_differences_of_noisy_means(kind: str) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1))
    program, noise = compile_convolution(spec, "grid:3x4"), {**BESIDE, **KINDS[kind]}
    upstream = np.array([0.7, -0.4, 0.2]).reshape(3, 1, 1, 1)

    def layer(parameters: np.ndarray | None = None) -> QuantumConvolution:
        own = QuantumConvolution(program, "exact", noise, None, SEED, parameters=parameters)
        own.forward(IMAGES, image_ids=range(3))
        return own

    first = layer()
    step, expected = 1e-3, np.zeros(first.parameters.size)
    for index in range(expected.size):
        moved = np.zeros_like(first.parameters)
        moved[0, index] = step
        ends = [
            QuantumConvolution(
                program, "exact", noise, None, SEED, parameters=first.parameters + sign * moved
            ).forward(IMAGES, image_ids=range(3))
            for sign in (1, -1)
        ]
        expected[index] = ((ends[0] - ends[1]) * upstream).sum() / (2 * step)
    for method in ("parameter_shift", "coin", "finite_differences"):
        found = layer().gradient(upstream, method).values.ravel()
        assert found == pytest.approx(expected, abs=1e-6), method
