"""Calibrations that vendors publish, as calibrations of this package.

A published error r is an average gate infidelity, found by randomised benchmarking, and includes
decay during the gate. As a Pauli error it is e = r (d + 1)/d on d levels. The decay alone keeps the
entanglement fidelity

    f = product over the gate's qubits of (1 + exp(-t/T1) + 2 exp(-t/T2)) / 4

and depolarising noise, which multiplies all D - 1 Paulis but the identity by λ (D = d^2), leaves
(1 + λ (D f - 1)) / D of both together. That is 1 - e for λ = (D (1 - e) - 1) / (D f - 1), so that
the probability of a Pauli beyond decay is p = (1 - λ) (D - 1) / D, not below zero.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import cirq

from noise_models.calibration import Calibration, filled
from noise_models.calibration_files import calibration_from_mapping
from noise_models.checks import whole_number, whole_pair
from noise_models.errors import InputError, note, shown, some
from noise_models.files import read_json, read_toml
from noise_models.published import (
    LARGEST_NUMBER,
    PULSES,
    TWO_QUBIT_GATES,
    Pair,
    Published,
    read_published,
)
from noise_models.values import qubit_key

ROWS = "rows"
"""The word for positions that the numbering gives; see `positions_by_rows`."""

Positions = Mapping[int, cirq.GridQubit]
_LONGEST = 1e12
"""Nanoseconds of the longest time, a quarter of an hour."""


def read_vendor_calibration(
    path: str | Path,
    positions: str | Path | Mapping[Any, Any] | None = None,
    name: str | None = None,
) -> Calibration:
    """Reads a calibration as IBM publishes it.

    Average gate infidelities become the Pauli errors beyond decay that give every gate the
    published infidelity. A CZ stands for CZ, ECR and CNOT, a pulse for the √X. What cannot be
    taken as it is, a `NoiseNote` names: qubits and couplers that are broken (an error that mixes
    fully, as 1; not operational) or without an error are left out; other numbers that are missing
    are taken as the worst of the others; durations that differ as their median, those that are
    missing as 0; gates whose decay alone exceeds their error have no further error.

    Args:
        path: A CSV file of a backend's page, or ``backend.properties().to_dict()`` as JSON.
        positions: Where the numbered qubits are on a grid: a mapping from numbers to
            ``cirq.GridQubit`` or (row, column), a TOML or JSON file with one, or "rows"; qubits
            that it lacks are left out. None for line qubits.
        name: The processor's name; None for that in the file, or the file's own.

    Raises:
        InputError: If the file cannot be read or understood; the message names it.
    """
    path = Path(path)
    try:
        published = read_published(path)
        return _calibration(published, positions, name)
    except InputError as error:
        if str(error).startswith(("cannot read", f"{path}: ", f"{path} ")):
            raise
        raise InputError(f"{path}: {error}") from None


def depolarizing_beyond_decay(
    infidelity: float, times: Iterable[tuple[float, float]], duration: float
) -> float:
    """The Pauli error that decay leaves to be explained; see the module.

    Args:
        infidelity: Average infidelity of the gate, decay included.
        times: T1 and T2 of each of its qubits; T2 at most 2 T1.
        duration: How long the gate takes, in the same unit.

    Returns:
        The probability of a Pauli other than the identity; below zero if decay alone causes more.
    """
    fidelity, size = 1.0, 1
    for t1, t2 in times:
        fidelity *= (1 + math.exp(-duration / t1) + 2 * math.exp(-duration / t2)) / 4
        size *= 4
    d = math.isqrt(size)
    error = infidelity * (d + 1) / d
    damping = (size * (1 - error) - 1) / (size * fidelity - 1)
    return (1 - damping) * (size - 1) / size


def read_by_itself(p01: float, p10: float, preparation: float) -> tuple[float, float]:
    """The errors of reading alone of those that were measured on qubits that start wrongly.

    Of a qubit that starts in |1> with probability i, 1 is read with p01' = p01 + i c and, after an
    X, 0 with p10' = p10 + i c, where c = 1 - p01 - p10 is the contrast of reading alone.

    Args:
        p01: P(read 1 | prepared 0).
        p10: P(read 0 | prepared 1).
        preparation: The probability i, below 1/2.

    Returns:
        p01 and p10 of reading alone; below 0 if preparation alone explains more.
    """
    if not preparation:
        return p01, p10
    contrast = (1 - p01 - p10) / (1 - 2 * preparation)
    shift = preparation * contrast
    return float(f"{p01 - shift:.12g}"), float(f"{p10 - shift:.12g}")


def positions_by_rows(published_pairs: Iterable[Pair]) -> dict[int, cirq.GridQubit]:
    """Positions of a square or heavy-hexagonal lattice whose qubits are numbered row by row.

    Qubits that are coupled to the number before or after them make rows; the others are bridges
    from one row to the next but one.

    Args:
        published_pairs: The couplers.

    Raises:
        InputError: If not all couplers come to join neighbours.
    """
    pairs = {(min(pair), max(pair)) for pair in published_pairs}
    numbers = sorted({number for pair in pairs for number in pair})
    rows: list[list[int]] = []
    for number in numbers:
        if rows and (number - 1, number) in pairs:
            rows[-1].append(number)
        else:
            rows.append([number])
    bridges = {row[0] for row in rows if len(row) == 1}
    neighbours: dict[int, set[int]] = {number: set() for number in numbers}
    for first, second in pairs:
        neighbours[first].add(second)
        neighbours[second].add(first)
    columns: dict[int, int] = {}
    levels: dict[int, int] = {}
    for row in (each for each in rows if len(each) > 1):
        # One that comes down from the row above, or is in it, holds the row.
        held = next(
            (
                (columns[other] - place, levels[other] + 1)
                for place, number in enumerate(row)
                for other in sorted(neighbours[number] & columns.keys())
            ),
            (0, max(levels.values(), default=-2) + 2),
        )
        for place, number in enumerate(row):
            columns[number], levels[number] = held[0] + place, held[1]
            for bridge in neighbours[number] & bridges - columns.keys():
                columns[bridge], levels[bridge] = columns[number], held[1] + 1
    left = min(columns.values(), default=0)
    found = {number: cirq.GridQubit(levels[number], columns[number] - left) for number in columns}
    if len(set(found.values())) < len(numbers) or not all(
        found[a].is_adjacent(found[b]) for a, b in pairs
    ):
        raise InputError(
            f"positions = {ROWS!r} does not fit: its couplers are no rows, with or without "
            "bridges. Give a file with a row and a column for each number."
        )
    return found


def _calibration(
    published: Published, positions: str | Path | Mapping[Any, Any] | None, name: str | None
) -> Calibration:
    name = name or published.name
    gate = _two_qubit_gate(published)
    broken = _broken_qubits(published)
    errors = {
        pair: error
        for pair, error in published.couplers.get(gate, {}).items()
        if broken.isdisjoint(pair)
    }
    bad = [pair for pair, error in errors.items() if not error < 4 / 5]
    for number in {number for pair in errors for number in pair} - published.qubits.keys():
        raise InputError(f"it has a two-qubit gate on qubit {number}, of which it says nothing.")
    if broken:
        note(f"{name}: left out as broken: qubits {some(map(str, sorted(broken)))}.")
    if bad:
        texts = (f"{a}-{b}" for a, b in sorted(bad))
        note(f"{name}: left out as broken or not measured: couplers {some(texts)}.")
    if published.left_out:
        note(f"{name}: left out without a meaning here: {some(published.left_out)}.")
    if gate != "cz" and errors:
        note(f"{name}: the errors of {gate} are taken as those of cz.")
    errors = {pair: error for pair, error in errors.items() if pair not in bad}
    numbers = [number for number in sorted(published.qubits) if number not in broken]
    places = _places(positions, published.couplers.get(gate, {}))
    if places is not None:
        out = [str(number) for number in numbers if number not in places]
        if out:
            note(f"{name}: left out without a position: qubits {some(out)}.")
        numbers = [number for number in numbers if number in places]
        errors = {pair: e for pair, e in errors.items() if set(pair) <= set(places)}
    if not numbers:
        raise InputError("no qubit is left.")
    keys = {n: qubit_key(cirq.LineQubit(n) if places is None else places[n]) for n in numbers}
    return _converted(name, published, numbers, errors, keys)


def _converted(
    name: str,
    published: Published,
    numbers: list[int],
    errors: Mapping[Pair, float],
    keys: Mapping[int, str],
) -> Calibration:
    own = {number: published.qubits[number] for number in numbers}
    t1 = _column(name, own, "t1", "T1", min, 1.0, _LONGEST, math.inf)
    t2 = _column(name, own, "t2", "T2", min, 1.0, _LONGEST, math.inf)
    times = {number: (t1[number], min(t2[number], 2 * t1[number])) for number in numbers}
    pulse = next((key for key in PULSES if any(key in entry for entry in own.values())), PULSES[0])
    pulses = _column(name, own, pulse, f"error of {pulse}", max, 0.0, 2 / 3, 0.0)
    prepared = _column(name, own, "preparation", "init error", max, 0.0, 0.49, 0.0)
    read = _readout(name, own, prepared)
    durations = {
        "one_qubit": _duration(
            name, "one-qubit gates", (e.get("one_qubit_ns", math.nan) for e in own.values())
        ),
        "measurement": _duration(
            name, "measurements", (e.get("measurement", math.nan) for e in own.values())
        ),
    }
    if errors:
        lengths = (published.two_qubit_ns.get(pair, math.nan) for pair in errors)
        durations["cz"] = _duration(name, "two-qubit gates", lengths)
    decayed: list[str] = []

    def beyond(infidelity: float, on: tuple[int, ...], duration: float) -> float:
        rest = depolarizing_beyond_decay(infidelity, [times[number] for number in on], duration)
        # As close to it as rounding is no less.
        if rest < -1e-12:
            decayed.append("-".join(map(str, on)))
        return min(1.0, max(0.0, rest))

    qubits: dict[str, dict[str, float]] = {}
    for number in numbers:
        entry = {
            # Microseconds as they were written, without what multiplying has left.
            key: float(f"{value[number] / 1e3:.14g}")
            for key, value in (("t1", t1), ("t2", t2))
            if value[number] < math.inf
        }
        qubits[keys[number]] = entry | {
            "one_qubit": beyond(pulses[number], (number,), durations["one_qubit"]),
            "p01": read[number][0],
            "p10": read[number][1],
            **({"preparation": prepared[number]} if prepared[number] else {}),
        }
    couplers = {
        f"{keys[a]}:{keys[b]}": {
            "cz": beyond(
                real_infidelity(f"the error of coupler {a}-{b}", error), (a, b), durations["cz"]
            )
        }
        for (a, b), error in errors.items()
    }
    if decayed:
        note(f"{name}: decay alone exceeds the error of {some(decayed)}; they have no other error.")
    return calibration_from_mapping(
        {"name": name, "durations": durations, "qubits": qubits, "couplers": couplers}
    )


def _column(
    name: str,
    own: Mapping[int, Mapping[str, float]],
    key: str,
    what: str,
    worst: Callable[..., Any],
    low: float,
    high: float,
    default: float,
) -> dict[int, float]:
    """A number of every qubit: the worst where it is missing, the default where all lack it."""
    given = {number: entry[key] for number, entry in own.items() if key in entry}
    if key in ("t1", "t2"):
        given = {number: value if value > 0 else math.nan for number, value in given.items()}
    if all(map(math.isnan, given.values())):
        if key not in ("p01", "p10", "preparation"):
            taken = "unlimited" if default else "0"
            note(f"{name}: no {what} is given; taken as {taken}.")
        return dict.fromkeys(own, default)
    return filled(name, what, given, list(own), worst, low, high)


def _readout(
    name: str, own: Mapping[int, Mapping[str, float]], prepared: Mapping[int, float]
) -> dict[int, tuple[float, float]]:
    """P(1|0) and P(0|1) of reading alone; both the readout error where they are not given."""
    given = {key: any(key in entry for entry in own.values()) for key in ("p01", "p10")}
    both = (
        dict.fromkeys(own, 0.0)
        if all(given.values())
        else _column(name, own, "readout", "readout error", max, 0.0, 1.0, 0.0)
    )
    p01, p10 = (
        _column(name, own, key, what, max, 0.0, 1.0, 0.0) if given[key] else both
        for key, what in (("p01", "P(1|0)"), ("p10", "P(0|1)"))
    )
    read = {n: read_by_itself(p01[n], p10[n], chance) for n, chance in prepared.items()}
    faulty = [str(number) for number, chances in read.items() if min(chances) < 0]
    if faulty:
        note(f"{name}: the init error of {some(faulty)} exceeds the readout error; read rightly.")
    return {
        number: (min(1.0, max(0.0, first)), min(1.0, max(0.0, second)))
        for number, (first, second) in read.items()
    }


def real_infidelity(what: str, value: float) -> float:
    """An infidelity that is not below 0.

    Args:
        what: What it is of, for the error.
        value: The number.

    Raises:
        InputError: If it is below 0.
    """
    if value < 0:
        raise InputError(f"{what} = {value:g} is below 0.")
    return value


def _two_qubit_gate(published: Published) -> str:
    """The gate that most couplers have."""
    return max(TWO_QUBIT_GATES, key=lambda gate: len(published.couplers.get(gate, {})))


def _broken_qubits(published: Published) -> set[int]:
    """Those that are not operational, whose pulses mix fully, or that are always read wrongly."""
    return {
        number
        for number, entry in published.qubits.items()
        if entry.get("operational", 1.0) == 0.0
        or any(entry.get(key, 0.0) >= 2 / 3 for key in PULSES)
        or any(entry.get(key, 0.0) >= 1 for key in ("readout", "p01", "p10"))
    }


def _duration(name: str, what: str, given: Iterable[float]) -> float:
    """The median of durations in nanoseconds."""
    known = [time for time in given if not math.isnan(time)]
    if not known:
        note(f"{name}: how long {what} last is not given; taken as 0, without decay.")
        return 0.0
    for time in known:
        if not 0 <= time <= 1e9:
            raise InputError(f"{what} last {time:g} ns: give 0..1e9.")
    median = statistics.median(known)
    if max(known) - min(known) > 0.01 * median:
        low, high = min(known), max(known)
        note(f"{name}: {what} last {low:g} to {high:g} ns; taken as the median, {median:g} ns.")
    return median


def _places(
    positions: str | Path | Mapping[Any, Any] | None, pairs: Iterable[Pair]
) -> Positions | None:
    if positions is None:
        return None
    if positions == ROWS:
        return positions_by_rows(pairs)
    if isinstance(positions, str | Path):
        path = Path(positions)
        content = (read_toml if path.suffix.lower() == ".toml" else read_json)(path)
        positions = content.get("positions", content) if isinstance(content, Mapping) else {}
    if not isinstance(positions, Mapping) or not positions:
        raise InputError('positions are no table of rows and columns: write "0" = [0, 0].')
    found: dict[int, cirq.GridQubit] = {}
    for key, value in positions.items():
        text = int(key) if isinstance(key, str) and key.isascii() and key.isdigit() else key
        number = whole_number(f"positions: {shown(key, 20)}", text, 0, LARGEST_NUMBER)
        if not isinstance(value, cirq.GridQubit):
            if not isinstance(value, list | tuple) or len(value) != 2:
                raise InputError(f"positions: {number} is {shown(value, 40)}: give [row, column].")
            value = cirq.GridQubit(*whole_pair(f"positions: {number}", value, 0, LARGEST_NUMBER))
        found[number] = value
    twice = [n for n, place in found.items() if list(found.values()).count(place) > 1]
    if twice:
        raise InputError(f"positions: qubits {some(map(str, twice))} are at the same place.")
    return found
