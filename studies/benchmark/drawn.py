"""Convolutions and devices drawn at random: what a compiler meets besides the usual case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cirq
import networkx as nx
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS, OverlapTest
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.devices import Device, grid_device, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter, Filter, FixedFilter, XZAnsatz

_SHAPES = (
    ((2, 2), 1),
    ((2, 2), 2),
    ((2, 3), 1),
    ((3, 3), 1),
    ((2, 4), 2),
    ((3, 4), 1),
    ((4, 4), 1),
    ((4, 4), 1),
    ((4, 4), 2),
    ((5, 5), 1),
)
"""Kernels and channels."""


@dataclass(frozen=True)
class Drawn:
    """One specification of the benchmark.

    Attributes:
        spec: The convolution, of one filter.
        device: The device.
        device_text: The device in words.
        gate_set: The native two-qubit gate.
        filter_text: The filter in words.
        patch: The patch that circuits are made for, shape (channels, rows, columns).
        parameters: Angles of the filter in radians, shape (parameters,).
        upstream: The value that the overlap is multiplied by in a backward circuit; None in others.
    """

    spec: ConvolutionSpec
    device: Device
    device_text: str
    gate_set: str
    filter_text: str
    patch: NDArray[np.float64]
    parameters: NDArray[np.float64]
    upstream: float | None

    @property
    def overlap(self) -> float:
        """What every circuit must measure: |<x|f>|^2, times the upstream value."""
        n_qubits = self.spec.register_qubits
        (filter_,) = self.spec.filter_list
        state = np.zeros(2**n_qubits)
        state[: self.patch.size] = self.patch.ravel() / np.linalg.norm(self.patch)
        prepared = filter_.states(n_qubits, self.parameters[None])[0]
        factor = 1.0 if self.upstream is None else self.upstream
        return factor * float(abs(np.vdot(prepared, state)) ** 2)


_IN_SQRT_ISWAP = ("weber", "sycamore", "rainbow")
"""Devices that are compiled for in their own gate."""

_TESTS = {
    name: test
    for name, test in OVERLAP_TESTS.items()
    if type(test).__module__.startswith(OverlapTest.__module__.rpartition(".")[0])
}
"""The package's own overlap tests: those of users change no draw."""
_MOST_DRAWS = 1000
"""Specifications that are drawn until one fits the device."""


def draw(number: int, seed: int, device_name: str | None = None) -> Drawn:
    """Draws a specification, the same in every process.

    Args:
        number: Which, from 0.
        seed: Seed of all of them.
        device_name: The device of all of them; None to draw one for each.

    Raises:
        InputError: If the device is unknown, or too small for any.
    """
    generator = np.random.default_rng([seed, number])
    for _ in range(_MOST_DRAWS):
        kernel, channels = _SHAPES[generator.integers(len(_SHAPES))]
        backward = bool(generator.random() < 0.2)
        tests = [name for name, test in _TESTS.items() if test.takes_reader or not backward]
        overlap = tests[generator.integers(len(tests))]
        bare = ConvolutionSpec(kernel=kernel, channels=channels, overlap=overlap, backward=backward)
        filter_, filter_text = _filter(bare, generator)
        spec = ConvolutionSpec(
            kernel=kernel, channels=channels, filters=filter_, overlap=overlap, backward=backward
        )
        device, device_text = _device(generator)
        if device_name is not None:
            device, device_text = load_device(device_name), device_name
        needed = spec.overlap_test.n_qubits(spec.register_qubits, 1) + backward
        if max(map(len, nx.connected_components(device.graph))) < needed:
            continue
        return Drawn(
            spec,
            device,
            device_text,
            "sqrt_iswap" if device_text in _IN_SQRT_ISWAP else "cz",
            filter_text,
            generator.normal(size=(channels, *kernel)),
            generator.uniform(-np.pi, np.pi, spec.n_parameters),
            float(generator.uniform(-1, 1)) if backward else None,
        )
    raise InputError(f"device {device_name!r} is too small for all that is drawn: name another.")


def _filter(spec: ConvolutionSpec, generator: np.random.Generator) -> tuple[Filter, str]:
    kind = generator.integers(3)
    if kind == 0:
        return FixedFilter(generator.normal(size=(spec.channels, *spec.kernel_pair))), "fixed"
    if kind == 1:
        layers = int(generator.integers(1, 9))
        entangler = "ring" if generator.random() < 0.3 else "chain"
        return XZAnsatz(layers=layers, entangler=entangler), f"XZ{layers} {entangler}"
    qubits = cirq.LineQubit.range(spec.register_qubits)
    moments = int(generator.integers(3, 9))
    # Gates of one and two qubits on any pairs, as users write them.
    gates: dict[cirq.Gate, int] = {
        cirq.H: 1,
        cirq.T: 1,
        cirq.CNOT: 2,
        cirq.CZ: 2,
        cirq.ISWAP: 2,
        cirq.SWAP: 2,
    }
    for _ in range(3):
        angle = float(generator.uniform(-np.pi, np.pi))
        gates |= {cirq.ry(angle): 1, cirq.rx(angle): 1, cirq.CZPowGate(exponent=angle): 2}
    circuit = cirq.testing.random_circuit(
        qubits, moments, 0.8, gate_domain=gates, random_state=int(generator.integers(2**31))
    )
    # A qubit that nothing acts on is still the register's.
    circuit.append(cirq.ry(0.3).on_each(*qubits))
    return CircuitFilter(circuit, qubits), f"circuit of {moments} moments"


def _device(generator: np.random.Generator) -> tuple[Device, str]:
    """A device, and what it is in words."""
    kinds: tuple[Callable[[np.random.Generator], tuple[Device, str]], ...] = (
        lambda _: (load_device("willow_pink"), "willow_pink"),
        lambda _: (load_device("sycamore_cz"), "sycamore_cz"),
        lambda _: (load_device("weber"), "weber"),
        _whole_grid,
        _damaged_grid,
        _damaged_grid,
        lambda _: (load_device("grid:1x10"), "line of 10"),
    )
    return kinds[generator.integers(len(kinds))](generator)


def _whole_grid(generator: np.random.Generator) -> tuple[Device, str]:
    rows, columns = int(generator.integers(2, 6)), int(generator.integers(3, 6))
    name = f"grid:{rows}x{columns}"
    return load_device(name), name


def _damaged_grid(generator: np.random.Generator) -> tuple[Device, str]:
    rows, columns = int(generator.integers(3, 6)), int(generator.integers(4, 6))
    qubits = cirq.GridQubit.rect(rows, columns)
    count = int(generator.integers(1, 5))
    missing = generator.choice(len(qubits), size=count, replace=False)
    kept = [qubit for index, qubit in enumerate(qubits) if index not in missing]
    names = sorted(f"{qubits[index].row}_{qubits[index].col}" for index in missing)
    words = f"{rows}x{columns} without {' '.join(names)}"
    return grid_device(kept, name=words, two_qubit_gates=["cz"]), words
