"""Files of counts as strangers write them: cirq.Result, JSON, CSV, dictionaries as of Qiskit."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from noise_models.errors import shown
from noise_models.files import file_text, parsed_json
from qucnn_cirq.errors import InputError, option
from qucnn_cirq.guard import guarded
from studies.elsewhere.manifest import MOST_SHOTS, HandedOut, JobProgram

LARGEST_COUNTS = 64 * 2**20
"""Bytes of the largest file of counts that is read."""
ORDERS = ("big", "little")
"""Whether the first measured qubit is the first bit of a text (most significant) or the last."""

KeyCounts = dict[str, Counter[int]]
"""For each key how often each outcome was recorded, its first bit the most significant."""

_HEADER = ("circuit", "bits", "count")
_COMMENT = re.compile(r"#\s*(bit_order|jobs)\s*[:=]\s*(\S+)\s*")
_WRAPPED = {"counts", "bit_order", "jobs", "shots", "format"}
_HEX = re.compile(r"0x[0-9a-fA-F]+")


def read_counts(
    path: Path, manifest: HandedOut, order: str | None = None
) -> tuple[KeyCounts, bool]:
    """The counts that a file holds, checked against the jobs and their markers.

    Args:
        path: A file whose name ends in .csv or .json.
        manifest: What was handed out.
        order: One of `ORDERS`; None takes what the file says or else "big".

    Returns:
        The counts, and whether a marker circuit was there to check the order of the bits.

    Raises:
        InputError: In one line that names the file, if it holds anything else.
    """
    if order is not None and order not in ORDERS:
        raise InputError(f"bit order = {shown(order)} is not known: give {' or '.join(ORDERS)}.")
    if path.suffix not in (".csv", ".json"):
        raise InputError(f"{path}: the name of a file of counts must end in .csv or .json.")
    # What a file takes to read is decided by whoever wrote it.
    return guarded(path, _checked, manifest, order)


def _checked(path: Path, manifest: HandedOut, order: str | None) -> tuple[KeyCounts, bool]:
    """As `read_counts`, without bounds of time and memory."""
    text = file_text(path, LARGEST_COUNTS)
    counts = _read(path, text, manifest, order)
    if not counts:
        raise InputError("holds no counts.")
    problem, is_checked = _check_markers(counts, manifest)
    if problem is not None:
        other = _other_order(path, text, manifest, order)
        hint = (
            f"; as {other}-endian they are right: give {option('bit-order', other, 'bit_order')}"
            if other
            else ""
        )
        raise InputError(f"{problem}{hint}.")
    return counts, is_checked


def _read(path: Path, text: str, manifest: HandedOut, order: str | None) -> KeyCounts:
    found: KeyCounts = {}
    if path.suffix == ".csv":
        entries = _of_csv(text, manifest, order)
    else:
        content = parsed_json(text, path)
        _refuse_own(content)
        results = list(_results(content))
        if results:
            if order is not None:
                raise InputError(
                    "a cirq.Result says itself which bit is which: leave "
                    f"{option('bit-order', keyword='bit_order')} out."
                )
            entries = (each for result in results for each in _of_result(result, manifest))
        else:
            entries = _of_json(content, manifest, order)
    for key, counts in entries:
        if key in found:
            raise InputError(f"circuit {shown(key)} is there twice.")
        total = sum(counts.values())
        if total > MOST_SHOTS:
            raise InputError(f"circuit {key} has {total} shots, and at most {MOST_SHOTS} are read.")
        if total:
            found[key] = counts
    return found


def _refuse_own(content: object) -> None:
    """Says of files that belong to the jobs what they are: none is one of counts."""
    if not isinstance(content, dict):
        return
    if "format" in content and "circuits" in content:
        raise InputError(
            "holds circuits that are to be run, no counts: run them, and give the files of what "
            "comes back."
        )
    if "jobs" in content and "programs" in content:
        raise InputError("is the manifest of jobs, no file of counts: give what came back.")
    if "jobs" in content and "source" in content:
        raise InputError("is a copy that was kept of collected counts, which are there already.")


# --- cirq.Result


def _results(content: object) -> Iterator[Mapping[str, Any]]:
    """All results in nested lists and tables."""
    if isinstance(content, dict):
        if isinstance(content.get("cirq_type"), str) and "records" in content:
            yield content
            return
        content = list(content.values())
    if isinstance(content, list):
        for each in content:
            yield from _results(each)


def _of_result(
    result: Mapping[str, Any], manifest: HandedOut
) -> Iterator[tuple[str, Counter[int]]]:
    records = result["records"]
    if not isinstance(records, dict):
        raise InputError("a cirq.Result has records that are no table.")
    for key, record in records.items():
        n_bits = _bits_of(key, manifest)
        if not isinstance(record, dict) or record.get("binary") is not True:
            raise InputError(f"the record of {key} is not one of bits.")
        shape: Any = record.get("shape")
        packed = record.get("packed_digits")
        is_shape = isinstance(shape, list) and len(shape) == 3
        if not is_shape or any(type(each) is not int or each < 0 for each in shape):
            raise InputError(f"the record of {key} has the shape {shown(shape)}.")
        if shape[1:] != [1, n_bits]:
            raise InputError(
                f"the record of {key} has {shown(shape[1:])} bits a shot, and the circuit measures "
                f"{n_bits} once."
            )
        size = shape[0] * n_bits
        if not isinstance(packed, str) or len(packed) != 2 * math.ceil(size / 8):
            raise InputError(f"the record of {key} is damaged: not as many bits as it says.")
        try:
            data = np.frombuffer(bytes.fromhex(packed), dtype=np.uint8)
        except ValueError:
            raise InputError(f"the record of {key} is damaged: no hexadecimal digits.") from None
        bits = np.unpackbits(data)[:size].reshape(shape[0], n_bits).astype(np.int64)
        outcomes, counts = np.unique(bits @ (1 << np.arange(n_bits)[::-1]), return_counts=True)
        yield key, Counter(dict(zip(outcomes.tolist(), counts.tolist(), strict=True)))


# --- texts of bits


def _of_json(
    content: object, manifest: HandedOut, order: str | None
) -> Iterator[tuple[str, Counter[int]]]:
    if not isinstance(content, dict):
        raise InputError("is no table of counts by circuit, and no cirq.Result.")
    counts = content
    if isinstance(content.get("counts"), dict) and set(content) <= _WRAPPED:
        counts = content["counts"]
        order = _order(content.get("bit_order"), order)
        _check_origin(content.get("jobs"), manifest)
    for name, own in counts.items():
        if not isinstance(own, dict):
            raise InputError(f"circuit {shown(name)} has {shown(own, 40)}: give counts by bits.")
        yield from _split(name, own.items(), manifest, order or ORDERS[0])


def _of_csv(
    text: str, manifest: HandedOut, order: str | None
) -> Iterator[tuple[str, Counter[int]]]:
    lines = []
    for line in text.splitlines():
        comment = _COMMENT.fullmatch(line)
        if comment and comment[1] == "jobs":
            _check_origin(comment[2], manifest)
        elif comment:
            order = _order(comment[2], order)
        elif line.strip() and not line.startswith("#"):
            lines.append(line)
    by_name: dict[str, list[tuple[str, object]]] = {}
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), strict=True))
    except csv.Error as error:
        raise InputError(f"is no CSV ({error}).") from None
    if not rows or tuple(cell.strip() for cell in rows[0]) != _HEADER:
        raise InputError(f"the first line must be {','.join(_HEADER)}.")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(_HEADER):
            raise InputError(f"row {number} has {len(row)} cells instead of {len(_HEADER)}.")
        name, bits, count = (cell.strip() for cell in row)
        # Whatever int() reads besides, such as "1_000", is a mistake here.
        whole: object = int(count) if re.fullmatch(r"-?[0-9]{1,18}", count) else count
        by_name.setdefault(name, []).append((bits, whole))
    for name, own in by_name.items():
        yield from _split(name, own, manifest, order or ORDERS[0])


def _order(stated: object, given: str | None) -> str | None:
    """The order that a file states, which an option must not contradict."""
    if stated is None:
        return given
    if stated not in ORDERS:
        raise InputError(f"bit_order = {shown(stated)} is not known: {' or '.join(ORDERS)}.")
    if given is not None and given != stated:
        raise InputError(
            f"says bit_order = {stated}, and {option('bit-order', given, 'bit_order')}: leave one "
            "out."
        )
    return str(stated)


def _check_origin(digest: object, manifest: HandedOut) -> None:
    if digest is not None and digest not in manifest.digests:
        raise InputError(
            f"is of other jobs (digest {shown(digest, 30)}, not {manifest.digest[:12]}...)."
        )


def _bits_of(key: str, manifest: HandedOut) -> int:
    if key not in manifest.bits:
        raise InputError(f"circuit {shown(key, 40)} is not one of these jobs.")
    return manifest.bits[key]


def _split(
    name: str, pairs: Any, manifest: HandedOut, order: str
) -> Iterator[tuple[str, Counter[int]]]:
    """Counts of a program, or of one circuit of it, as those of each key."""
    program = manifest.by_id.get(name)
    keys: tuple[str, ...]
    bits: tuple[int, ...]
    if program is None:
        keys, bits = (name,), (_bits_of(name, manifest),)
    else:
        keys, bits = program.keys, program.bits
    width = sum(bits)
    found: list[Counter[int]] = [Counter() for _ in keys]
    for text, count in pairs:
        if isinstance(count, float) and count.is_integer():
            count = int(count)
        if type(count) is not int or not 0 <= count <= MOST_SHOTS:
            raise InputError(
                f"circuit {name} has the count {shown(count, 30)}: give whole numbers from 0 to "
                f"{MOST_SHOTS}."
            )
        whole = _outcome(name, text, width, order)
        left = width
        for own, n_bits in zip(found, bits, strict=True):
            left -= n_bits
            own[whole >> left & ((1 << n_bits) - 1)] += count
    yield from zip(keys, found, strict=True)


def _outcome(name: str, text: str, width: int, order: str) -> int:
    """An outcome of all keys, the first bit the most significant."""
    if _HEX.fullmatch(text):
        value = int(text, 16) if len(text) < 40 else 1 << width
        if value >> width:
            raise InputError(f"circuit {name} has {shown(text, 40)}: it measures {width} bits.")
        bits = f"{value:0{width}b}"
    else:
        # Between the registers of a program Qiskit writes spaces.
        bits = text.replace(" ", "")
        if set(bits) - {"0", "1"}:
            raise InputError(f"circuit {name} has {shown(text, 40)} for bits.")
        if len(bits) != width:
            raise InputError(f"circuit {name} has {len(bits)} bits, and it measures {width}.")
    return int(bits if order == ORDERS[0] else bits[::-1], 2)


# --- markers


def _check_markers(counts: KeyCounts, manifest: HandedOut) -> tuple[str | None, bool]:
    """What is wrong with the bits of markers, and whether there are any."""
    is_checked = False
    for program in manifest.programs:
        if not program.pattern or not all(key in counts for key in program.keys):
            continue
        is_checked = True
        seen = _seen(program, counts)
        if seen != program.pattern:
            return (
                f"the marker circuit {program.id} prepares {program.pattern} and these counts say "
                f"{seen}: their bits are in another order",
                True,
            )
    return None, is_checked


def _seen(program: JobProgram, counts: KeyCounts) -> str:
    """What most shots have at each bit."""
    found = ""
    for key, n_bits in zip(program.keys, program.bits, strict=True):
        own = counts[key]
        total = sum(own.values())
        for place in range(n_bits - 1, -1, -1):
            ones = sum(count for outcome, count in own.items() if outcome >> place & 1)
            found += "1" if 2 * ones > total else "0"
    return found


def _other_order(path: Path, text: str, manifest: HandedOut, order: str | None) -> str | None:
    """The order of the bits with which the markers of a file are right, if there is one."""
    for other in ORDERS:
        if other == order:
            continue
        try:
            counts = _read(path, text, manifest, other)
        except InputError:
            continue
        if _check_markers(counts, manifest)[0] is None:
            return other
    return None
