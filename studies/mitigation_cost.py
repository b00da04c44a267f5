"""What mitigation takes besides the shots of a patch: further circuits, gates and calibrations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.compiler.passes import two_qubit_gates
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import ExactEngine, Twirl, TwirledEngine
from qucnn_cirq.estimators import Estimator, Mitigation, Reading, readings_of
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.mitigation import CircuitMitigation, MitigationMethod
from studies.sweep.study import Row
from studies.wording import span_text

if TYPE_CHECKING:
    from studies.images import PatchBlocks

Array = NDArray[np.float64]
Parts = Iterable[tuple[Reading, Array]]
"""Circuits, each with the states of the patches that are run with it, shape (patches, 2^n)."""

COST_COLUMNS = {
    "circuits_a_patch": "different circuits of each patch and filter, which share its shots",
    "gates_of_a_shot": "two-qubit gates of a shot of these, the mean",
    "calibration_circuits": "calibration circuits of the mitigation, over all its circuits",
    "calibration_shots_taken": "their shots in all; 0 for exact means",
}
"""What the columns of a cost mean."""


MITIGATION = "mitigation"
"""The setting, which is a column where it is swept."""
_MANY = 10**6
MOST_SAMPLED = 300
"""Patches over which costs are averaged."""


def spread_rows(available: int) -> NDArray[np.intp]:
    """Row numbers spread over all, few enough for a look at each, shape (rows,).

    Args:
        available: Rows that there are.
    """
    return np.unique(np.linspace(0, available - 1, MOST_SAMPLED).astype(np.intp))


def parts_of(
    program: Program, parameters: Array, noise: Noise, states: Array
) -> Iterator[tuple[Reading, Array]]:
    """The circuits of all filters, each with the patches that are run with it.

    Args:
        program: The compiled convolution.
        parameters: Angles of the filters, shape (filters, parameters).
        noise: The noise that is assumed.
        states: Unit vectors, shape (patches, 2^n).
    """
    spec, engine = program.spec, ExactEngine()
    for row, vector in enumerate(filter_states(spec, parameters)):
        compiled = program.filters[row]
        table = compiled.filter_table(parameters[row] if spec.n_parameters else None)
        readings = readings_of(compiled, table, vector, noise, engine)
        for load in compiled.load(states):
            yield readings[load.index], states[load.columns]


def cost_row(
    mitigation: Mitigation | MitigationMethod | Estimator | None, parts: Parts, shots: int | None
) -> Row:
    """What mitigation takes.

    Args:
        mitigation: A layer's, a method or an estimator, of which calibrations are counted that it
            has run; None for none.
        parts: As `parts_of` gives them.
        shots: Shots of a patch; None for exact means, of which infinitely many are taken.

    Returns:
        The columns `COST_COLUMNS`; none without mitigation.

    Raises:
        InputError: If a method does not serve the circuits, or there are too few shots.
    """
    by: object = mitigation
    if isinstance(mitigation, CircuitMitigation):
        by = mitigation.method
    elif isinstance(mitigation, Mitigation):
        by = mitigation.estimator
    if by is None:
        return {}
    twirl = mitigation.twirl if isinstance(mitigation, Mitigation) else None
    circuits, gates, patches = 1, 0.0, 0
    calibrations = getattr(by, "calibration_circuits", 0)
    taken = getattr(by, "calibration_shots", 0)
    if isinstance(by, MitigationMethod):
        calibrations = taken = 0
    for reading, states in parts:
        template = reading.variant.template
        own, templates, count = float(two_qubit_gates(template.circuit)), [template], 1
        if isinstance(by, MitigationMethod):
            plan = by.outline(reading, states[:1])
            cost = plan.cost(_MANY if shots is None else shots)
            own, count = cost.two_qubit_gates, cost.circuits
            templates = [run.template for run in plan.runs if not run.is_calibration]
            calibrations += sum(run.is_calibration for run in plan.runs)
            taken += cost.calibration_shots
        # Each shares its shots among those that do the same.
        more = sum(_forms(reading, each, twirl) - 1 for each in templates)
        circuits = max(circuits, count + more)
        gates += own * len(states)
        patches += len(states)
    return {
        "circuits_a_patch": circuits,
        "gates_of_a_shot": gates / max(1, patches),
        "calibration_circuits": calibrations,
        "calibration_shots_taken": taken,
    }


def _forms(reading: Reading, template: Template, twirl: Twirl | None) -> int:
    """Circuits among which the shots of one are shared."""
    engine = reading.engine
    if isinstance(engine, TwirledEngine):
        return len(engine.forms(template, reading.noise))
    return 1 if twirl is None else len(twirl.forms(template, reading.noise))


def seconds_to_prepare(circuits: int, program: Program) -> float:
    """About how long an engine takes to prepare the circuits of a method.

    Args:
        circuits: Circuits of a patch.
        program: The compiled convolution, of which each circuit that loads patches has as many.
    """
    each = sum(len(compiled.variants) for compiled in program.filters)
    return 0.03 * each * circuits if circuits > 1 else 0.0


def sampled_cost(layer: QuantumConvolution, blocks: PatchBlocks, shots: int) -> Row:
    """What a layer's mitigation takes, the mean over some of the patches.

    Args:
        layer: The layer, after it has run.
        blocks: The patches.
        shots: Shots of a patch.
    """
    if layer.mitigation is None or not blocks.grid.n_occupied:
        return {}
    states = blocks.states(spread_rows(blocks.grid.n_occupied))
    parts = parts_of(layer.program, layer.parameters, layer.noise, states)
    return cost_row(layer.mitigation, parts, shots)


def with_circuits(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the number of circuits beside the names of methods that run several.

    Args:
        table: Results, with `COST_COLUMNS` or without.
    """
    if not {MITIGATION, "circuits_a_patch"} <= set(table):
        return table
    labels = {}
    for name, circuits in table.groupby(MITIGATION)["circuits_a_patch"]:
        known = circuits.dropna()
        if len(known) and known.max() > 1:
            labels[name] = f"{name} ({span_text(known, '.0f')} circuits)"
    return table.assign(**{MITIGATION: table[MITIGATION].replace(labels)})


def cost_lines(table: pd.DataFrame) -> list[str]:
    """What mitigation takes of a sweep, a line for each that takes more than the plain circuit.

    Args:
        table: Results, with `COST_COLUMNS` or without.
    """
    if "circuits_a_patch" not in table:
        return []
    lines = []
    known = table[table["circuits_a_patch"].notna()]
    names = known[MITIGATION] if MITIGATION in known else pd.Series(MITIGATION, known.index)
    for name, own in known.groupby(names, sort=False):
        texts = dict.fromkeys(cost_text(row) for _, row in own.iterrows())
        spent = [text for text in texts if text]
        if spent:
            more = f", and {len(spent) - 1} more" if len(spent) > 1 else ""
            lines.append(f"{name} takes {spent[0]}{more}, of the same shots a patch")
    return lines


def cost_text(row: Mapping[Any, Any]) -> str:
    """What mitigation takes, in words; empty where that is the plain circuit alone.

    Args:
        row: A row of results, with `COST_COLUMNS` or without.
    """
    parts = []
    if row.get("circuits_a_patch", 0) > 1:
        circuits, gates = row["circuits_a_patch"], row["gates_of_a_shot"]
        parts.append(f"{circuits:.0f} circuits of {gates:.1f} gates")
    if row.get("calibration_circuits", 0) > 0:
        shots = row["calibration_shots_taken"]
        how = f"{shots:.0f} shots in all" if shots else "exact"
        parts.append(f"{row['calibration_circuits']:.0f} calibration circuits ({how})")
    return ", ".join(parts)
