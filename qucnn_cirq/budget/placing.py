"""Where circuits sit on a device, chosen by the error of F and not by whether anything errs.

The compiler places a circuit where the probability that nothing errs is largest. That is quick, and
it weighs every gate and every bit alike. What errs does unequal harm, though: the readout of two
bits may be half of the error. Here every position is judged by the exact noisy overlaps of some
patches.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cirq
import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from noise_models import Noise, NoiseLike, as_noise
from noise_models.checks import instance_of, whole_number
from qucnn_cirq.advance import circuits_run, shown
from qucnn_cirq.budget.parts import checked_parameters
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Variant
from qucnn_cirq.compiler.placement import Positions, placements
from qucnn_cirq.compiler.program import Program, upstream_table
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.devices import DeviceLike
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import Patches, extract_patches
from qucnn_cirq.validation import check

FloatArray = NDArray[np.float64]

_MOST_FOUND = 20_000
"""Positions of which the predicted error is looked at."""
_MOST_JUDGED = 200
"""Positions that are judged by patches: those of least predicted error."""
_MOST_ORDERED = 4
"""Qubits of a register whose orders are all compiled: 24."""
_BEST_ORDERS = 3
"""Orders whose circuits are placed with care."""
_PLACES_AT_FIRST, _PATCHES_AT_FIRST, _COMPARED_AT_FIRST = 40, 24, 512
"""By what orders are told apart before: positions, patches that judge all of them, and patches that
judge the best."""
_FINALISTS = 8
"""Positions that are compared with all circuits of a filter, not the most frequent one alone."""
_MOST_COMPARED = 16_384
"""Patches with which the last positions and orders are compared: the best of very many on a few
patches is mostly the luckiest one."""


def compile_by_error(
    spec: ConvolutionSpec,
    device: DeviceLike = "willow_pink",
    *,
    noise: NoiseLike,
    images: ArrayLike,
    patches: int = 512,
    **options: Any,
) -> Program:
    """Compiles a convolution for the smallest RMS error of F on some patches.

    Overlaps do not change if the bits of elements' numbers are held by other qubits, but circuits
    and their errors do. The circuits of every order of the bits are placed in a few of the places,
    judged by a few patches, and those of the best three orders, and of the order of `spec`, as by
    `place_by_error`. Of these programs the best is taken on all patches that are given, so that it
    is never worse on them than the last one.

    Args:
        spec: The convolution, with filters that are vectors of at most four qubits.
        device: As for `qucnn_cirq.compile_convolution`; of grid qubits.
        noise: The noise that is expected, as for `qucnn_cirq.QuantumConvolution`.
        images: As for `place_by_error`.
        patches: As for `place_by_error`.
        options: What else `qucnn_cirq.compile_convolution` takes; no placement.

    Returns:
        A program whose specification has the order of bits that was chosen.

    Raises:
        InputError: If an argument is not allowed, or filters are no vectors of up to four qubits.
    """
    instance_of("spec", spec, ConvolutionSpec, "ConvolutionSpec(...)")
    if options.get("placement") is not None:
        raise InputError("placement is what is looked for: leave it out, or compile without this.")
    n_qubits = spec.register_qubits
    if n_qubits > _MOST_ORDERED:
        raise InputError(
            f"the register has {n_qubits} qubits, whose {math.factorial(n_qubits):,} orders are "
            f"too many to compile: up to {_MOST_ORDERED} are tried; see place_by_error."
        )
    if options.get("infidelity") == "auto":
        options["noise"] = noise
    most = whole_number("patches", patches, minimum=1)
    quick = _Effort(min(most, _PATCHES_AT_FIRST), _COMPARED_AT_FIRST, _PLACES_AT_FIRST)
    found: list[tuple[bool, float, int, Program]] = []
    with tqdm(
        itertools.permutations(range(n_qubits)),
        "trying",
        math.factorial(n_qubits),
        unit=" orders",
        delay=2.0,
        leave=False,
        disable=None,
    ) as orders:
        for number, order in enumerate(orders):
            program = compile_convolution(spec.in_order(order), device, **options)
            model, whole = _checked(program, noise, images)
            tried = _placed(program, model, whole, None, quick)
            square = _square(tried, model, whole, quick.compared)
            # The first order is that of `spec`, and comes first.
            found.append((number > 0, square, number, program))
    best = [
        place_by_error(program, noise, images, patches=most)
        for *_, program in sorted(found, key=lambda each: each[:3])[: 1 + _BEST_ORDERS]
    ]
    errors = [_square(each, *_checked(each, noise, images), _MOST_COMPARED) for each in best]
    return best[int(np.argmin(errors))]


def _square(program: Program, noise: Noise, patches: Patches, most: int) -> float:
    """The mean square of the error of F on some patches, over all filters."""
    total = 0.0
    for compiled in program.filters:
        samples = _samples(compiled, patches, compiled.filter_table(None), most)
        total += _Squares(samples, noise).at(None)
    return total


def place_by_error(
    program: Program,
    noise: NoiseLike,
    images: ArrayLike,
    *,
    parameters: ArrayLike | None = None,
    patches: int = 512,
) -> Program:
    """The same circuits where the RMS error of F is smallest on some patches.

    Each filter's circuits are moved as a whole to places of the device that have the couplers which
    they use; the gates stay as they are. The 200 places of least predicted error are judged by the
    circuit that most patches are run with, the best eight and the present one then by all circuits
    and on all patches that are given, up to 16,384 of them.

    Args:
        program: The compiled convolution, on a device of grid qubits.
        noise: The noise that is expected, as for `qucnn_cirq.QuantumConvolution`.
        images: Images like those that the program will be run on; shape (batch, rows, columns) or
            (batch, channels, rows, columns).
        parameters: Angles of trainable filters in radians, shape (filters, parameters).
        patches: How many patches places are searched with, spread evenly over the images; at
            least 1.

    Returns:
        The program, with its circuits elsewhere; itself where no place is better.

    Raises:
        InputError: If an argument is not allowed, or the device's qubits are on no grid.
    """
    instance_of("program", program, Program, "compile_convolution(spec, device)")
    most = whole_number("patches", patches, minimum=1)
    angles = checked_parameters(program, parameters)
    model, whole = _checked(program, noise, images)
    with shown("placing"):
        return _placed(program, model, whole, angles, _Effort(most))


@dataclass(frozen=True)
class _Effort:
    """How carefully places are searched for.

    Attributes:
        patches: Patches that judge all places.
        compared: Patches that judge the best of them.
        places: How many places are judged: those of least predicted error.
    """

    patches: int
    compared: int = _MOST_COMPARED
    places: int = _MOST_JUDGED


def _checked(program: Program, noise: NoiseLike, images: ArrayLike) -> tuple[Noise, Patches]:
    """The noise and the patches, if circuits may be placed by their error under it."""
    if program.spec.measurement is not None:
        raise InputError("placement by the error of F is for overlaps, not for measurements.")
    if not all(isinstance(qubit, cirq.GridQubit) for qubit in program.device.graph):
        raise InputError(f"device {program.device.name!r} is no grid that circuits are moved on.")
    model = as_noise(noise)
    model.check_places(program.device.graph, f"device {program.device.name!r}")
    patches = extract_patches(images, program.spec)
    if patches.n_occupied == 0:
        raise InputError("all patches are blank: give images that are not 0 everywhere.")
    return model, patches


def _placed(
    program: Program, noise: Noise, patches: Patches, angles: FloatArray | None, effort: _Effort
) -> Program:
    """The program with its circuits in the best place that is found; itself if none is better."""
    moved: dict[int, tuple[Variant, ...]] = {}
    filters = []
    for index, compiled in enumerate(program.filters):
        key = id(compiled.variants)
        if key not in moved:
            table = compiled.filter_table(None if angles is None else angles[index])
            few = _samples(compiled, patches, table, effort.patches)
            many = _samples(compiled, patches, table, max(effort.patches, effort.compared))
            positions = _best(few, many, noise, program, effort.places)
            moved[key] = compiled.variants
            if positions is not None:
                moved[key] = tuple(_moved(each, positions, program) for each in compiled.variants)
        filters.append(replace(compiled, variants=moved[key]))
    if all(one.variants is other.variants for one, other in zip(filters, program.filters,
                                                                strict=True)):  # fmt: skip
        return program
    return Program(program.spec, program.device, tuple(filters))


_Sample = tuple[Template, AngleTables, int]
"""A circuit, tables of the patches that are looked at, and how many patches they stand for."""


def _samples(
    compiled: CompiledFilter, patches: Patches, table: FloatArray, most: int
) -> list[_Sample]:
    """Patches of every circuit, the circuit of most patches first."""
    chosen = np.unique(np.linspace(0, patches.n_occupied - 1, most).round().astype(int))
    samples = []
    for load in compiled.load_patches(patches):
        rows = np.flatnonzero(np.isin(load.columns, chosen))
        if not len(rows):
            rows = np.array([0])
        tables = {"patch": load.angles[rows], "filter": table, "upstream": upstream_table(1.0)}
        samples.append((load.variant.template, tables, len(load.columns)))
    return sorted(samples, key=lambda sample: -sample[2])


def _best(
    few: Sequence[_Sample], many: Sequence[_Sample], noise: Noise, program: Program, most: int
) -> Positions | None:
    """Where the mean square error is smallest; None if that is where the circuits are.

    Args:
        few: What places are searched with; of the first circuit alone.
        many: What the best of them are compared with.
        noise: The noise.
        program: The program whose circuits they are.
        most: How many places are judged.
    """
    circuits = [template.circuit for template, _, _ in many]
    # All circuits of a filter sit on the same qubits, and any of them may use any coupler.
    couplers = {pair for circuit in circuits for pair in Usage.of(circuit).two_qubit}
    usage = Usage.of(circuits[0], sorted(couplers))
    places = [each for each in _placements(usage, program, most) if _fits(each, many)]
    search, compare = _Squares(few[:1], noise), _Squares(many, noise)
    first = sorted(range(len(places)), key=lambda number: search.at(places[number]))
    finalists = [(compare.at(places[number]), number) for number in first[:_FINALISTS]]
    if not finalists:
        return None
    least, number = min(finalists)
    return places[number] if least < compare.at(None) * (1 - 1e-9) else None


class _Squares:
    """Mean squares of the error of F on some patches.

    Args:
        samples: The circuits and their patches.
        noise: The noise.
    """

    def __init__(self, samples: Sequence[_Sample], noise: Noise) -> None:
        self._samples, self._noise = samples, noise
        self._ideal = [
            ExactEngine().means(template, as_noise(None), tables) for template, tables, _ in samples
        ]

    def at(self, positions: Positions | None) -> float:
        """Their weighted sum with the circuits at a place; None for where they are."""
        total = 0.0
        for (template, tables, weight), exact in zip(self._samples, self._ideal, strict=True):
            own = template if positions is None else template.moved(positions)
            means = ExactEngine().means(own, self._noise, tables)
            total += weight * float(np.mean((means - exact) ** 2))
            circuits_run(means.size)
        return total


def _placements(usage: Usage, program: Program, most: int) -> list[Positions]:
    """The places of least predicted error: the layout as it is drawn, or bent."""
    device, gate_set = program.device, program.report.gateset
    wanted = nx.Graph(list(usage.two_qubit))
    wanted.add_nodes_from(usage.qubits)
    matcher = nx.isomorphism.GraphMatcher(nx.Graph(device.graph), wanted)
    found = itertools.islice(matcher.subgraph_monomorphisms_iter(), _MOST_FOUND)
    bent = ({own: place for place, own in each.items()} for each in found)
    return heapq.nsmallest(
        most,
        itertools.chain(placements(usage, device), bent),
        key=lambda each: usage.predicted_error(each, device, gate_set),
    )


def _fits(positions: Positions, samples: Sequence[_Sample]) -> bool:
    """Whether it says of every qubit where it goes."""
    return all(set(template.qubits) <= positions.keys() for template, _, _ in samples)


def _moved(variant: Variant, positions: Positions, program: Program) -> Variant:
    """A circuit elsewhere; compiled when it is needed, if it was not yet."""

    def made() -> Variant:
        template = variant.template.moved(positions)
        check(template.marked_circuit, program.device)
        usage, gate_set = Usage.of(variant.template.circuit), variant.report.gateset
        error = usage.predicted_error(positions, program.device, gate_set)
        report = replace(variant.report, predicted_error=error)
        return Variant(variant.loader, variant.filter_loader, template, variant.passes, report)

    return Variant.deferred(variant.loader, variant.filter_loader, made)
