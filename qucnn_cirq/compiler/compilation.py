"""``compile_convolution``: the compiler's front door."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import attrs

from noise_models import NoiseLike
from noise_models.checks import instance_of, true_or_false
from qucnn_cirq.circuits.overlap_tests import AUTO, OVERLAP_TESTS
from qucnn_cirq.compiler.filter_compilation import compiled_program
from qucnn_cirq.compiler.pinning import PlacementLike, read_placement
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.request import (
    Request,
    check_loaded_filters,
    read_budget,
    read_names,
    read_options,
)
from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.specification import ConvolutionSpec

_LOGGER = logging.getLogger(__name__)


def compile_convolution(
    spec: ConvolutionSpec,
    device: DeviceLike = "willow_pink",
    *,
    layout: str = "auto",
    loader: str = "auto",
    gate_set: str | None = None,
    walkers: int = 1,
    infidelity: float | str = 0.0,
    noise: NoiseLike = None,
    dynamical_decoupling: str | None = None,
    placement: PlacementLike = None,
    prove: bool = False,
    load_filters: bool = False,
) -> Program:
    """Compiles a convolution for a device.

    Every layout that fits is compiled and placed, and the one with the smallest predicted error
    is taken. Where none fits, or only one with more gates than another has, the whole circuit is
    routed, for one or two seconds. The result is deterministic; the same request a second time
    returns the same object.

    With an infidelity budget a program holds several circuits whose loaders differ, and each patch
    is run with one of them. That is for loaders with shorter, inexact forms (of the package's own
    those of three and four qubits on a ladder, and of five and six in CZ or SYC); where the best
    circuit has none, it is refused.

    Args:
        spec: The convolution. With ``overlap="auto"`` the program's specification names the
            overlap test that was chosen.
        device: A name ("willow_pink", "grid:5x6", ...), a device, or a Cirq device.
        layout: "auto", "plaquettes", "ladder" or "routed"; with a measurement also "embedded", for
            which the device is searched for the couplers that the filter's circuit uses.
        loader: "auto", "symplectic", "framed", "native", "line", "schmidt", "multiplexed" or, for
            the inversion test of a fixed filter of 9 to 16 values, "comparison" or
            "ring_comparison": patch and filter in one. Or one of your own, by the name with which
            it was registered or as "module:attribute". A loader that is named takes the fewest
            gates for each patch; "auto" takes up to two more where amplitudes stay real then, if
            the device is calibrated to have gates with wrong angles, which do less harm to those.
            With "auto" a filter's circuit that has no parameters and prepares a real vector gives
            way to a loader of that vector where that has the smaller predicted error.
        gate_set: "cz", "sqrt_iswap" or "syc"; None takes the device's first.
        walkers: Ancillas of the ancilla test, 1 or 2. Two walk at the same time and are read in
            parity: about half the depth for one more readout error.
        infidelity: Largest infidelity 1 - <x|y>^2 with which a patch x may be loaded as y, within
            0..1: every patch gets the shortest loader that stays below. 0 is exact. "auto" takes
            for every patch the loader with the smallest expected error under ``noise``, see
            `qucnn_cirq.circuits.loading_rule.LoadingRule`. A filter is always exact.
        noise: The noise that "auto" weighs a shorter circuit against; as for
            `qucnn_cirq.QuantumConvolution`. Given without "auto" it is refused.
        dynamical_decoupling: Pulses for qubits that wait between two gates: "XX", "YY", "XY4", or
            None for none. They cancel slow phase errors, which depolarising, readout and thermal
            noise are not: under those they only cost gates.
        placement: Where the circuit must be: a list of qubits out of which the compiler may
            choose; or a mapping from any of "data", "filter" and "ancilla" to their qubits in
            order (as `Program.placement` gives them). A qubit is a ``cirq.GridQubit``, a
            pair (row, column) or text "row_column". All of it may be one text: "2_1 2_2", or
            "data = 2_1 2_2, filter = 3_1 3_2". None leaves it to the compiler.
        load_filters: Whether a filter that is a circuit is loaded as a vector: for each set of its
            parameters the state is computed, and angles are solved for with which a short loader
            prepares it, 1, 3 or 6 CZ on 2, 3 or 4 qubits. For up to 4 qubits.
        prove: Whether to prove the circuits at once, see `Program.proof`: not on samples, but for
            all angles and on a basis of states. It takes 0.1 to 2 s for kernels of 4x4.

    Raises:
        InputError: If a name is unknown, the device does not offer the gate set, the
            circuit does not fit the device or the placement, the budget is outside its range, no
            filter is there that could be loaded, or a circuit is too large to be proved.
        NotProvedError: If a circuit is not equal to the mathematics, which is an error of the
            package or of an overlap test of your own.
    """
    instance_of("spec", spec, ConvolutionSpec, "ConvolutionSpec(...)")
    target = load_device(device)
    prove = true_or_false("prove", prove)
    if spec.overlap == AUTO:
        settings = {
            "layout": layout,
            "loader": loader,
            "gate_set": gate_set,
            "infidelity": infidelity,
            "noise": noise,
            "dynamical_decoupling": dynamical_decoupling,
            "placement": placement,
            "load_filters": load_filters,
        }
        program = _best_overlap_test(spec, target, walkers, settings)
        return _proved(program) if prove else program
    loaders = read_names(layout, loader)
    if loader != AUTO and not spec.loads_vectors:
        raise InputError(
            f"loader = {loader!r} has no effect: encoding = {spec.encoding.kind!r} says what "
            "prepares a patch; leave loader = 'auto'."
        )
    options = read_options(spec, target, gate_set, walkers, dynamical_decoupling)
    pinning = read_placement(placement, target)
    budget = read_budget(infidelity, noise)
    if true_or_false("load_filters", load_filters):
        check_loaded_filters(spec)
    known = compiled_program.cache_info().hits
    program = compiled_program(
        Request(spec, target, layout, loader, loaders, options, budget, pinning, load_filters)
    )
    report = program.report
    if compiled_program.cache_info().hits > known:
        _LOGGER.debug("%r: compiled before, taken from memory", program)
        return _proved(program) if prove else program
    _LOGGER.info(
        "%r: %d two-qubit gates, depth %d, predicted error %.3f, %s layout, %s loader, %.2f s",
        program,
        report.two_qubit_gates,
        report.two_qubit_depth,
        report.predicted_error,
        report.layout,
        report.loader,
        report.compile_seconds,
    )
    return _proved(program) if prove else program


def _proved(program: Program) -> Program:
    """The program, which raises what `Program.proof` does."""
    assert program.proof.circuits
    return program


def _best_overlap_test(
    spec: ConvolutionSpec, device: Device, walkers: int, settings: Mapping[str, Any]
) -> Program:
    """The program of the overlap test with the smallest predicted error.

    Raises:
        InputError: If none can be compiled; the reason is that of the first, the ancilla test.
    """
    programs = []
    refusals = []
    for overlap, test in OVERLAP_TESTS.items():
        try:
            programs.append(
                compile_convolution(
                    attrs.evolve(spec, overlap=overlap),
                    device,
                    walkers=walkers if test.most_walkers > 1 else 1,
                    **settings,
                )
            )
        except InputError as error:
            refusals.append(error)
            _LOGGER.debug("overlap test %s is out: %s", overlap, error)
    if not programs:
        raise refusals[0]
    best = min(programs, key=lambda program: program.report.predicted_error)
    _LOGGER.debug(
        "overlap test %s is taken, of %s",
        best.spec.overlap,
        ", ".join(f"{each.spec.overlap} ({each.report.predicted_error:.4f})" for each in programs),
    )
    return best


def better_overlap_test(program: Program, **settings: Any) -> str | None:
    """Says which overlap test has a smaller predicted error than a program's own, if one has.

    Args:
        program: A compiled convolution.
        settings: What it was compiled with besides specification and device.

    Returns:
        A line for the user; None if the test is the best, is needed for a backward circuit, or
        is none.
    """
    if program.spec.backward or program.spec.measurement is not None:
        return None
    spec = attrs.evolve(program.spec, overlap=AUTO)
    own, best = program, compile_convolution(spec, program.device, **settings)
    if best.report.predicted_error >= own.report.predicted_error:
        return None
    return (
        f"convolution.overlap = {best.spec.overlap!r} has the predicted error "
        f"{best.report.predicted_error:.2g} (that anything in a circuit errs) instead of "
        f"{own.report.predicted_error:.2g}; see docs/overlap_tests.md, or choose 'auto'."
    )
