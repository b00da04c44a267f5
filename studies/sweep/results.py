"""Reading results: tables, status, merging and exporting."""

from __future__ import annotations

import csv
import functools
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noise_models.files import check_file
from noise_models.writing import atomic_write
from qucnn_cirq.errors import InputError, missing_extra, option
from studies.files import CONFIGURATION, LARGEST_RESULT, read_result
from studies.sweep.chunks import CHUNKS, Chunk, MeasuredPoint, chunk_paths, decoded, read_chunk
from studies.sweep.inputs import is_input, kept_files
from studies.sweep.store import make_chunks_folder
from studies.sweep.stored_plan import PLAN, StoredPlan, check_configuration, check_same, read_plan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Status:
    """How far a sweep is.

    Attributes:
        study: The study's name.
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


@dataclass(frozen=True, eq=False)
class Results:
    """What a folder holds at one moment; raw arrays are read when they are asked for.

    Attributes:
        folder: The folder.
        plan: Its plan.
        outcomes: What became of the points so far, by identity.
        files: The file of each of them.
        earlier: Files with points that have been measured with other shots than the plan wants,
            by identity, with those shots.
        origins: The different provenances of its chunks, times of start apart.
        devices: The devices that its points were compiled for.
        calibrations: The calibrations of their noise: names, or digests of their content.
        started: When the first and the last of its chunks were begun, in UTC; None for none.
    """

    folder: Path
    plan: StoredPlan
    outcomes: Mapping[str, MeasuredPoint]
    files: Mapping[str, Path]
    earlier: Mapping[str, Sequence[tuple[int, Path]]]
    origins: Sequence[Mapping[str, Any]]
    devices: Sequence[str]
    calibrations: Sequence[str]
    started: tuple[str, str] | None = None

    def status(self) -> Status:
        """How far it is."""
        found = [
            (values, self.outcomes[identity])
            for identity, values in self.plan.points
            if identity in self.outcomes
        ]
        failed = tuple(
            (dict(values), outcome.error) for values, outcome in found if outcome.error is not None
        )
        return Status(
            self.plan.study,
            len(self.plan.points),
            len(found) - len(failed),
            failed,
            sum(outcome.seconds for _, outcome in found),
        )

    def rows(self) -> tuple[list[str], list[dict[str, Any]]]:
        """What `table` holds, without pandas: the columns in order, and the cells of each row."""
        rows: list[dict[str, Any]] = []
        for identity, values in self.plan.points:
            if identity not in self.outcomes:
                continue
            rows += table_rows(self.plan.axes, values, self.outcomes[identity])
        # Which row comes first, and what that one lacks, must not decide the order.
        found = dict.fromkeys(name for row in rows for name in row)
        documented = [name for name in self.plan.columns if name in found]
        ordered = dict.fromkeys(("point", *self.plan.axes, *documented, *sorted(found)))
        ordered.pop("seconds", None)
        return [*ordered, "seconds"], rows

    def table(self) -> pd.DataFrame:
        """The rows as `load` gives them."""
        import pandas as pd

        columns, rows = self.rows()
        return pd.DataFrame(rows, columns=columns if rows else None)

    def arrays(self, point: str) -> dict[str, NDArray[Any]]:
        """The raw data of a point as `load_arrays` gives them.

        Args:
            point: The identity, as in the column `point` of the table.

        Returns:
            Arrays by name, of the types and shapes that the study's `measure` gave.

        Raises:
            InputError: If the point was not measured.
        """
        if point not in self.files or self.outcomes[point].error is not None:
            raise InputError(f"{self.folder} has no measured point {point!r}.")
        return decoded(_with_arrays(self.files[point], self.plan, point).arrays)


def table_rows(
    axes: Sequence[str], values: Mapping[str, Any], outcome: MeasuredPoint
) -> list[dict[str, Any]]:
    """The rows of one point as a table has them.

    Args:
        axes: Short names of the axes.
        values: Their values at the point.
        outcome: What became of it.
    """
    own = {name: _cell(values[name]) for name in axes}
    # A row may say what became of "auto"; which point it is stays to be told.
    return [
        {"point": outcome.identity, **row, **own, "seconds": outcome.seconds}
        for row in outcome.rows
    ]


def read_results(folder: Path) -> Results:
    """What a folder holds; of a point that was tried again, a success counts.

    Args:
        folder: A results folder.

    Raises:
        InputError: If the folder holds no sweep, or a file of it is damaged, of another version,
            or of another sweep.
    """
    plan = read_plan(folder)
    outcomes: dict[str, MeasuredPoint] = {}
    files: dict[str, Path] = {}
    earlier: dict[str, list[tuple[int, Path]]] = {}
    origins: list[Mapping[str, Any]] = []
    devices: set[str] = set()
    calibrations: set[str] = set()
    started: set[str] = set()
    for path in chunk_paths(folder):
        chunk = read_chunk(path, plan)
        origin = {key: value for key, value in chunk.provenance.items() if key != "started"}
        if origin not in origins:
            origins.append(origin)
        started |= {str(chunk.provenance["started"])} if "started" in chunk.provenance else set()
        for resolved in chunk.resolved.values():
            settings = resolved["settings"]
            devices.add(str(settings.get("study", {}).get("device", "")))
            calibrations.add(str(settings.get("noise", {}).get("calibrated", "")))
        for outcome in chunk.outcomes:
            if not chunk.is_for(outcome.identity, plan.targets(outcome.identity)):
                if outcome.shots:
                    earlier.setdefault(outcome.identity, []).append((outcome.shots, path))
                continue
            known = outcomes.get(outcome.identity)
            if known is None or (known.error is not None and outcome.error is None):
                outcomes[outcome.identity], files[outcome.identity] = outcome, path
    return Results(
        folder,
        plan,
        outcomes,
        files,
        earlier,
        origins,
        sorted(devices - {""}),
        sorted(calibrations - {""}),
        (min(started), max(started)) if started else None,
    )


def status(folder: Path) -> Status:
    """How far the sweep in a folder is.

    Args:
        folder: A results folder.

    Raises:
        InputError: If the folder holds no sweep, or a file of it is damaged.
    """
    return read_results(folder).status()


def source_text(results: Results) -> str:
    """The program and the commits that results come from, in a few words.

    Args:
        results: The results.
    """
    told = []
    for origin in results.origins:
        version = (origin.get("packages") or {}).get("qucnn-cirq")
        commit = str(origin.get("commit") or "")
        # The marks of changes stay.
        short = commit[:10] + ("+changes" if commit.endswith("+changes") else "")
        parts = [f"qucnn_cirq {version}" if version else "qucnn_cirq"]
        parts += [f"commit {short}"] if commit else []
        told.append(", ".join(parts))
    return "; ".join(dict.fromkeys(told))


def state_text(state: Status) -> str:
    """A status in lines for a terminal.

    Args:
        state: The status, as from `status`.
    """
    lines = [
        f"{state.study}: {state.done} of {state.points} points done, {len(state.failed)} failed, "
        f"{state.missing} missing; {state.seconds:.1f} s of work"
    ]
    return "\n".join(lines + failure_lines(state.to_mapping()["failed"]))


def failure_lines(failed: Sequence[Mapping[str, Any]], most: int = 10) -> list[str]:
    """The different errors of failed points, each once, with the first point that had it.

    Args:
        failed: The failed points as `Status.to_mapping` gives them.
        most: Of how many errors.
    """
    points: dict[str, list[Mapping[str, Any]]] = {}
    for failure in failed:
        points.setdefault(failure["error"], []).append(failure["values"])
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
        one for each axis; those that the study documents and any row has, in the order in which it
        documents them; and, last, `seconds`, the time that the point took. Lists, such as a kernel,
        are texts. The order does not depend on who measured what when.

    Raises:
        InputError: If the folder holds no sweep, or a file of it is damaged.
    """
    return read_results(Path(folder)).table()


def load_arrays(folder: str | Path, point: str) -> dict[str, NDArray[Any]]:
    """The raw data of one point, such as the counts of every patch.

    Args:
        folder: A results folder.
        point: The identity, as in the column `point`.

    Returns:
        Arrays by name, of the types and shapes that the study's `measure` gave.

    Raises:
        InputError: If the point was not measured.
    """
    return read_results(Path(folder)).arrays(point)


def measured_before(results: Results, point: str, shots: int) -> MeasuredPoint | None:
    """What a point gave with fewer shots than are wanted now; the largest number of them.

    Args:
        results: What the folder of the point holds.
        point: The identity.
        shots: The shots of each circuit that are wanted at most; only fewer are of use.
    """
    fewer = [found for found in results.earlier.get(point, ()) if found[0] < shots]
    return _with_arrays(max(fewer)[1], results.plan, point) if fewer else None


def _with_arrays(path: Path, plan: StoredPlan, point: str) -> MeasuredPoint:
    return next(each for each in _whole(path, plan).outcomes if each.identity == point)


# Files of chunks never change, and their points are asked for one after the other.
@functools.lru_cache(maxsize=2)
def _whole(path: Path, plan: StoredPlan) -> Chunk:
    return read_chunk(path, plan, arrays=True)


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
    folders = list(sources)
    if os.path.lexists(target / PLAN):
        folders.append(target)
    found = [read_results(folder).plan for folder in folders]
    for folder, plan in zip(folders, found, strict=True):
        check_same(str(folder), plan, found[0], f"it cannot be merged with {folders[0]}")
        _check_targets(folder, plan, folders[0], found[0])
    configuration = _configuration(sources[0])
    check_configuration(sources[0], found[0])
    unfinished = target / CONFIGURATION
    if target not in folders and unfinished.exists() and read_result(unfinished) != configuration:
        raise InputError(
            f"{option('out', target)} holds results of another study: choose another folder."
        )
    inputs = [(source / path, target / path) for source in sources for path in kept_files(source)]
    for path, _ in inputs:
        # Others may have put anything there, such as a link to a device that never ends.
        check_file(path, LARGEST_RESULT)
    make_chunks_folder(target)
    for source in sources:
        for path in chunk_paths(source):
            copy = target / CHUNKS / path.name
            if not copy.exists():
                _copy(path, copy)
    for path, copy in inputs:
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not is_input(copy):
            _copy(path, copy)
    # The plan last: without it the folder is no sweep yet.
    for name in (CONFIGURATION, PLAN):
        if not (target / name).exists():
            _copy(sources[0] / name, target / name)
    return status(target)


def _check_targets(folder: Path, plan: StoredPlan, other: Path, first: StoredPlan) -> None:
    """Refuses points with other numbers of shots than those they are to stand beside."""
    for identity, _ in plan.points:
        for key, value in plan.targets(identity).items():
            wanted = first.targets(identity).get(key)
            if value != wanted:
                raise InputError(
                    f"{folder} has {key} = {value} where {other} has {wanted}: run one of them "
                    "again with what the other has; its counts are kept."
                )


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
        raise InputError(f"{option('out', file)}: the name must end in .csv or .parquet.")
    if file.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise missing_extra("Parquet", "parquet", "export to .csv") from None
    results = read_results(folder)
    columns, rows = results.rows()
    if not rows:
        raise InputError(f"{folder} has no measured points yet: run the study first.")
    if file.is_dir():
        raise InputError(f"{option('out', file)} is a folder: give the name of a file.")
    if not file.parent.is_dir():
        raise InputError(
            f"{option('out', file)}: there is no folder {file.parent}; create it first."
        )
    with atomic_write(file) as stream:
        if file.suffix == ".parquet":
            results.table().apply(_column).to_parquet(stream, index=False)
        else:
            stream.write(csv_text(columns, rows).encode())
    return len(rows)


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table as CSV; an empty cell is what is missing, and what is no number.

    Args:
        columns: Names of the columns.
        rows: Cells by name.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: None if value != value else value for name, value in row.items()} for row in rows
    )
    return text.getvalue()


def _column(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column that Parquet can hold: one of mixed types becomes texts, as in a CSV file."""
    import pandas as pd
    import pyarrow

    try:
        # That would take True for 1.0.
        if pd.api.types.infer_dtype(column) in ("mixed", "mixed-integer"):
            raise pyarrow.ArrowTypeError
        pyarrow.array(column, from_pandas=True)
    except (pyarrow.ArrowException, OverflowError):
        return column.map(str, na_action="ignore")
    return column


def _cell(value: Any) -> Any:
    """What fits a cell of a table: numbers and texts stay, lists and tables become texts."""
    if isinstance(value, (list, tuple)) and not any(isinstance(v, (list, dict)) for v in value):
        return "x".join(map(str, value))
    if isinstance(value, (list, tuple)) and all(isinstance(v, dict) for v in value):
        return " + ".join(map(_cell, value))
    if isinstance(value, dict):
        texts = [
            f"{key} {_cell(inner)}" if isinstance(inner, dict) else f"{key}={_cell(inner)}"
            for key, inner in value.items()
        ]
        return ("; " if any(isinstance(v, dict) for v in value.values()) else ", ").join(texts)
    return str(value) if isinstance(value, (list, tuple, np.ndarray)) else value


def _configuration(folder: Path) -> bytes:
    try:
        return read_result(folder / CONFIGURATION)
    except InputError as error:
        raise InputError(f"{error} Run the study in {folder} again; it is written anew.") from None


def _copy(source: Path, target: Path) -> None:
    content = read_result(source)
    with atomic_write(target) as copy:
        copy.write(content)
