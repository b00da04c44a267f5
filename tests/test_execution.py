"""Gradients from counts: by samplers and processors, they agree with exact means."""

from __future__ import annotations

from typing import Any

import cirq
import numpy as np
import pytest
from scipy import stats

from noise_models import Noise
from qucnn_cirq import (
    ConvolutionSpec,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.engines import Engine, ExactEngine, Outcome, Streams

FILTERS = 25


class OnlyCounts(Engine):
    """The exact engine, asked for shots alone."""

    name = "only_counts"

    def __init__(self) -> None:
        self.exact = ExactEngine()
        self.circuits = 0

    def gives_means(self, template: Any, noise: Noise) -> bool:
        return False

    def run(
        self, template: Any, noise: Noise, tables: Any, shots: int | None, streams: Streams
    ) -> Outcome:
        assert shots is not None
        n_filters, n_patches = len(tables["filter"]), len(tables["patch"])
        self.circuits += n_filters * n_patches
        # One reader for all patches is what the exact engine knows.
        readers = np.broadcast_to(tables["upstream"], (n_patches, 1))
        columns = [
            self.exact.means(
                template,
                noise,
                {
                    **tables,
                    "patch": tables["patch"][[column]],
                    "upstream": readers[[column]],
                },
            )
            for column in range(n_patches)
        ]
        chances = template.observable.probability(np.concatenate(columns, axis=1))
        return Outcome(None, streams.binomial(shots, chances))


def layer_of(engine: Any, shots: int | None, overlap: str = "ancilla", **more: Any):
    device = more.pop("device", "grid:4x5")
    n_filters = more.pop("n_filters", FILTERS)
    spec = ConvolutionSpec(kernel=2, filters=[XZAnsatz(layers=1)] * n_filters, overlap=overlap)
    program = compile_convolution(spec, device)
    return QuantumConvolution(program, engine=engine, shots=shots, seed=5, **more)


def chi_squared(sampled: QuantumConvolution, exact: QuantumConvolution, method: str) -> Any:
    """z^2 of all values of a gradient, and its cost."""
    images = np.random.default_rng(4).uniform(0.1, 1, (1, 2, 2))
    sampled.parameters = exact.parameters
    upstream = np.random.default_rng(6).uniform(-1.5, 1.5, exact.forward(images).shape)
    sampled.forward(images)
    found, means = sampled.gradient(upstream, method), exact.gradient(upstream, method)
    return (found.values - means.values) ** 2 / found.variance, found


PAIRS = [
    ("in_circuit", "ancilla"),
    ("in_circuit_absorbed", "ancilla"),
    ("coin", "ancilla"),
    ("coin", "destructive"),
    ("parameter_shift", "ancilla"),
    ("parameter_shift", "destructive"),
    ("parameter_shift", "inversion"),
    ("spsa", "inversion"),
]


def assert_as_stated(squares: Any) -> None:
    """As many z^2 as values: neither more, nor far less. A false alarm in 100,000 each."""
    low, high = stats.chi2.isf([1 - 1e-5, 1e-5], squares.size)
    assert low < squares.sum() < high


@pytest.mark.parametrize(("method", "overlap"), PAIRS)
def test_gradients_from_counts_agree_with_exact_means(method: str, overlap: str) -> None:
    engine = OnlyCounts()
    squares, found = chi_squared(
        layer_of(engine, 800, overlap), layer_of("exact", None, overlap), method
    )
    assert_as_stated(squares)
    assert squares.size >= 100
    assert (found.circuits, found.shots) == (engine.circuits - FILTERS, found.circuits * 800)


def test_a_density_matrix_simulator_as_sampler_gives_gradients() -> None:
    simulator = cirq.DensityMatrixSimulator(seed=1)
    squares, _ = chi_squared(layer_of(simulator, 500), layer_of("exact", None), "in_circuit")
    assert_as_stated(squares)
    assert squares.size >= 100


def test_a_virtual_processor_gives_the_gradients_of_its_calibration() -> None:
    """It cannot be seeded."""
    device = "willow_pink"
    exact = layer_of("exact", None, device=device, noise=device, n_filters=1)
    virtual = layer_of(f"virtual:{device}", 60, device=device, n_filters=1)
    squares, found = chi_squared(virtual, exact, "in_circuit")
    assert_as_stated(squares)
    assert found.shots == 60 * found.circuits == 60 * 8


def test_cirqs_noise_in_the_circuit_gives_the_gradients_of_exact_noise() -> None:
    noise = {"depolarizing": {"p1": 0.01, "p2": 0.05}, "readout": {"p01": 0.02, "p10": 0.06}}
    exact = layer_of("exact", None, noise=noise, n_filters=1)
    sampled = layer_of("sampler", 300, noise=noise, n_filters=1)
    squares, _ = chi_squared(sampled, exact, "in_circuit")
    assert_as_stated(squares)


def test_any_sampler_is_taken_as_an_engine() -> None:
    layer = layer_of(cirq.Simulator(seed=3), 10, n_filters=1)
    assert layer.engine.name == "sampler"
    with pytest.raises(InputError, match="subclass of qucnn_cirq.engines.Engine"):
        layer_of(object(), 10, n_filters=1)
