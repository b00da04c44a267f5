"""Where the circuits of a study sit on their device, and the errors of its qubits and couplers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from qucnn_cirq.compiler.program import Program
from qucnn_cirq.drawing.device_figure import add_colour_bars, device_rows, plot_device
from qucnn_cirq.drawing.placement import CircuitPlacement, placement_of
from qucnn_cirq.drawing.theme import theme
from qucnn_cirq.errors import InputError
from studies.drawing import PAGE, legend_below, save_drawn
from studies.sweep.axes import combinations, place, read_axes
from studies.sweep.study import Study

DEVICE_MAP = "device_map"
"""Name of the figure."""
_MOST_MAPS = 6
_MOST_PROGRAMS = 12
_PLACING = ("device", "gate_set", "layout", "loader", "walkers", "compiler")
"""Settings besides the convolution on which it depends where a circuit sits."""


def sweep_programs(study: Study, document: Mapping[str, Any]) -> list[Program]:
    """The compiled convolutions of a sweep that may sit on different qubits, in its order.

    Args:
        study: The study.
        document: Its configuration.

    Returns:
        At most a dozen; points that cannot be compiled are left out.
    """
    if study.program is None:
        return []
    programs: dict[str, Program | None] = {}
    for values in combinations(read_axes(document, study.study_keys)):
        settings = study.read(place(document, values))
        plain = settings.to_mapping()
        placing = {key: value for key, value in plain["study"].items() if key in _PLACING}
        convolution = {k: v for k, v in plain["convolution"].items() if k != "filters"}
        key = json.dumps([placing, convolution], sort_keys=True, default=str)
        if key in programs:
            continue
        if len(programs) == _MOST_PROGRAMS:
            break
        try:
            programs[key] = study.program(settings)
        except InputError:
            # The point itself says why.
            programs[key] = None
    return [program for program in programs.values() if program is not None]


def draw_device_map(programs: Iterable[Program], folder: Path) -> list[str]:
    """Draws a map for each different placement and saves what it shows.

    Args:
        programs: Compiled convolutions.
        folder: An existing folder.

    Returns:
        The name of the figure, without suffix; nothing if there is no program.
    """
    maps: dict[tuple[object, ...], tuple[Program, CircuitPlacement]] = {}
    for program in programs:
        placement = placement_of(program.filters[0].template.circuit)
        roles = tuple(sorted(placement.roles.items()))
        key = (program.device.name, program.report.gateset, roles, placement.walks)
        if len(maps) < _MOST_MAPS:
            maps.setdefault(key, (program, placement))
    if not maps:
        return []
    with theme("white"):
        figure, data = _map_figure(list(maps.values()))
        save_drawn(figure, data, folder, DEVICE_MAP)
    return [DEVICE_MAP]


def _map_figure(maps: list[tuple[Program, CircuitPlacement]]) -> tuple[Figure, pd.DataFrame]:
    columns = min(len(maps), 2)
    rows = -(-len(maps) // columns)
    across = (PAGE - 1.7) / columns
    # A cell as high as wide, within what a page has room for.
    shape = [_rows_over_columns(program) for program, _ in maps]
    height = sum(
        min(across * max(shape[row * columns : (row + 1) * columns]) + 0.6, 4.6)
        for row in range(rows)
    )
    figure = Figure(figsize=(PAGE, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    groups: dict[tuple[str, str], list[int]] = {}
    parts = []
    for number, (axes, (program, placement)) in enumerate(zip(panels, maps, strict=False)):
        device, gate_set, spec = program.device, program.report.gateset, program.spec
        plot_device(axes, device, placement, gate_set=gate_set, colour_bars=False)
        calibrated = "" if device.is_calibrated else " (not calibrated)"
        kernel = "x".join(map(str, spec.kernel_pair))
        # With a measurement nothing is compared: `overlap` has no say then.
        read = f"{spec.overlap} test" if spec.measurement is None else spec.measurement.kind
        title = f"{device.name}{calibrated}, {kernel} kernel, {read}"
        axes.set_title(f"{title}:\n{program.report.qubits} of {device.n_qubits} qubits")
        groups.setdefault((device.name, gate_set), []).append(number)
        data = device_rows(device, placement, gate_set=gate_set)
        parts.append(pd.DataFrame(data).assign(map=title))
    for unused in panels[len(maps) :]:
        unused.set_axis_off()
    legend_below(figure, panels[: len(maps)])
    for (_, gate_set), own in groups.items():
        # One device has one pair of colour bars, beside all of its maps.
        chosen = list(panels) if len(groups) == 1 else [panels[number] for number in own]
        add_colour_bars(chosen, maps[own[0]][0].device, gate_set=gate_set)
    return figure, pd.concat(parts, ignore_index=True)


def _rows_over_columns(program: Program) -> float:
    qubits = list(program.device.graph)
    rows = max(q.row for q in qubits) - min(q.row for q in qubits) + 1.2
    columns = max(q.col for q in qubits) - min(q.col for q in qubits) + 1.2
    return float(rows / columns)
