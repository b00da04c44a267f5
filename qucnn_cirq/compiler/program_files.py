"""Compiled programs in files: with template, specification, device and report.

A file is JSON with a checksum. It is refused if it was damaged, if another version of the format
or of the package wrote it, or if what it holds contradicts itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import cirq
import cirq_google
from cirq_google.api import v2
from google.protobuf import text_format

from noise_models.calibration import Calibration, GateError
from noise_models.extensions import NotNamedError, reading_stored, users_code
from noise_models.files import read_json
from noise_models.writing import atomic_write
from qucnn_cirq import __version__
from qucnn_cirq.circuits.loaders import BUILT_IN, LOADERS, Loader, SideBySide, StateLoader
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.circuits.relabelling import Relabelling
from qucnn_cirq.circuits.slots import FixedUnitary, Rotation, Slot, TableAngle
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Report, Variant
from qucnn_cirq.compiler.passes import one_qubit_gates, two_qubit_depth, two_qubit_gates
from qucnn_cirq.compiler.pipeline import PassRecord
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.devices import Device, device_names, load_device
from qucnn_cirq.encodings import ENCODINGS, Angle, Encoding, EncodingLoader, GivenLoader
from qucnn_cirq.errors import InputError
from qucnn_cirq.exchange.plain import Codec
from qucnn_cirq.filters import CircuitFilter, Filter, FixedFilter, XZAnsatz, filter_from_mapping
from qucnn_cirq.guard import guarded
from qucnn_cirq.kinds import Kind
from qucnn_cirq.measurements import MEASUREMENTS, EachZ, Measurement
from qucnn_cirq.specification import ConvolutionSpec
from qucnn_cirq.validation import check

T = TypeVar("T")

FORMAT = "qucnn_cirq program"
VERSION = 2
"""Version of the format; it changes when older programs can no longer be read."""

LARGEST_FILE = 64 * 2**20
"""Bytes."""


def save_program(program: Program, path: Path | str) -> None:
    """Writes a compiled program to a file; see `load_program`.

    Args:
        program: What to write.
        path: The file; one that is there is replaced.

    Raises:
        InputError: If the program holds something that cannot be written, such as a device that
            is no grid of Google's kind.
        OSError: If the file cannot be written.
    """
    content = _codec().write(program)
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "package": __version__,
        "sha256": _checksum(content),
        "program": content,
    }
    text = json.dumps(whole, allow_nan=False, separators=(",", ":"))
    with atomic_write(Path(path)) as file:
        file.write(f"{text}\n".encode())


def load_program(path: Path | str) -> Program:
    """Reads a compiled program.

    It binds, executes and reports as the one that was saved, without compiling anything. The file
    is first read in a process with bounds of time and memory.

    Args:
        path: A file that `save_program` wrote.

    Raises:
        InputError: In one line that names the file, if it cannot be read, is damaged, comes from
            another version, or holds a program that contradicts itself or its device.
    """
    guarded(Path(path), _is_readable)
    return _read(Path(path))


def _is_readable(path: Path) -> bool:
    _read(path, _any_convolution, _any_filter, _any_loader, _any_encoding, _any_measurement)
    return True


def _any_convolution(mapping: Mapping[str, Any]) -> ConvolutionSpec:
    """Reads a specification where, in a process that was not forked, the user's own is unknown.

    It plays no part in what reading takes, and is asked for afterwards.
    """
    known = dict(mapping)
    for key, kinds in (("encoding", ENCODINGS), ("measurement", MEASUREMENTS)):
        if key in known and known[key]["kind"] not in kinds:
            del known[key]
    if known.get("overlap") not in OVERLAP_TESTS:
        known["overlap"] = next(iter(OVERLAP_TESTS))
    try:
        return ConvolutionSpec.from_mapping(known)
    except NotNamedError:
        return ConvolutionSpec.from_mapping(
            {**known, "filters": [XZAnsatz().to_mapping()] * len(known["filters"])}
        )


def _any_filter(mapping: Mapping[str, Any]) -> Filter:
    try:
        return filter_from_mapping(mapping)
    except NotNamedError:
        return XZAnsatz()


def _encoding(mapping: Mapping[str, Any]) -> Encoding:
    return ENCODINGS.read(mapping)


def _measurement(mapping: Mapping[str, Any]) -> Measurement:
    return MEASUREMENTS.read(mapping)


def _any_encoding(mapping: Mapping[str, Any]) -> Encoding:
    try:
        return ENCODINGS.read(mapping)
    except NotNamedError:
        return Angle()


def _any_measurement(mapping: Mapping[str, Any]) -> Measurement:
    try:
        return MEASUREMENTS.read(mapping)
    except NotNamedError:
        return EachZ()


def _any_loader(name: str, settings: Mapping[str, Any]) -> Loader | None:
    """Reads a loader, or None where it is the user's own, as for `_any_convolution`."""
    try:
        return _build_loader(name, settings)
    except NotNamedError:
        return None


def _read(path: Path, *readers: Callable[..., Any]) -> Program:
    try:
        return _program(read_json(path, LARGEST_FILE), _codec(*readers))
    except InputError as error:
        text = str(error)
        raise InputError(text if str(path) in text else f"{path}: {text}") from None
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        # A checksum does not say who wrote a file.
        raise InputError(f"{path} holds no program ({type(error).__name__}: {error}).") from None


def _program(whole: Any, codec: Codec) -> Program:
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise InputError(f"this is no {FORMAT}: write one with program.save.")
    if whole.get("version") != VERSION:
        raise InputError(
            f"the program has version {whole.get('version')!r} of the format; this is version "
            f"{VERSION}: compile it again."
        )
    series = _series(__version__)
    if _series(whole.get("package")) != series:
        raise InputError(
            f"the program was compiled by qucnn_cirq {whole.get('package')!r}; this is "
            f"{__version__}: compile it again."
        )
    if whole.get("sha256") != _checksum(whole.get("program")):
        raise InputError("the program is damaged: its checksum is wrong; compile it again.")
    with reading_stored():
        program = codec.read(whole["program"])
    if not isinstance(program, Program):
        raise InputError(f"the content is a {type(program).__name__} and no program.")
    _check_consistent(program)
    return program


def _series(version: object) -> str:
    """The part of a version with which results may change: the first two numbers."""
    return ".".join(str(version).split(".")[:2])


def _checksum(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _check_consistent(program: Program) -> None:
    """A report that tells of another circuit, or a circuit that the device cannot run."""
    if len(program.filters) != program.spec.n_filters:
        raise InputError(
            f"the program has {len(program.filters)} filters, its specification "
            f"{program.spec.n_filters}."
        )
    for compiled in program.filters:
        for variant in compiled.variants:
            circuit, report = variant.template.circuit, variant.report
            counted = (two_qubit_gates(circuit), two_qubit_depth(circuit), one_qubit_gates(circuit))
            stated = (report.two_qubit_gates, report.two_qubit_depth, report.one_qubit_gates)
            if counted != stated or len(circuit) != report.moments:
                raise InputError("the program's report does not fit its circuit.")
            check(variant.template.marked_circuit, program.device)


def _write_device(device: Device) -> dict[str, Any]:
    named = device.name in device_names() or device.name.startswith("grid:")
    if named and device is load_device(device.name):
        return {"name": device.name}
    if not isinstance(device.cirq_device, cirq_google.GridDevice):
        raise InputError(
            f"device {device.name!r} is a {type(device.cirq_device).__name__}, which cannot be "
            "written to a file; describe it in a TOML file instead."
        )
    return {
        "name": device.name,
        "specification": text_format.MessageToString(device.cirq_device.to_proto()),
        "own_calibration": device.own_calibration,
        "measures_apart": device.measures_apart,
    }


def _build_device(
    name: str,
    specification: str | None = None,
    own_calibration: Calibration | None = None,
    measures_apart: bool = False,
) -> Device:
    if specification is None:
        return load_device(name)
    message = v2.device_pb2.DeviceSpecification()
    text_format.Parse(specification, message)
    return Device(name, cirq_google.GridDevice.from_proto(message), own_calibration, measures_apart)


_GATE_TYPES: dict[str, type[cirq.Gate]] = {
    "syc": cirq_google.SycamoreGate,
    "cz": cirq.CZPowGate,
    "iswap": cirq.ISwapPowGate,
    "fsim": cirq.FSimGate,
}
_TYPE_NAMES = {kind: name for name, kind in _GATE_TYPES.items()}


def _write_calibration(calibration: Calibration) -> dict[str, Any]:
    content = {each.name: getattr(calibration, each.name) for each in fields(calibration)}
    content["two_qubit_ns"] = _by_name(calibration.two_qubit_ns)
    content["two_qubit"] = {
        coupler: _by_name(errors) for coupler, errors in calibration.two_qubit.items()
    }
    return content


def _build_calibration(
    two_qubit_ns: dict[str, float],
    two_qubit: dict[tuple[cirq.Qid, cirq.Qid], dict[str, GateError]],
    **others: Any,
) -> Calibration:
    return Calibration(
        two_qubit_ns=_by_type(two_qubit_ns),
        two_qubit={coupler: _by_type(errors) for coupler, errors in two_qubit.items()},
        **others,
    )


def _by_name(entries: Mapping[type[cirq.Gate], T]) -> dict[str, T]:
    return {_TYPE_NAMES[kind]: value for kind, value in entries.items()}


def _by_type(entries: Mapping[str, T]) -> dict[type[cirq.Gate], T]:
    return {_GATE_TYPES[name]: value for name, value in entries.items()}


def _as_mapping(described: ConvolutionSpec | Kind) -> dict[str, Any]:
    return {"mapping": described.to_mapping()}


def _write_loader(loader: Loader) -> dict[str, Any]:
    return {"name": LOADERS.name_of(type(loader)), "settings": loader.settings()}


def _build_loader(name: str, settings: Mapping[str, Any]) -> Loader:
    kind = LOADERS[name]
    with users_code(f"loader {kind.name!r}"):
        return kind(**settings)


_FILTERS: tuple[type[Filter], ...] = (Filter, XZAnsatz, FixedFilter, CircuitFilter)
"""Those of the user's own are written as the first."""


def _codec(
    read_spec: Callable[..., ConvolutionSpec] = ConvolutionSpec.from_mapping,
    read_filter: Callable[..., Filter] = filter_from_mapping,
    read_loader: Callable[..., Loader | None] = _build_loader,
    read_encoding: Callable[..., Encoding] = _encoding,
    read_measurement: Callable[..., Measurement] = _measurement,
) -> Codec:
    return Codec(
        dataclasses=(
            Program,
            CompiledFilter,
            Variant,
            Report,
            PassRecord,
            Template,
            Observable,
            Relabelling,
            LoadingRule,
            Slot,
            Rotation,
            TableAngle,
            FixedUnitary,
            GateError,
        ),
        others={
            ConvolutionSpec: (_as_mapping, read_spec),
            **{kind: (_as_mapping, read_filter) for kind in _FILTERS},
            Device: (_write_device, _build_device),
            Calibration: (_write_calibration, _build_calibration),
            # The package's own are found by their class, a user's by the name it was given.
            **{kind: (kind.settings, kind) for kind in BUILT_IN},
            SideBySide: (SideBySide.settings, SideBySide),
            StateLoader: (StateLoader.settings, StateLoader),
            EncodingLoader: (EncodingLoader.settings, EncodingLoader),
            GivenLoader: (GivenLoader.settings, GivenLoader),
            Encoding: (_as_mapping, read_encoding),
            Measurement: (_as_mapping, read_measurement),
            Loader: (_write_loader, read_loader),
        },
        bases=(Filter, Loader, Encoding, Measurement),
        # Engines do for a template once what they do for all filters that share it.
        shared=(Template, Variant, Loader),
        # Most have none, and are written as before there was one.
        left_out={Template: ("relabelling",)},
    )
