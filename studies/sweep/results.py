"""Reading results: tables, status, merging and exporting."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.files import atomic_write
from studies.files import CONFIGURATION
from studies.sweep.store import (
    CHUNKS,
    PLAN,
    decode_array,
    read_chunk,
    read_outcomes,
    read_plan,
)


@dataclass(frozen=True, eq=False)
class Status:
    """How far a sweep is.

    Attributes:
        study: The kind of sweep.
        points: How many points it has.
        done: How many were measured.
        failed: Axis values and error of each point that failed.
        seconds: Time that the measured points took, over all workers.
    """

    study: str
    points: int
    done: int
    failed: tuple[tuple[dict[str, Any], str], ...]
    seconds: float

    @property
    def missing(self) -> int:
        """Points that were neither measured nor failed."""
        return self.points - self.done - len(self.failed)

    def to_mapping(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "study": self.study,
            "points": self.points,
            "done": self.done,
            "failed": [{"values": values, "error": error} for values, error in self.failed],
            "missing": self.missing,
            "seconds": self.seconds,
        }


def status(folder: Path) -> Status:
    """How far the sweep in a folder is.

    Raises:
        InputError: If the folder holds no sweep, or a file of it is damaged.
    """
    plan = read_plan(folder)
    outcomes = read_outcomes(folder, plan)
    failed = tuple(
        (dict(values), error)
        for identity, values in plan.points
        if identity in outcomes and (error := outcomes[identity].error) is not None
    )
    return Status(
        plan.study,
        len(plan.points),
        len(outcomes) - len(failed),
        failed,
        sum(outcome.seconds for outcome in outcomes.values()),
    )


def state_text(state: Status) -> str:
    """A status in lines for a terminal."""
    lines = [
        f"{state.study}: {state.done} of {state.points} points done, {len(state.failed)} failed, "
        f"{state.missing} missing; {state.seconds:.1f} s of work"
    ]
    return "\n".join(lines + failure_lines(state.failed))


def failure_lines(failed: Sequence[tuple[Mapping[str, Any], str]], most: int = 10) -> list[str]:
    """The different errors of failed points, each once, with the first point that had it."""
    points: dict[str, list[Mapping[str, Any]]] = {}
    for values, error in failed:
        points.setdefault(error, []).append(values)
    lines = []
    for error, own in list(points.items())[:most]:
        where = ", ".join(f"{key} = {value}" for key, value in own[0].items())
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        lines.append(f"failed at {where or 'the only point'}{more}: {error}")
    if len(points) > most:
        lines.append(f"... and {len(points) - most} other errors")
    return lines


def load(folder: str | Path) -> pd.DataFrame:
    """The results of a sweep as a table.

    Args:
        folder: A results folder.

    Returns:
        The rows of all measured points, in the order of the axes. Columns: `point`, the identity;
        one for each axis; those that the study documents; and, last, `seconds`, the time that the
        point took. Lists, such as a kernel, are texts. The order does not depend on who measured
        what when.

    Raises:
        InputError: If the folder holds no sweep, or a file of it is damaged.
    """
    folder = Path(folder)
    plan = read_plan(folder)
    outcomes = read_outcomes(folder, plan)
    rows: list[dict[str, Any]] = []
    for identity, values in plan.points:
        if identity not in outcomes:
            continue
        outcome = outcomes[identity]
        axes = {name: _cell(values[name]) for name in plan.axes}
        for row in outcome.rows:
            rows.append({"point": identity, **axes, **row, "seconds": outcome.seconds})
    return pd.DataFrame(rows)


def load_arrays(folder: str | Path, point: str) -> dict[str, NDArray[Any]]:
    """The raw data of one point, such as the counts of every patch.

    Args:
        folder: A results folder.
        point: The identity, as in the column `point`.

    Raises:
        InputError: If the point was not measured.
    """
    outcomes = read_outcomes(Path(folder), read_plan(Path(folder)))
    if point not in outcomes:
        raise InputError(f"{folder} has no measured point {point!r}.")
    return {name: decode_array(array) for name, array in outcomes[point].arrays.items()}


def origins(folder: Path) -> list[dict[str, Any]]:
    """The different provenances of a folder's chunks, times of start apart."""
    plan = read_plan(folder)
    found: list[dict[str, Any]] = []
    for path in sorted((folder / CHUNKS).glob("*.json")):
        origin = {k: v for k, v in read_chunk(path, plan)[1].items() if k != "started"}
        if origin not in found:
            found.append(origin)
    return found


def merge(sources: Sequence[Path], target: Path) -> Status:
    """Brings the results of several folders of one sweep together.

    Args:
        sources: Folders of the same sweep, such as of its shards.
        target: Where all of it goes: a new folder, or one of the same sweep.

    Raises:
        InputError: If the folders hold different sweeps or a file is damaged; nothing is copied
            then.
        OSError: If writing fails.
    """
    plans = [read_plan(source) for source in sources]
    folders = [*sources, target] if (target / PLAN).exists() else list(sources)
    if (target / PLAN).exists():
        plans.append(read_plan(target))
    for folder, plan in zip(folders, plans, strict=True):
        if plan.digest != plans[0].digest:
            raise InputError(
                f"{folder} holds another sweep (study {plan.study}, {len(plan.points)} points) "
                f"than {folders[0]} ({plans[0].study}, {len(plans[0].points)}): they cannot be "
                "merged."
            )
        read_outcomes(folder, plan)
    if (target / CONFIGURATION).exists() and not (target / PLAN).exists():
        raise InputError(f"{target} holds results of another study: choose another folder.")
    (target / CHUNKS).mkdir(parents=True, exist_ok=True)
    for source in sources:
        for path in sorted((source / CHUNKS).glob("*.json")):
            copy = target / CHUNKS / path.name
            if not copy.exists():
                _copy(path, copy)
    # The plan last: without it the folder is no sweep yet.
    for name in (CONFIGURATION, PLAN):
        if not (target / name).exists():
            _copy(sources[0] / name, target / name)
    return status(target)


def export(folder: Path, file: Path) -> int:
    """Writes the table of a sweep as one file.

    Args:
        folder: A results folder.
        file: Its name ends in .csv, or in .parquet (extra [parquet]).

    Returns:
        The number of rows.

    Raises:
        InputError: If there is nothing to export, or the suffix is unknown.
        OSError: If writing fails.
    """
    if file.suffix not in (".csv", ".parquet"):
        raise InputError(f"--out {file}: the name must end in .csv or .parquet.")
    table = load(folder)
    if table.empty:
        raise InputError(f"{folder} has no measured points yet: run the study first.")
    if file.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise InputError(
                "Parquet needs the extra [parquet]: pip install 'qucnn_cirq[parquet]'; or export "
                "to .csv."
            ) from None
    if not file.parent.is_dir():
        raise InputError(f"--out {file}: there is no folder {file.parent}; create it first.")
    with atomic_write(file) as stream:
        if file.suffix == ".csv":
            table.to_csv(stream, index=False, lineterminator="\n")
        else:
            table.to_parquet(stream, index=False)
    return len(table)


def _cell(value: Any) -> Any:
    """What fits a cell of a table: numbers and texts stay, lists and tables become texts."""
    if isinstance(value, (list, tuple)) and not any(isinstance(v, (list, dict)) for v in value):
        return "x".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={_cell(inner)}" for key, inner in value.items())
    return str(value) if isinstance(value, (list, tuple, np.ndarray)) else value


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as stream, atomic_write(target) as copy:
        shutil.copyfileobj(stream, copy)
