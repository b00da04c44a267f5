"""Several patches, or several filters, tested at the same time on one device.

A program is compiled once and moved to disjoint places; one circuit then holds a copy in each of
them, and all are measured in its last moment. Without crosstalk the copies know nothing of each
other, so that each estimate has the distribution of its own program.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models.checks import whole_number
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.compiled_filter import Report, Variant
from qucnn_cirq.compiler.packing import disjoint_placements
from qucnn_cirq.compiler.passes import schedule_as_late_as_possible
from qucnn_cirq.compiler.placement import Positions
from qucnn_cirq.compiler.program import Program, check_measured
from qucnn_cirq.compiler.template import MEASUREMENT_KEY
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.compiler.verification import Verification
from qucnn_cirq.devices import DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.specification import ConvolutionSpec
from qucnn_cirq.validation import errors_of, validate


@dataclass(frozen=True)
class ParallelProgram:
    """Copies of a program in disjoint places of one device.

    Attributes:
        copies: The same program in each of its places, the least predicted error first.
    """

    copies: tuple[Program, ...]

    def __repr__(self) -> str:
        return f"<{len(self.copies)} copies of {self.copies[0]!r}>"

    @property
    def report(self) -> Report:
        """What one circuit with all copies costs; its predicted error is that of the worst copy."""
        reports = [copy.report for copy in self.copies]
        return replace(
            reports[0],
            two_qubit_gates=sum(report.two_qubit_gates for report in reports),
            one_qubit_gates=sum(report.one_qubit_gates for report in reports),
            qubits=sum(report.qubits for report in reports),
            predicted_error=max(report.predicted_error for report in reports),
        )

    def circuit(
        self,
        patches: ArrayLike,
        filter_parameters: ArrayLike | None = None,
        *,
        filter_index: int | Sequence[int] = 0,
        upstream: float | Sequence[float] | None = None,
    ) -> cirq.Circuit:
        """The native circuit in which every copy tests its own patch, all measured together.

        Args:
            patches: Up to as many patches as there are copies, shape (patches, rows, columns) or
                (patches, channels, rows, columns). A single patch is compared with every filter
                in ``filter_index``.
            filter_parameters: Angles of an ansatz, shape (parameters,) or (patches, parameters).
            filter_index: Which of the specification's filters: one for all, or one for each copy.
            upstream: As for `Program.circuit`: one for all, or one for each copy.

        Raises:
            InputError: If there are more patches than copies, lists are not equally long, or as
                for `Program.circuit`.
        """
        filters = [filter_index] if isinstance(filter_index, int) else list(filter_index)
        batch = self._batch(patches)
        count = max(len(batch), len(filters))
        if count > len(self.copies):
            raise InputError(
                f"{count} tests at the same time; this program has {len(self.copies)} copies."
            )
        angles: list[Any] = [None]
        if filter_parameters is not None:
            angles = list(np.atleast_2d(np.asarray(filter_parameters, float)))
        values = [upstream] if upstream is None or np.ndim(upstream) == 0 else list(upstream)  # type: ignore[arg-type]
        settings = {
            "patches": batch,
            "filter_parameters": angles,
            "filter_index": filters,
            "upstream": values,
        }
        each = [_for_each(name, given, count) for name, given in settings.items()]
        circuits = [
            cirq.with_measurement_key_mapping(
                copy.circuit(patch, own, filter_index=index, upstream=value),
                {MEASUREMENT_KEY: _measurement_key(number)},
            )
            for number, (copy, patch, own, index, value) in enumerate(
                zip(self.copies, *each, strict=False)
            )
        ]
        return side_by_side(circuits)

    def estimate(
        self, result: cirq.Result, *, filter_index: int | Sequence[int] = 0
    ) -> NDArray[np.float64]:
        """The overlap that each copy measured.

        Args:
            result: Result of running `circuit` on any ``cirq.Sampler``.
            filter_index: As for `circuit`.

        Returns:
            Estimates of F (or g F, backward), shape (tests,): one for each copy that the circuit
            used.

        Raises:
            InputError: If the result does not hold this program's measurements.
        """
        count = sum(_measurement_key(i) in result.measurements for i in range(len(self.copies)))
        check_measured(result, _measurement_key(0))
        filters = [filter_index] if isinstance(filter_index, int) else list(filter_index)
        return np.array(
            [
                copy.filters[index].template.overlap_from_result(result, _measurement_key(number))
                for number, (copy, index) in enumerate(
                    zip(self.copies[:count], _for_each("filter_index", filters, count), strict=True)
                )
            ]
        )

    def verify(self, patches: int = 1, seed: int = 0) -> Verification:
        """Checks every copy by itself, and one circuit of all of them against the device.

        Args:
            patches: Random patches for each filter of each copy, at least 1.
            seed: Seed of the patches.
        """
        found = [copy.verify(patches, seed) for copy in self.copies]
        spec = self.copies[0].spec
        generator = np.random.default_rng(seed)
        shape = (len(self.copies), spec.channels, *spec.kernel_pair)
        angles = generator.uniform(-np.pi, np.pi, spec.n_parameters)
        together = self.circuit(generator.normal(size=shape), angles)
        return Verification(
            sum(each.circuits for each in found),
            max(each.largest_deviation for each in found),
            (
                *itertools.chain.from_iterable(each.violations for each in found),
                *errors_of(validate(together, self.copies[0].device)),
            ),
        )

    def _batch(self, patches: ArrayLike) -> list[NDArray[Any]]:
        spec = self.copies[0].spec
        array = np.asarray(patches)
        single = 2 if spec.channels == 1 else 3
        is_single = array.ndim == single and array.shape[-2:] == spec.kernel_pair
        return [array] if is_single else list(array)


def _measurement_key(copy: int) -> str:
    """The key under which a copy's bits are recorded."""
    return f"{MEASUREMENT_KEY}_{copy}"


def compile_parallel(
    spec: ConvolutionSpec,
    device: DeviceLike = "willow_pink",
    copies: int | None = None,
    *,
    spacing: int = 0,
    **settings: Any,
) -> ParallelProgram:
    """Compiles a convolution and places as many copies as asked for on one device.

    Args:
        spec: The convolution. Every copy can test every one of its filters.
        device: As for `qucnn_cirq.compile_convolution`.
        copies: How many, at least 1; None for as many as are found to fit.
        spacing: Rows of unused qubits to keep between two copies, against crosstalk.
        **settings: As for `qucnn_cirq.compile_convolution`.

    Raises:
        InputError: If fewer copies fit, or as for `qucnn_cirq.compile_convolution`.
    """
    wanted = None if copies is None else whole_number("copies", copies, minimum=1)
    gap = whole_number("spacing", spacing, minimum=0)
    program = _in_one_place(compile_convolution(spec, device, **settings), settings)
    circuits = [compiled.template.circuit for compiled in program.filters]
    variants = [variant for compiled in program.filters for variant in compiled.variants]
    couplers = [pair for each in variants for pair in Usage.of(each.template.circuit).two_qubit]
    usage = Usage.of(cirq.Circuit(moment for circuit in circuits for moment in circuit), couplers)
    target = load_device(device)
    places = disjoint_placements(usage, target, program.report.gateset, wanted, gap)
    if wanted is not None and len(places) < wanted:
        raise InputError(
            f"copies = {wanted} do not fit device {target.name!r}: {len(places)} were found to; "
            "ask for fewer, for less spacing or for a larger device."
        )
    return ParallelProgram(tuple(_moved(program, place.positions) for place in places))


def _in_one_place(program: Program, settings: dict[str, Any]) -> Program:
    """The program with the circuits of all filters on the same qubits, where they fit there.

    Filters of different structures have each the best place of their own, and a copy would need
    all of them.
    """
    longest = max(program.filters, key=lambda compiled: compiled.report.two_qubit_gates)
    qubits = longest.template.qubits
    together = {qubit for compiled in program.filters for qubit in compiled.template.qubits}
    if len(together) == len(qubits) or isinstance(settings.get("placement"), Mapping):
        return program
    settings = {**settings, "placement": qubits}
    try:
        found = compile_convolution(program.spec, program.device, **settings)
    except InputError:
        return program
    pairs = zip(found.filters, program.filters, strict=True)
    longer = any(a.report.two_qubit_gates > b.report.two_qubit_gates for a, b in pairs)
    return program if longer else found


def _moved(program: Program, positions: Positions) -> Program:
    variants = [variant for compiled in program.filters for variant in compiled.variants]
    # Filters that share a circuit go on sharing it.
    templates = {
        template: template.moved(positions)
        for template in dict.fromkeys(variant.template for variant in variants)
    }

    @functools.cache
    def moved(variant: Variant) -> Variant:
        usage = Usage.of(variant.template.circuit)
        error = usage.predicted_error(positions, program.device, variant.report.gateset)
        report = replace(variant.report, predicted_error=error)
        return replace(variant, template=templates[variant.template], report=report)

    filters = (
        replace(compiled, variants=tuple(moved(variant) for variant in compiled.variants))
        for compiled in program.filters
    )
    return replace(program, filters=tuple(filters))


def _for_each(name: str, given: Sequence[Any], count: int) -> Sequence[Any]:
    """One for each copy; a single one serves all."""
    if len(given) not in (1, count):
        raise InputError(
            f"{name} has {len(given)} entries for {count} copies: give one, or {count}."
        )
    return given if len(given) == count else [given[0]] * count


def side_by_side(circuits: Sequence[cirq.Circuit]) -> cirq.Circuit:
    """Circuits on different qubits as one, all ending in the same moment.

    Args:
        circuits: One or more; measurement keys are to differ.
    """
    longest = max(map(len, circuits))
    aligned = [[cirq.Moment()] * (longest - len(c)) + list(c) for c in circuits]
    moments = [
        cirq.Moment(op for moment in column for op in moment)
        for column in zip(*aligned, strict=True)
    ]
    together = cirq.Circuit(moments)
    if all(len({len(op.qubits) for op in moment}) <= 1 for moment in moments[:-1]):
        return together
    # Circuits of another rhythm: one- and two-qubit gates must not share a moment.
    return schedule_as_late_as_possible(together)
