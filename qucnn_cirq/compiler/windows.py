"""Quantum data compiled: for every window the circuit in which it meets a filter."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models.checks import one_of, whole_number
from noise_models.errors import shown
from qucnn_cirq.circuits.circuit_loader import CircuitLoader
from qucnn_cirq.circuits.loaders import AUTO, LOADERS, Loader
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.compiler.assembly import Assembly, assemble
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Report
from qucnn_cirq.compiler.fallback import best_route
from qucnn_cirq.compiler.layouts import fitting_loaders, window_ladders
from qucnn_cirq.compiler.pinning import PlacementLike, read_placement
from qucnn_cirq.compiler.placement import Placement, best_placement
from qucnn_cirq.compiler.placing import placed
from qucnn_cirq.compiler.program import check_measured
from qucnn_cirq.compiler.request import ROUTED, Budget, Request, read_options
from qucnn_cirq.compiler.verification import Verification, simulated_mean
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.preparations import read_qubits
from qucnn_cirq.quantum_data import QuantumData, Window
from qucnn_cirq.specification import LARGEST_PATCH, ConvolutionSpec
from qucnn_cirq.validation import errors_of, validate


@cirq.value_equality
@dataclass(frozen=True, eq=False)
class WindowProgram:
    """Filters that slide over quantum data, compiled for a device.

    Attributes:
        data: The data.
        windows: The qubits of each window.
        spec: Filters and overlap test, on a register of a window's size.
        device: The device.
        compiled: For each filter the circuit of each window.
    """

    data: QuantumData
    windows: tuple[Window, ...]
    spec: ConvolutionSpec
    device: Device
    compiled: tuple[tuple[CompiledFilter, ...], ...]

    def __repr__(self) -> str:
        return f"<{self.spec!r} over {len(self.windows)} windows, compiled for {self.device.name}>"

    def _value_equality_values_(self) -> tuple[object, ...]:
        digests = tuple(each.template.digest for row in self.compiled for each in row)
        return digests, self.data, self.windows, self.spec, self.device

    def report(self, window: int = 0, *, filter_index: int = 0) -> Report:
        """What one circuit costs.

        Args:
            window: Number of the window, from 0.
            filter_index: Which of the filters, from 0.

        Raises:
            InputError: If a number is outside its range.
        """
        return self._find(window, filter_index).report

    def circuit(
        self,
        window: int,
        filter_parameters: ArrayLike | None = None,
        *,
        filter_index: int = 0,
    ) -> cirq.Circuit:
        """The native, measured circuit of one window.

        Args:
            window: Number of the window, from 0.
            filter_parameters: Angles of an ansatz in radians, shape (parameters,); None for other
                filters.
            filter_index: Which of the filters.

        Raises:
            InputError: If a number is outside its range or the parameters do not fit the filter.
        """
        found = self._find(window, filter_index)
        return found.template.bound_circuit({"filter": found.filter_table(filter_parameters)})

    def estimate(self, result: cirq.Result, window: int, *, filter_index: int = 0) -> float:
        """<f| rho |f> of a window as the shots of a run estimate it.

        Args:
            result: Result of running `circuit` on any ``cirq.Sampler``.
            window: Number of the window.
            filter_index: Which of the filters.

        Raises:
            InputError: If the result does not hold this program's measurement.
        """
        check_measured(result)
        return self._find(window, filter_index).template.overlap_from_result(result)

    def exact(self, parameters: ArrayLike | None = None) -> NDArray[np.float64]:
        """The noiseless values by linear algebra.

        Args:
            parameters: Angles of ansatz filters, shape (filters, parameters).

        Returns:
            Values in 0..1, shape (filters, windows).
        """
        states = filter_states(self.spec, parameters)
        columns = [self.data.overlaps(window, states) for window in self.windows]
        return np.stack(columns, axis=1)

    def verify(self, seed: int = 0) -> Verification:
        """Checks every circuit, at random parameters, by simulation and against the device.

        Args:
            seed: Seed of the parameters.

        Returns:
            What was found; ``passed`` tells whether all of it is right.
        """
        generator = np.random.default_rng(seed)
        shape = (self.spec.n_filters, self.spec.n_parameters)
        parameters = generator.uniform(-np.pi, np.pi, shape)
        expected = self.exact(parameters)
        deviations, violations = [], []
        for row, of_filter in enumerate(self.compiled):
            for column, found in enumerate(of_filter):
                circuit = self.circuit(column, parameters[row], filter_index=row)
                violations += errors_of(validate(circuit, self.device))
                mean = simulated_mean(circuit, found.template.observable)
                deviations.append(abs(mean - expected[row, column]))
        return Verification(len(deviations), float(max(deviations)), tuple(violations))

    def _find(self, window: int, filter_index: int) -> CompiledFilter:
        for key, index, sequence in (
            ("filter_index", filter_index, self.compiled),
            ("window", window, self.windows),
        ):
            if not 0 <= index < len(sequence):
                raise InputError(f"{key} = {index} is outside 0..{len(sequence) - 1}.")
        return self.compiled[filter_index][window]


def compile_windows(
    data: QuantumData | cirq.AbstractCircuit,
    filters: Filter | cirq.AbstractCircuit | Sequence[Filter | cirq.AbstractCircuit],
    device: DeviceLike = "willow_pink",
    *,
    size: int,
    stride: int = 1,
    windows: Sequence[Sequence[cirq.Qid]] | None = None,
    overlap: str = "ancilla",
    layout: str = "auto",
    gate_set: str | None = None,
    walkers: int = 1,
    dynamical_decoupling: str | None = None,
    placement: PlacementLike = None,
) -> WindowProgram:
    """Compiles filters that slide over quantum data.

    Of the data's circuit each window gets the part that its state depends on. Where that fits, the
    data sits on a row of the device with the filter below; if it has to be routed inside the row,
    routing the whole circuit is tried as well and the smaller predicted error wins.

    Args:
        data: The state, or its circuit.
        filters: As for `qucnn_cirq.ConvolutionSpec`, on ``size`` qubits: a fixed filter has
            2^size values, a circuit acts on ``size`` qubits.
        device: As for `qucnn_cirq.compile_convolution`.
        size: Qubits of a window, within 1..12.
        stride: Qubits between the starts of two windows.
        windows: The windows, each a list of ``size`` qubits of the data, in place of all
            neighbouring ones; they have no stride.
        overlap: As for `qucnn_cirq.ConvolutionSpec`, but "auto".
        layout: "auto", "ladder" or "routed".
        gate_set: As for `qucnn_cirq.compile_convolution`.
        walkers: As for `qucnn_cirq.compile_convolution`.
        dynamical_decoupling: As for `qucnn_cirq.compile_convolution`.
        placement: As for `qucnn_cirq.compile_convolution`; a list of qubits only.

    Raises:
        InputError: If an argument is outside its range, or a circuit does not fit the device.
    """
    source = data if isinstance(data, QuantumData) else QuantumData(data)
    size = whole_number("size", size, 1, LARGEST_PATCH.bit_length() - 1)
    if windows is None:
        chosen = source.windows(size, stride)
    else:
        if stride != 1:
            raise InputError(
                f"stride = {shown(stride)} has no effect on windows that are listed: leave it out."
            )
        try:
            listed = list(windows)
        except Exception:
            # A class of the user's may fail in a way of its own.
            listed = []
        chosen = tuple(read_qubits("windows", window) for window in listed)
    if not chosen or any(len(window) != size for window in chosen):
        raise InputError(f"windows must be lists of size = {size} qubits, at least one.")
    if not OVERLAP_TESTS[overlap].takes_quantum_data:
        raise InputError(
            f"overlap = {shown(overlap)} needs data that are known vectors: choose another test."
        )
    one_of("layout", layout, ("auto", "ladder", ROUTED))
    spec = ConvolutionSpec(kernel=(1, 2**size), filters=filters, overlap=overlap)
    target = load_device(device)
    options = read_options(spec, target, gate_set, walkers, dynamical_decoupling)
    pinning = read_placement(placement, target)
    if pinning.roles:
        raise InputError("placement of windows must be a list of qubits, not a mapping.")
    request = Request(
        spec, target, layout, AUTO, tuple(LOADERS.values()), options, Budget(0.0), pinning
    )
    return WindowProgram(
        source,
        chosen,
        spec,
        target,
        tuple(
            tuple(_compile_window(source, window, filter_, request) for window in chosen)
            for filter_ in spec.filter_list
        ),
    )


def _compile_window(
    data: QuantumData, window: Window, filter_: Filter, request: Request
) -> CompiledFilter:
    started = time.perf_counter()
    part = data.cone(window)
    row, start = _row(part.qubits, window)
    loader = CircuitLoader(part.circuit, row)
    filter_loader = _filter_loader(filter_, request)
    candidates = _candidates(filter_, loader, start, filter_loader, request)
    best = min(candidates, key=lambda each: each[1].predicted_error, default=None)
    if best is None:
        raise InputError(
            f"layout 'ladder' for data of {len(row)} qubits does not fit device "
            f"{request.device.name!r}; choose layout = 'auto'."
        )
    return CompiledFilter(filter_, (placed(*best, request, started),), filter_loader)


def _row(qubits: Window, window: Window) -> tuple[Window, int]:
    """The data's qubits side by side, the window's together, and where those start."""
    first = min(qubits.index(qubit) for qubit in window)
    left = tuple(qubit for qubit in qubits[:first] if qubit not in window)
    right = tuple(qubit for qubit in qubits[first:] if qubit not in window)
    return (*left, *window, *right), len(left)


def _filter_loader(filter_: Filter, request: Request) -> Loader:
    """The best loader on the row of a window, which all of its layouts have."""
    n_qubits = request.spec.register_qubits
    (layout, *_) = window_ladders(n_qubits, 0, n_qubits, request.options.test)
    loader = fitting_loaders(layout, request.loaders_of_size(), gate_set=request.options.gate_set)[
        0
    ]
    vector = filter_.fixed_vector(n_qubits)
    return loader if vector is None else loader.exact_for(vector)


def _candidates(
    filter_: Filter, loader: CircuitLoader, start: int, filter_loader: Loader, request: Request
) -> Iterator[tuple[Assembly, Placement]]:
    """Circuits with a place on the device."""
    device, options, pinning = request.device, request.options, request.pinning
    size = request.spec.register_qubits
    layouts = window_ladders(loader.n_qubits, start, size, options.test)
    needs_routing = True
    for layout in layouts if request.layout != ROUTED else ():
        assembly = assemble(filter_, layout, loader, filter_loader, options)
        placement = best_placement(assembly, device, options.gate_set, pinning)
        if placement is not None:
            # Routing inside the row shows in the second record.
            before, after = assembly.passes[:2]
            needs_routing &= after.two_qubit_gates > before.two_qubit_gates
            yield assembly, placement
    if request.layout == ROUTED or (request.layout == "auto" and needs_routing):
        assembly, placement = best_route(
            filter_, layouts[0], loader, filter_loader, options, device, pinning
        )
        yield assembly, placement
