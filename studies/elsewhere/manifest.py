"""The manifest of circuits that are run elsewhere: what each is, who uses it, and how often.

It is one sealed JSON file, plain data throughout: nothing of it is run, and no path stands in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError, shown
from studies.files import JOBS, damaged, digest_of, file_content, is_sealed, parsed, write_sealed
from studies.sweep.chunks import decode_array, encode_array

MANIFEST = JOBS
VERSIONS = (1, 2)
"""Versions of the files of a folder of jobs: 2 has more rounds than one."""
ADVICE = "make the jobs again, in another folder."
MOST_SHOTS = 5 * 10**8
"""Shots of a circuit, in all: more cannot be shared out at random."""

_NAME = re.compile(r"[cpm][0-9a-f]{16}(_[0-9]{1,3})?")
_FILE = re.compile(r"circuits(_[0-9]{4,9}){1,2}\.json")


@dataclass(frozen=True, eq=False)
class TemplateJobs:
    """The circuits of one compiled structure.

    Attributes:
        digest: That of the template.
        device: Name of the device.
        rows: The angles of each circuit, shape (circuits, angles).
        ids: The name of each circuit, which is the key of its measurement.
        chosen: The number of the place where each is run, shape (circuits,).
        places: For each place the names of its qubits, in the order of the template's.
        measured: For each place the names of the measured qubits, in the order of the bits.
    """

    digest: str
    device: str
    rows: NDArray[np.float64]
    ids: tuple[str, ...]
    chosen: NDArray[np.int64]
    places: tuple[tuple[str, ...], ...]
    measured: tuple[tuple[str, ...], ...]

    @property
    def n_bits(self) -> int:
        """Bits of an outcome."""
        return len(self.measured[0])


@dataclass(frozen=True, eq=False)
class Use:
    """Circuits that a point runs together.

    Attributes:
        template: The number of their template.
        shots: Shots of each.
        circuits: The number of each within the template, shape (filters, patches): patches that
            are not blank, in the order in which the study runs them.
    """

    template: int
    shots: int
    circuits: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JobPoint:
    """A point of the study.

    Attributes:
        identity: Its identity.
        values: The values of the axes.
        digests: What decides its outcome besides its settings.
        shots: Shots of each circuit that its settings ask for.
        draw: The number of its repetition: points of one draw share counts, others do not.
        uses: The number of its uses in `Manifest.uses`.
        waits: Whether the counts of this round decide what it runs next, if anything.
    """

    identity: str
    values: Mapping[str, Any]
    digests: Mapping[str, str]
    shots: int
    draw: int
    uses: int
    waits: bool = False

    def to_mapping(self) -> dict[str, Any]:
        """As plain data."""
        found = {**vars(self), "values": dict(self.values)}
        if not self.waits:
            del found["waits"]
        return found


@dataclass(frozen=True)
class NamedCircuit:
    """A circuit of no study.

    Attributes:
        name: What whoever handed it out calls it.
        key: Its name in the files, the key of its measurement.
        measured: Names of the measured qubits, in the order of the bits.
        shots: Shots that are wanted.
        circuit: The circuit in Cirq's JSON, whatever the files are written as; empty in folders of
            versions that left it to the files.
    """

    name: str
    key: str
    measured: tuple[str, ...]
    shots: int
    circuit: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """As plain data."""
        found = {**vars(self), "measured": list(self.measured)}
        if not self.circuit:
            del found["circuit"]
        return found


@dataclass(frozen=True)
class JobProgram:
    """A circuit as it is run: one circuit of the study, or several side by side.

    Attributes:
        id: Its name in the files of circuits.
        keys: The keys of its measurements, in the order of its qubits.
        bits: Bits of each of them.
        shots: How often it is to be run.
        files: The files that it stands in.
        pattern: The bits that a marker prepares, those of all keys side by side; empty for others.
    """

    id: str
    keys: tuple[str, ...]
    bits: tuple[int, ...]
    shots: int
    files: tuple[str, ...]
    pattern: str = ""


class HandedOut(Protocol):
    """Circuits that counts may be of: those of one round, or of several."""

    @property
    def digest(self) -> str:
        """Tells these jobs from any others."""

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of each round."""

    @property
    def programs(self) -> tuple[JobProgram, ...]:
        """What is run, markers included."""

    @property
    def bits(self) -> dict[str, int]:
        """The bits of each key."""

    @property
    def by_id(self) -> dict[str, JobProgram]:
        """The programs by name."""


@dataclass(frozen=True, eq=False)
class Manifest:
    """All circuits of a round: of most studies there is but one.

    Attributes:
        study: The study's name; empty if the circuits are of none.
        form: What the circuits are written as, "cirq" or "qasm".
        configuration: SHA-256 of the configuration of the study.
        points: The points that run circuits in this round; in the first one, all.
        uses: The different lists of circuits that points run.
        templates: The compiled structures.
        programs: What is run, markers included.
        provenance: Versions, machine and commit.
        named: Circuits of no study.
        before: What this round was decided by, the digest of a `studies.elsewhere.rounds.Decided`;
            empty for the first one.
    """

    study: str
    form: str
    configuration: str
    points: tuple[JobPoint, ...]
    uses: tuple[tuple[Use, ...], ...]
    templates: tuple[TemplateJobs, ...]
    programs: tuple[JobProgram, ...]
    provenance: Mapping[str, Any]
    named: tuple[NamedCircuit, ...] = ()
    before: str = ""

    @property
    def waits(self) -> bool:
        """Whether its counts decide what is run next."""
        return any(each.waits for each in self.points)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest, as the only one."""
        return (self.digest,)

    @cached_property
    def by_identity(self) -> dict[str, JobPoint]:
        """The points by identity."""
        return {each.identity: each for each in self.points}

    @cached_property
    def digest(self) -> str:
        """Tells these jobs from any others: all but the provenance."""
        content = self.to_mapping()
        del content["provenance"], content["digest"]
        return digest_of(content)

    @cached_property
    def bits(self) -> dict[str, int]:
        """The bits of each key."""
        return {
            key: n for each in self.programs for key, n in zip(each.keys, each.bits, strict=True)
        }

    @cached_property
    def by_id(self) -> dict[str, JobProgram]:
        """The programs by name."""
        return {each.id: each for each in self.programs}

    @cached_property
    def program_of(self) -> dict[str, JobProgram]:
        """The program of each key."""
        return {key: each for each in self.programs for key in each.keys}

    @cached_property
    def needs(self) -> tuple[tuple[dict[int, int], ...], ...]:
        """For each template and circuit the shots that each draw needs, in order."""
        found: list[list[dict[int, int]]] = [[{} for _ in each.ids] for each in self.templates]
        for point in self.points:
            for (template, circuit), shots in self.shots_of(point).items():
                own = found[template][circuit]
                own[point.draw] = max(own.get(point.draw, 0), shots)
        return tuple(tuple(dict(sorted(own.items())) for own in each) for each in found)

    @cached_property
    def wanted(self) -> dict[str, int]:
        """The shots that each circuit is to have, by its key; markers apart."""
        found = {
            key: sum(draws.values())
            for template, needs in zip(self.templates, self.needs, strict=True)
            for key, draws in zip(template.ids, needs, strict=True)
        }
        return found | {each.key: each.shots for each in self.named}

    def shots_of(self, point: JobPoint) -> dict[tuple[int, int], int]:
        """The shots that a point takes of each circuit, by the numbers of template and circuit.

        Args:
            point: One of the points.
        """
        return self._shots[point.uses]

    @cached_property
    def _shots(self) -> list[dict[tuple[int, int], int]]:
        found = []
        for uses in self.uses:
            own: dict[tuple[int, int], int] = {}
            for use in uses:
                numbers, counts = np.unique(use.circuits, return_counts=True)
                for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                    place = use.template, number
                    own[place] = own.get(place, 0) + count * use.shots
            found.append(own)
        return found

    def to_mapping(self) -> dict[str, Any]:
        """As plain data, without a seal; `digest` included only by `write`."""
        has_rounds = self.waits or bool(self.before)
        return {
            "jobs": VERSIONS[has_rounds],
            "digest": "",
            "study": self.study,
            "format": self.form,
            "configuration": self.configuration,
            "bit_order": "the first measured qubit is the first, most significant bit",
            "points": [each.to_mapping() for each in self.points],
            "uses": [
                [{**vars(each), "circuits": encode_array(each.circuits)} for each in uses]
                for uses in self.uses
            ],
            "templates": [
                {
                    "digest": each.digest,
                    "device": each.device,
                    "rows": encode_array(each.rows),
                    "ids": list(each.ids),
                    "chosen": encode_array(each.chosen),
                    "places": [list(place) for place in each.places],
                    "measured": [list(place) for place in each.measured],
                }
                for each in self.templates
            ],
            "programs": [
                {key: list(v) if isinstance(v, tuple) else v for key, v in vars(each).items()}
                for each in self.programs
            ],
            "named": [each.to_mapping() for each in self.named],
            "provenance": dict(self.provenance),
            **({"before": self.before} if self.before else {}),
        }

    def write(self, folder: Path) -> None:
        """Writes it to a folder.

        Args:
            folder: An existing folder.

        Raises:
            OSError: If writing fails.
        """
        write_sealed(folder / MANIFEST, {**self.to_mapping(), "digest": self.digest})


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Args:
        folder: A folder that `qucnn jobs` wrote.

    Raises:
        InputError: If there is none, or it is damaged or of another version.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise InputError(f"{folder} holds no jobs: give a folder that `qucnn jobs` finished.")
    content = parsed(path, file_content(path), ADVICE)
    if content.get("jobs", VERSIONS[0]) not in VERSIONS:
        raise InputError(
            f"{path} is of version {shown(content['jobs'], 20)} and this one reads "
            f"{' and '.join(map(str, VERSIONS))}: use the version that wrote it."
        )
    if not is_sealed(content):
        raise damaged(path, ADVICE)
    try:
        # A seal does not say who wrote it.
        found = _manifest(content)
        _check(found)
        same = found.digest == content["digest"]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        raise damaged(path, ADVICE) from None
    if not same:
        raise damaged(path, ADVICE)
    return found


def _manifest(content: Mapping[str, Any]) -> Manifest:
    return Manifest(
        content["study"],
        content["format"],
        content["configuration"],
        tuple(JobPoint(**each) for each in content["points"]),
        tuple(
            tuple(
                Use(each["template"], each["shots"], decode_array(each["circuits"]))
                for each in uses
            )
            for uses in content["uses"]
        ),
        tuple(
            TemplateJobs(
                each["digest"],
                each["device"],
                decode_array(each["rows"]),
                tuple(each["ids"]),
                decode_array(each["chosen"]),
                _texts(each["places"]),
                _texts(each["measured"]),
            )
            for each in content["templates"]
        ),
        tuple(
            JobProgram(
                each["id"],
                tuple(each["keys"]),
                tuple(each["bits"]),
                each["shots"],
                tuple(each["files"]),
                each["pattern"],
            )
            for each in content["programs"]
        ),
        content["provenance"],
        tuple(
            NamedCircuit(**{**each, "measured": tuple(each["measured"])})
            for each in content["named"]
        ),
        content.get("before", ""),
    )


def _texts(places: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(str, place)) for place in places)


def _check(found: Manifest) -> None:
    """Raises a ValueError if numbers do not fit each other."""
    wholes = [each.shots for each in found.points] + [each.draw for each in found.points]
    wholes += [each.uses for each in found.points]
    for program in found.programs:
        wholes += [program.shots, *program.bits]
        if len(program.keys) != len(program.bits) or max(program.bits) > 62:
            raise ValueError
        if len(program.pattern) not in (0, sum(program.bits)):
            raise ValueError
        if not all(map(_FILE.fullmatch, program.files)):
            raise ValueError
    keys = set(found.bits)
    if not all(map(_NAME.fullmatch, [*keys, *found.by_id])):
        raise ValueError
    for template in found.templates:
        fits = len(template.rows) == len(template.ids) == len(template.chosen)
        inside = (template.chosen >= 0).all() and (template.chosen < len(template.places)).all()
        if not (fits and inside and len(template.places) == len(template.measured)):
            raise ValueError
        if template.rows.ndim != 2 or not np.isfinite(template.rows).all():
            raise ValueError
        if any(found.bits[key] != template.n_bits for key in template.ids):
            raise ValueError
        keys.difference_update(template.ids)
    for each in found.named:
        wholes.append(each.shots)
        if found.bits[each.key] != len(each.measured):
            raise ValueError
        if not (isinstance(each.name, str) and isinstance(each.circuit, str)):
            raise ValueError
        keys.discard(each.key)
    if keys - {key for each in found.programs if each.pattern for key in each.keys}:
        raise ValueError
    for uses in found.uses:
        for use in uses:
            wholes += [use.shots, use.template]
            size = len(found.templates[use.template].ids)
            if use.circuits.dtype.kind != "i" or not use.circuits.size:
                raise ValueError
            if use.circuits.min() < 0 or use.circuits.max() >= size:
                raise ValueError
    if any(type(each) is not int or each < 0 for each in wholes):
        raise ValueError
    if any(each.uses >= len(found.uses) for each in found.points):
        raise ValueError
    if any(type(each.waits) is not bool for each in found.points):
        raise ValueError
    if len(found.by_identity) != len(found.points):
        raise ValueError


def name_of(letter: str, *content: str | bytes) -> str:
    """A short name that derives from content.

    Args:
        letter: What it begins with: "c" for circuits, "p" for programs, "m" for markers.
        *content: What it is the name of.

    Returns:
        The letter and 16 hexadecimal digits.
    """
    whole = hashlib.sha256()
    for part in content:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little") + data)
    return letter + whole.hexdigest()[:16]
