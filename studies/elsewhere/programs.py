"""From recorded circuits to what is run: places on the device, markers, files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cirq
import numpy as np

from noise_models.writing import write_text
from qucnn_cirq.compiler.packing import disjoint_placements
from qucnn_cirq.compiler.parallel import side_by_side
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.devices import Device
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.exchange.writing import WRITERS
from qucnn_cirq.validation import check
from studies.elsewhere.manifest import JobProgram, TemplateJobs, name_of
from studies.elsewhere.recording import RecordedTemplate

CIRCUITS = "circuits"
"""How the names of files of circuits begin."""
FORMATS = ("cirq", "qasm")
LARGEST_FILE = 8 * 2**20
"""Bytes of a file of circuits, which the last circuit may exceed."""
_HEAD = '{"format": '
"""How a file of circuits begins."""
MOST_IN_FILE = 250
"""Circuits of a file, markers apart."""
_MARKER_SHOTS = 1000
"""Shots of a marker, unless all circuits beside it have fewer: enough to see what bits it has."""

_TURNS = re.compile(r"pi\*(-?[0-9.]+(?:e-?[0-9]+)?)")
_WHOLE = re.compile(r"(?<=[(,])-?[0-9]+(?=[,)])")
_FLIP = cirq.PhasedXZGate(x_exponent=1.0, z_exponent=0.0, axis_phase_exponent=0.0)


@dataclass(frozen=True, eq=False)
class Placed:
    """The places of one recorded template, and its circuits there.

    Attributes:
        recorded: The template.
        templates: It in each of its places.
        jobs: Its circuits for the manifest.
    """

    recorded: RecordedTemplate
    templates: tuple[Template, ...]
    jobs: TemplateJobs

    def circuit(self, number: int) -> cirq.Circuit:
        """One circuit, in its place, measured under its own name.

        Args:
            number: Its number.
        """
        template = self.templates[self.jobs.chosen[number]]
        circuit = template.bound_circuit(self.recorded.tables(self.jobs.rows[number]))
        named: cirq.Circuit = cirq.with_measurement_key_mapping(
            circuit, {MEASUREMENT_KEY: self.jobs.ids[number]}
        )
        return named


@dataclass(frozen=True, eq=False)
class Packed:
    """A program before it is written.

    Attributes:
        program: What the manifest says of it.
        device: What runs it.
        register: The measured qubits, for its markers.
        made: Makes the circuit.
    """

    program: JobProgram
    device: Device
    register: tuple[tuple[cirq.Qid, ...], ...]
    made: Callable[[], cirq.Circuit]


def check_form(form: str) -> None:
    """Refuses a form of circuits that is not known.

    Args:
        form: One of `FORMATS`.

    Raises:
        InputError: If it is none.
    """
    if form not in FORMATS:
        raise InputError(f"format = {shown(form)} is not known: give one of {', '.join(FORMATS)}.")


def placed(
    recorded: RecordedTemplate,
    copies: int,
    order: Sequence[int],
    before: str = "",
) -> Placed:
    """Chooses the places of a template, and names its circuits.

    Args:
        recorded: The template.
        copies: How many are run side by side; 1 for the place it was compiled for.
        order: The circuits in the order in which they are packed.
        before: What the round of the circuits was decided by, see `Manifest`: the same circuit has
            other names in other rounds.

    Raises:
        InputError: If fewer copies fit the device.
    """
    template, device = recorded.template, recorded.device
    templates: tuple[Template, ...] = (template,)
    if copies > 1:
        usage = Usage.of(template.circuit)
        found = disjoint_placements(usage, device, recorded.gate_set, copies, 0)
        if len(found) < copies:
            raise InputError(
                f"parallel = {copies}: {len(found)} copies of a circuit were found to fit device "
                f"{device.name!r}; ask for fewer."
            )
        templates = tuple(template.moved(each.positions) for each in found)
    rows = recorded.rows
    chosen = np.zeros(len(rows), dtype=np.int64)
    chosen[list(order)] = np.arange(len(rows)) % copies
    places = tuple(tuple(map(str, _in_order(template, each))) for each in templates)
    own = (before,) if before else ()
    ids = tuple(
        name_of("c", template.digest, *places[place], row.astype("<f8").tobytes(), *own)
        for place, row in zip(chosen, rows, strict=True)
    )
    measured = tuple(tuple(map(str, each.observable.qubits)) for each in templates)
    jobs = TemplateJobs(template.digest, device.name, rows, ids, chosen, places, measured)
    return Placed(recorded, templates, jobs)


def _in_order(template: Template, moved: Template) -> list[cirq.Qid]:
    """The qubits of a moved template, in the order of the qubits they stand for."""
    positions: dict[cirq.Qid, cirq.Qid] = {}
    pairs = zip(template.circuit.all_operations(), moved.circuit.all_operations(), strict=True)
    for one, other in pairs:
        positions.update(zip(one.qubits, other.qubits, strict=True))
    return [positions[qubit] for qubit in template.qubits]


def packed(each: Placed, copies: int, order: Sequence[int], shots: Sequence[int]) -> list[Packed]:
    """The programs of a template.

    Args:
        each: The template in its places.
        copies: As for `placed`.
        order: As for `placed`, of circuits with the most shots first.
        shots: Shots of each circuit.
    """
    found = []
    for start in range(0, len(order), copies):
        own = tuple(order[start : start + copies])
        keys = tuple(each.jobs.ids[number] for number in own)
        program = JobProgram(
            keys[0] if copies == 1 else name_of("p", *keys),
            keys,
            (each.jobs.n_bits,) * len(own),
            max(shots[number] for number in own),
            (),
        )
        register = tuple(each.templates[place].observable.qubits for place in range(len(own)))

        def made(own: Sequence[int] = own) -> cirq.Circuit:
            circuits = [each.circuit(number) for number in own]
            return circuits[0] if len(circuits) == 1 else side_by_side(circuits)

        found.append(Packed(program, each.recorded.device, register, made))
    return found


def markers(like: Packed, before: str = "") -> list[Packed]:
    """Circuits that prepare known bits on the qubits that a program measures.

    In the j-th the bit at place i, over all keys, is the j-th binary digit of i + 1: every bit has
    another column of bits, so that no other order of the bits gives the same.

    Args:
        like: The program.
        before: As for `placed`.
    """
    qubits = [qubit for own in like.register for qubit in own]
    found = []
    for digit in range(len(qubits).bit_length()):
        pattern = "".join(str((place + 1) >> digit & 1) for place in range(len(qubits)))
        name = name_of("m", like.device.name, *map(str, qubits), *map(str, like.program.bits),
                       pattern, *([before] if before else []))  # fmt: skip
        count = len(like.register)
        keys = (name,) if count == 1 else tuple(f"{name}_{place}" for place in range(count))

        def made(pattern: str = pattern, keys: Sequence[str] = keys) -> cirq.Circuit:
            ones = [q for q, bit in zip(qubits, pattern, strict=True) if bit == "1"]
            ends = [cirq.measure(*own, key=k) for own, k in zip(like.register, keys, strict=True)]
            return cirq.Circuit(cirq.Moment(_FLIP.on_each(*ones)), cirq.Moment(ends))

        program = replace(like.program, id=name, keys=keys, pattern=pattern)
        found.append(Packed(program, like.device, like.register, made))
    return found


def write_files(
    folder: Path, programs: Sequence[Packed], form: str, name: str = CIRCUITS, before: str = ""
) -> list[JobProgram]:
    """Validates circuits and writes them, with the markers of their qubits, file by file.

    A file says how many shots each of its circuits takes, in their order; those of most come first.

    Args:
        folder: An existing folder.
        programs: What is run.
        form: One of `FORMATS`.
        name: How the names of the files begin, which begin with `CIRCUITS`.
        before: As for `placed`.

    Returns:
        The programs, markers first, with their files.

    Raises:
        InputError: If a device cannot run a circuit, or the format cannot hold it.
        OSError: If writing fails.
    """
    files: dict[str, list[str]] = {}
    found: dict[str, JobProgram] = {}
    known: dict[str, list[tuple[JobProgram, str]]] = {}

    by_shots = sorted(programs, key=lambda each: -each.program.shots)
    for number, batch in enumerate(_files(by_shots, form), start=1):
        file = f"{name}_{number:04d}.json"
        most = min(_MARKER_SHOTS, max(each.program.shots for each, _ in batch))
        own: dict[str, tuple[int, str]] = {}
        for each in _registers([each for each, _ in batch]):
            register = repr((each.device.name, each.register))
            if register not in known:
                marks = markers(each, before)
                known[register] = [(it.program, _checked(it, form)) for it in marks]
            for marker, text in known[register]:
                own[marker.id] = most, text
                found.setdefault(marker.id, replace(marker, shots=most))
        for each, text in batch:
            own[each.program.id] = each.program.shots, text
            found[each.program.id] = each.program
        for key in own:
            files.setdefault(key, []).append(file)
        _write_file(folder / file, own, form)
    every = [replace(each, files=tuple(files[key])) for key, each in found.items()]
    return sorted(every, key=lambda each: not each.pattern)


def write_files_again(
    folder: Path,
    programs: Sequence[Packed],
    known: Sequence[JobProgram],
    form: str,
    before: str = "",
) -> None:
    """Writes files of circuits that were written before, as their manifest says.

    Args:
        folder: The folder of the manifest.
        programs: What is run.
        known: It and its markers, with their files.
        form: As for `write_files`.
        before: As for `placed`.

    Raises:
        InputError: If other circuits were written, as by another version.
        OSError: If writing fails.
    """
    registers = {repr((each.device.name, each.register)): each for each in programs}
    marks = [mark for each in registers.values() for mark in markers(each, before)]
    by_id = {each.program.id: each for each in [*programs, *marks]}
    if any(each.id not in by_id or by_id[each.id].program.keys != each.keys for each in known):
        raise InputError(
            f"{folder} holds the same jobs in other programs: use the version that made them."
        )
    texts: dict[str, str] = {}
    for file in sorted({name for each in known for name in each.files}):
        held = [each for each in known if file in each.files]
        most = max((each.shots for each in held if not each.pattern), default=_MARKER_SHOTS)
        own: dict[str, tuple[int, str]] = {}
        for each in held:
            text = texts.get(each.id) or _checked(by_id[each.id], form)
            if each.pattern:
                texts[each.id] = text
            own[each.id] = min(each.shots, most) if each.pattern else each.shots, text
        _write_file(folder / file, own, form)


def _checked(each: Packed, form: str) -> str:
    """The text of a circuit, which is validated against its device."""
    circuit = each.made()
    check(circuit, each.device)
    return _text(circuit, form)


def _write_file(path: Path, circuits: Mapping[str, tuple[int, str]], form: str) -> None:
    """Writes a file of circuits; for each name its shots and its text."""
    shots = json.dumps([number for number, _ in circuits.values()])
    head = f'{_HEAD}"{form}", "shots": {shots}, "circuits": {{\n'
    body = ",\n".join(f'"{key}": {text}' for key, (_, text) in circuits.items())
    write_text(path, f"{head}{body}\n}}}}\n")


def _registers(programs: Sequence[Packed]) -> list[Packed]:
    """One program for each register; those with fewer copies in the same places need no other."""
    found: list[Packed] = []
    for each in sorted(programs, key=lambda own: -len(own.register)):
        size = len(each.register)
        if not any(
            own.device.name == each.device.name and own.register[:size] == each.register
            for own in found
        ):
            found.append(each)
    return found


def remove_files(folder: Path) -> None:
    """Removes files of circuits that were left by a process that was killed.

    Whoever runs all that is there would run circuits that nobody asks for.

    Args:
        folder: A folder without a manifest.

    Raises:
        OSError: If one cannot be removed.
    """
    for path in folder.glob(f"{CIRCUITS}_[0-9]*.json"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                is_own = file.read(len(_HEAD)) == _HEAD.encode()
            if is_own:
                path.unlink()


def _files(programs: Iterable[Packed], form: str) -> Iterator[list[tuple[Packed, str]]]:
    """Programs of one file at a time, with their texts."""
    batch: list[tuple[Packed, str]] = []
    size = 0
    for each in programs:
        text = _checked(each, form)
        batch.append((each, text))
        size += len(text)
        if size >= LARGEST_FILE or len(batch) >= MOST_IN_FILE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _text(circuit: cirq.Circuit, form: str) -> str:
    """A circuit as JSON: an object of Cirq's, or a text in OpenQASM 3."""
    if form == "cirq":
        return str(cirq.to_json(circuit, indent=None))
    try:
        text = WRITERS[".qasm3"](circuit).decode()
    except (ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"a circuit cannot be written as OpenQASM 3 ({error}).") from None
    lines = text.splitlines(keepends=True)
    return json.dumps("".join(each if each.startswith("//") else _plain(each) for each in lines))


def _plain(line: str) -> str:
    """A line of OpenQASM whose angles are numbers: not every reader takes expressions."""
    line = _TURNS.sub(lambda found: repr(float(found[1]) * np.pi), line)
    return _WHOLE.sub(lambda found: f"{found[0]}.0", line)
