"""``compile_convolution``: the compiler's front door."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

import cirq

from qucnn_cirq.checks import whole_number
from qucnn_cirq.circuits.loaders import LOADERS, make_loader
from qucnn_cirq.compiler.assembly import Assembly, Options, assemble, assemble_routed
from qucnn_cirq.compiler.gate_sets import GATE_SETS
from qucnn_cirq.compiler.layouts import LAYOUTS
from qucnn_cirq.compiler.placement import Placement, best_placement, unmoved
from qucnn_cirq.compiler.program import CompiledFilter, Program, Report
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.devices import Device, load_device
from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.filters import Filter, FixedFilter
from qucnn_cirq.specification import ConvolutionSpec

ROUTED = "routed"


def compile_convolution(
    spec: ConvolutionSpec,
    device: str | cirq.Device | Device = "willow_pink",
    *,
    layout: str = "auto",
    loader: str = "auto",
    gate_set: str | None = None,
    walkers: int = 1,
) -> Program:
    """Compiles a convolution for a device.

    Every layout that fits is compiled and placed, and the one with the smallest predicted error
    is taken. Where none fits, the whole circuit is routed instead. The result is deterministic;
    the same request a second time returns the same object.

    For 4x4 kernels ``layout="ladder"`` is shorter still (34 CZ gates instead of 40, or 18 instead
    of 24 for the destructive test), but its angles are solved for, at about a millisecond a patch
    and now and then much more, so it has to be asked for.

    Args:
        spec: The convolution.
        device: A name ("willow_pink", "grid:5x6", ...), a device, or a Cirq device.
        layout: "auto", "plaquettes", "ladder" or "routed".
        loader: "auto", "schmidt", "line" or "multiplexed".
        gate_set: "cz", "sqrt_iswap" or "syc"; None takes the device's first.
        walkers: Ancillas of the ancilla test, 1 or 2. Two walk at the same time and are read in
            parity: about half the depth for one more readout error.

    Raises:
        InputError: If a name is unknown, the device does not offer the gate set, or the
            circuit does not fit the device.
    """
    target = load_device(device)
    gates = target.default_gate_set if gate_set is None else gate_set
    if gates not in GATE_SETS:
        raise unknown_name("gate set", gates, GATE_SETS)
    if gates not in target.two_qubit_gates:
        raise InputError(
            f"device {target.name!r} does not offer gate_set = {gates!r}; it offers "
            f"{', '.join(target.two_qubit_gates)}."
        )
    if layout not in (*LAYOUTS, ROUTED, "auto"):
        raise unknown_name("layout", layout, (*LAYOUTS, ROUTED, "auto"))
    if loader not in (*LOADERS, "auto"):
        raise unknown_name("loader", loader, (*LOADERS, "auto"))
    options = Options(
        spec.overlap, spec.backward, whole_number("walkers", walkers, minimum=1), gates
    )
    _check_walkers(spec, options.walkers)
    return _compile(spec, target, layout, loader, options)


def _check_walkers(spec: ConvolutionSpec, walkers: int) -> None:
    if walkers > 1 and spec.overlap != "ancilla":
        raise InputError(f"walkers = {walkers}: the {spec.overlap} test has no ancilla that walks.")
    if walkers > min(2, spec.register_qubits):
        raise InputError(
            f"walkers = {walkers}: there can be 1 or 2, and at most one for each of the "
            f"{spec.register_qubits} pairs of qubits."
        )


@functools.lru_cache(maxsize=64)
def _compile(
    spec: ConvolutionSpec, device: Device, layout: str, loader: str, options: Options
) -> Program:
    structures: dict[object, CompiledFilter] = {}
    compiled: list[CompiledFilter] = []
    for filter_ in spec.filter_list:
        # All fixed filters share one structure: only their angles differ.
        key = FixedFilter if isinstance(filter_, FixedFilter) else filter_
        if key not in structures:
            structures[key] = _compile_filter(filter_, spec, device, layout, loader, options)
        shared = structures[key]
        compiled.append(
            CompiledFilter(filter_, shared.loader, shared.template, shared.passes, shared.report)
        )
    return Program(spec, device, tuple(compiled))


def _compile_filter(
    filter_: Filter,
    spec: ConvolutionSpec,
    device: Device,
    layout: str,
    loader: str,
    options: Options,
) -> CompiledFilter:
    started = time.perf_counter()
    needed = _qubits_needed(spec, options)
    if needed > device.n_qubits:
        raise InputError(
            f"a {spec.overlap} test of kernel {spec.kernel} with {spec.channels} channel(s) needs "
            f"{needed} qubits; device {device.name!r} has {device.n_qubits}. Choose a smaller "
            "kernel or a larger device."
        )
    best: tuple[Assembly, Placement] | None = None
    for candidate in _candidates(filter_, spec, layout, loader, options):
        placement = best_placement(candidate, device, options.gate_set)
        if placement and (best is None or placement.predicted_error < best[1].predicted_error):
            best = (candidate, placement)
    if best is None:
        if layout not in ("auto", ROUTED):
            raise InputError(
                f"layout {layout!r} for {spec.register_qubits} qubits a register does not fit "
                f"device {device.name!r}; choose layout = 'auto'."
            )
        assembly = _routed(filter_, spec, loader, options, device)
        best = assembly, unmoved(assembly, device, options.gate_set)
    return _placed(filter_, *best, device, options.gate_set, started)


def _qubits_needed(spec: ConvolutionSpec, options: Options) -> int:
    """Data and filter registers, the ancillas and the backward reader."""
    n_qubits = spec.register_qubits
    extra = {"ancilla": options.walkers, "destructive": 0, "inversion": -n_qubits}
    return 2 * n_qubits + extra[spec.overlap] + int(spec.backward)


def _candidates(
    filter_: Filter, spec: ConvolutionSpec, layout: str, loader: str, options: Options
) -> Iterator[Assembly]:
    n_qubits = spec.register_qubits
    for name, make_layout in LAYOUTS.items():
        positions = make_layout(n_qubits, spec.overlap) if layout in (name, "auto") else None
        if positions is None:
            continue
        loaders = [make_loader(each, n_qubits) for each in positions.loaders]
        if loader != "auto":
            chosen = [each for each in loaders if each.name == loader]
        elif layout == "auto":
            chosen = [each for each in loaders if each.is_closed_form][:1]
        else:
            chosen = loaders[:1]
        for each in chosen:
            yield assemble(filter_, positions, each, options)


def _routed(
    filter_: Filter, spec: ConvolutionSpec, loader: str, options: Options, device: Device
) -> Assembly:
    n_qubits = spec.register_qubits
    positions = next(
        found for make in LAYOUTS.values() if (found := make(n_qubits, spec.overlap)) is not None
    )
    loader_name = positions.loaders[0] if loader == "auto" else loader
    return assemble_routed(filter_, positions, make_loader(loader_name, n_qubits), options, device)


def _placed(
    filter_: Filter,
    assembly: Assembly,
    placement: Placement,
    device: Device,
    gate_set: str,
    started: float,
) -> CompiledFilter:
    positions = placement.positions
    template = Template(
        circuit=assembly.circuit.transform_qubits(positions).freeze(),
        observable=assembly.observable.on(positions),
        data_qubits=tuple(positions[qubit] for qubit in assembly.data),
        filter_qubits=tuple(positions[qubit] for qubit in assembly.filter),
    )
    device.validate(template.marked_circuit)
    last = assembly.passes[-1]
    report = Report(
        two_qubit_gates=last.two_qubit_gates,
        two_qubit_depth=last.two_qubit_depth,
        moments=last.moments,
        one_qubit_gates=last.one_qubit_gates,
        qubits=len(template.qubits),
        device=device.name,
        gateset=gate_set,
        layout=assembly.layout,
        loader=assembly.loader.name,
        predicted_error=placement.predicted_error,
        compile_seconds=time.perf_counter() - started,
    )
    return CompiledFilter(filter_, assembly.loader, template, assembly.passes, report)
