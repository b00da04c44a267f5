"""The last steps of compiling one circuit: its filter's vector, its template, its report."""

from __future__ import annotations

import time
from dataclasses import asdict

from qucnn_cirq.compiler.assembly import Assembly
from qucnn_cirq.compiler.compiled_filter import Report, Variant
from qucnn_cirq.compiler.placement import Placement
from qucnn_cirq.compiler.request import Request
from qucnn_cirq.validation import check


def placed(assembly: Assembly, placement: Placement, request: Request, started: float) -> Variant:
    """The template and the report of an assembly that has been given its place.

    Args:
        assembly: The circuit in coordinates of its own.
        placement: Where it goes.
        request: What was asked for.
        started: When compiling began, by ``time.perf_counter``.

    Raises:
        InputError: If the device cannot run the circuit.
    """
    device = request.device
    template = assembly.template.moved(placement.positions)
    check(template.marked_circuit, device)
    counts = asdict(assembly.passes[-1])
    del counts["name"]
    report = Report(
        **counts,
        qubits=len(template.qubits),
        device=device.name,
        gateset=request.options.gate_set,
        layout=assembly.layout,
        loader=assembly.loader.name,
        predicted_error=placement.predicted_error,
        compile_seconds=time.perf_counter() - started,
    )
    return Variant(assembly.loader, assembly.filter_loader, template, assembly.passes, report)
