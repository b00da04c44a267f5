"""The specification of a quantum convolution: plain, immutable data that everything starts from."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import attrs
import cirq
import numpy as np
from numpy.typing import ArrayLike

from noise_models import fields
from noise_models.checks import only_known_keys, true_or_false, whole_pair
from noise_models.extensions import source_digest, users_code
from noise_models.tables import read_table, write_table
from qucnn_cirq.arrays import check_finite, checked_order, real_array
from qucnn_cirq.circuits.feed_forward import controlling, is_read_early
from qucnn_cirq.circuits.overlap_tests import AUTO, OVERLAP_TESTS, OverlapTest
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.encodings import AMPLITUDES, ENCODINGS, Amplitudes, Encoding
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters import CircuitFilter, Filter, FixedFilter, XZAnsatz, filter_from_mapping
from qucnn_cirq.filters.shared_angles import SharedAngles
from qucnn_cirq.measurements import MEASUREMENTS, Applied, Measurement

LARGEST_PATCH = 4096
"""Values in a patch over all channels, which a register of 12 qubits holds; loading takes as many
gates."""
LARGEST_STEP = 2**31 - 1
"""The largest stride."""
OVERLAP = "overlap"
"""In place of a measurement: the overlap test."""
_USUAL_TEST = "ancilla"
MOST_FILTERS = 1024
"""Filters of one convolution."""


def _overlap_name(name: object) -> str:
    if not (isinstance(name, str) and name == AUTO):
        OVERLAP_TESTS.find(name, beside=(AUTO,))
    return str(name)


def _number_or_pair(key: str, value: object, minimum: int, maximum: int) -> int | tuple[int, int]:
    """The value in the form it was given in, of Python's own types."""
    pair = whole_pair(key, value, minimum, maximum)
    return pair if isinstance(value, (list, tuple, np.ndarray)) else pair[0]


# Without slots: what it derives is kept beside the fields.
@cirq.value_equality
@attrs.frozen(eq=False, slots=False)
class ConvolutionSpec:
    """What a quantum convolution computes, independent of the device it runs on.

    Images are cut into patches as by `torch.nn.Conv2d`; each patch becomes a unit vector x, padded
    with zeros to a power of two, and the output for a filter f is |<x|f>|^2.

    With another encoding the state x is made of the patch's values in another way. With a
    measurement the filter's circuit is not compared with the data but acts on it, and each number
    that is read then is a map of its own.

    Two specifications are equal if they mean the same: `stride=1` equals `stride=(1, 1)`, and one
    filter equals a list of that one filter.

    Attributes:
        kernel: Size (rows, columns) of a patch, each at least 1; one number means a square.
            Always stored as a pair. A patch has at most 4096 values over all channels.
        stride: Step between patches, at least 1; a number, or a pair (rows, columns).
        padding: Zeros added on either side, at least 0 and less than the kernel; a number, or a
            pair (rows, columns).
        channels: Channels of an image, at least 1.
        filters: One filter, or a sequence of up to 1024 filters (stored as a tuple) with equally
            many parameters each. A bare `cirq.Circuit` is taken as a `CircuitFilter`.
        overlap: The overlap test: "ancilla" (SWAP test with an ancilla), "destructive" (Bell
            measurement of every pair of qubits), "inversion" (undo the filter, count zeros), one
            of your own by the name with which it was registered or as "module:attribute", or
            "auto": the one with the smallest predicted error on the device compiled for.
        backward: Whether the circuits also multiply the overlap by an upstream gradient on the
            processor (arXiv:2210.05443, section on the backward pass). Needs overlap="ancilla", or
            another test that takes a reader.
        encoding: How the values of a patch become a state: "amplitudes", "angle", "dense_angle",
            "arctan", "threshold" or "given", see `qucnn_cirq.encodings`; a table of a kind and its
            settings; or an object of a kind, your own among them.
        measurement: What is read of the data register after the filter's circuit has acted on it:
            "z", "bit_count", "most_likely", "pauli" or "distribution", see
            `qucnn_cirq.measurements`; a table of a kind and its settings; or an object. None, or
            "overlap", compares patch and filter by the overlap test.

    Raises:
        InputError: If a value is outside these ranges or a filter does not fit the kernel.
    """

    kernel: tuple[int, int] | int = fields.checked(
        lambda key, value: whole_pair(key, value, 1, LARGEST_PATCH), default=(4, 4)
    )
    stride: int | tuple[int, int] = fields.checked(
        lambda key, value: _number_or_pair(key, value, 1, LARGEST_STEP), default=1
    )
    padding: int | tuple[int, int] = fields.checked(
        lambda key, value: _number_or_pair(key, value, 0, LARGEST_PATCH), default=0
    )
    channels: int = fields.whole(1, LARGEST_PATCH, default=1)
    filters: Filter | cirq.AbstractCircuit | Sequence[Filter | cirq.AbstractCircuit] = (
        fields.checked(lambda _, value: _as_filters(value), default=XZAnsatz())
    )
    overlap: str = fields.named(_overlap_name, default=_USUAL_TEST)
    backward: bool = fields.checked(true_or_false, default=False)
    encoding: Encoding = fields.checked(lambda _, value: ENCODINGS.read(value), default=AMPLITUDES)
    measurement: Measurement | None = fields.checked(
        lambda _, value: (
            None
            if value is None or (isinstance(value, str) and value == OVERLAP)
            else MEASUREMENTS.read(value)
        ),
        default=None,
    )

    def __attrs_post_init__(self) -> None:
        kernel = self.kernel_pair
        for axis, padding, size in zip(("rows", "columns"), self.padding_pair, kernel, strict=True):
            if padding >= size:
                raise InputError(
                    f"padding = {shown(self.padding)} is not allowed with kernel = {kernel}: use "
                    f"less than {size} {axis}, or patches hold padding alone."
                )
        if self.n_elements > LARGEST_PATCH:
            raise InputError(
                f"kernel = {kernel} with channels = {self.channels} has {self.n_elements} values: "
                f"at most {LARGEST_PATCH} can be loaded; use a smaller kernel or fewer channels."
            )
        self._check_measurement()
        if self.backward and self.measurement is not None:
            raise InputError(
                f"backward = true is not possible with measurement = {self.measurement.kind!r}: "
                "the in-circuit backward pass multiplies overlaps; leave one of them out."
            )
        if self.backward and not self.allows_backward:
            raise InputError(
                f"backward = true is not possible with overlap = {self.overlap!r}: the in-circuit "
                f"backward pass reads the ancilla; use overlap = 'ancilla'."
            )
        self._check_order()
        found = set()
        for filter_ in self.filter_list:
            with users_code(f"filter {filter_.kind}"):
                filter_.check_fits(self.channels, kernel, self.register_qubits)
                found.add(filter_.n_parameters(self.register_qubits))
        self._as_acting()
        counts = sorted(found)
        if len(counts) > 1:
            raise InputError(
                f"filters have different numbers of parameters ({', '.join(map(str, counts))}): "
                f"use filters with equally many, or one specification for each."
            )

    def _check_order(self) -> None:
        """Refuses vectors in another order than the patches', and orders of other registers."""
        order = self.encoding.order if isinstance(self.encoding, Amplitudes) else None
        if order is not None and len(order) != self.register_qubits:
            raise InputError(
                f"encoding.order = {list(order)} is of {len(order)} qubits, and a patch of "
                f"{self.n_elements} values has {self.register_qubits}."
            )
        for filter_ in self.filter_list:
            if isinstance(filter_, FixedFilter) and filter_.order != order:
                raise InputError(
                    f"a fixed filter has order = {shown(filter_.order)} and the encoding "
                    f"{shown(order)}: give both the same, as ConvolutionSpec.in_order does."
                )

    def in_order(self, order: Sequence[int] | None) -> Self:
        """The same convolution with the bits of elements' numbers on other qubits.

        Overlaps with filters that are vectors stay what they are.

        Args:
            order: For each qubit which bit it holds, see `qucnn_cirq.encodings.Amplitudes`; None
                for all in turn.

        Raises:
            InputError: If patches are no amplitudes, a filter is no `FixedFilter`, whose overlaps
                would change, or it is no order of the register's qubits.
        """
        encoding = self.encoding
        if not isinstance(encoding, Amplitudes) or self.measurement is not None:
            raise InputError("an order of bits is for overlaps of patches that are amplitudes.")
        bits = checked_order("order", order)
        # All in turn is no order, of however many qubits.
        if order is not None and len(order) != self.register_qubits:
            raise InputError(
                f"order = {shown(list(order))} is of {len(order)} qubits, and a patch of "
                f"{self.n_elements} values has {self.register_qubits}."
            )
        own = []
        for filter_ in self.filter_list:
            if not isinstance(filter_, FixedFilter):
                raise InputError(
                    f"a {filter_.kind} filter acts on qubits: with bits in another order it gives "
                    "other overlaps. An order of bits is for filters that are vectors."
                )
            own.append(FixedFilter(filter_.values, bits))
        filters = tuple(own) if isinstance(self.filters, tuple) else own[0]
        return attrs.evolve(self, encoding=attrs.evolve(encoding, order=bits), filters=filters)

    def with_angles(self, parameters: ArrayLike) -> Self:
        """The same convolution with angles fixed, such as those that training found.

        Each filter becomes a circuit without symbols, so that `to_toml` writes what studies,
        budgets and jobs can take.

        Args:
            parameters: Radians, shape (filters, parameters), as `QuantumConvolution.parameters`.

        Raises:
            InputError: If there are no angles, circuits act on patches, or the shape is another.
        """
        if not self.n_parameters or self.measurement is not None:
            raise InputError("angles are fixed of overlap tests with filters that have some.")
        rows = real_array("parameters", parameters)
        check_finite("parameters have", rows)
        if rows.shape != (shape := (self.n_filters, self.n_parameters)):
            raise InputError(f"parameters have the shape {rows.shape}; {shape} is needed.")
        line = cirq.LineQubit.range(self.register_qubits)
        fixed = []
        for filter_, row in zip(self.filter_list, rows, strict=True):
            tables = {"filter": filter_.angles(len(line), row[np.newaxis])}

            def bound(operation: cirq.Operation, _: int, tables: Any = tables) -> cirq.Operation:
                if not isinstance(operation.gate, Slot):
                    return operation
                (matrix,) = operation.gate.unitaries(tables)
                return cirq.PhasedXZGate.from_matrix(matrix).on(*operation.qubits)

            circuit = cirq.map_operations(filter_.slots(line), bound)
            fixed.append(CircuitFilter(circuit, line))
        return attrs.evolve(self, filters=tuple(fixed))

    def _check_measurement(self) -> None:
        """Refuses what a measurement makes no use of."""
        if self.measurement is None:
            return
        if self.overlap != _USUAL_TEST:
            raise InputError(
                f"overlap = {self.overlap!r} has no effect with measurement = "
                f"{self.measurement.kind!r}: leave one of them out."
            )
        n_qubits = self.register_qubits
        for filter_ in self.filter_list:
            if filter_.fixed_vector(n_qubits) is not None:
                raise InputError(
                    f"a {filter_.kind} filter is a vector, which cannot act on the data: with "
                    f"measurement = {self.measurement.kind!r} give a filter that is a circuit."
                )
        with users_code(f"measurement {self.measurement.kind}"):
            self.measurement.check_fits(n_qubits)

    def _as_acting(self) -> None:
        """Has filters written for every state, where they act on the data."""
        if self.measurement is None:
            return
        with users_code("a filter"):
            acting = tuple(each.acting(self.register_qubits) for each in self.filter_list)
        listed = acting if isinstance(self.filters, tuple) else acting[0]
        object.__setattr__(self, "filters", listed)
        self._check_read_once(acting)

    def _check_read_once(self, acting: Sequence[Filter]) -> None:
        """Refuses to read at the end what a filter measures before."""
        assert self.measurement is not None
        read = self.measurement.read(self.register_qubits)
        register = cirq.LineQubit.range(self.register_qubits)
        for each in acting:
            if not isinstance(each, SharedAngles):
                continue
            circuit = each.compact(register)
            keys = controlling(circuit)
            early = {op.qubits[0] for op in circuit.all_operations() if is_read_early(op, keys)}
            for place in sorted(read):
                if register[place] in early:
                    raise InputError(
                        f"measurement = {self.measurement.kind!r} reads qubit {place}, which the "
                        f"{each.kind} filter measures before its end: read what is left, or take "
                        "pooling = 'deferred'."
                    )

    def _value_equality_values_(self) -> tuple[object, ...]:
        return (
            self.kernel_pair,
            self.stride_pair,
            self.padding_pair,
            self.channels,
            tuple((filter_.kind, filter_) for filter_ in self.filter_list),
            self.overlap,
            self.backward,
            (self.encoding.kind, self.encoding),
            None if self.measurement is None else (self.measurement.kind, self.measurement),
        )

    @property
    def overlap_test(self) -> OverlapTest:
        """How data and filter meet: the test that `overlap` names; for "auto" an InputError.

        With a measurement it is that in its place.
        """
        return (
            OVERLAP_TESTS[self.overlap] if self.measurement is None else Applied(self.measurement)
        )

    @property
    def has_amplitudes(self) -> bool:
        """Whether a patch is the vector of its state."""
        return isinstance(self.encoding, Amplitudes)

    @property
    def loads_vectors(self) -> bool:
        """Whether a loader of vectors prepares a patch, and not a circuit of the encoding."""
        return self.encoding.loader(self.n_elements) is None

    @property
    def n_numbers(self) -> int:
        """Numbers that come of each circuit: one overlap, or those of the measurement."""
        if self.measurement is None:
            return 1
        return len(self.measurement.table(self.register_qubits))

    @property
    def n_maps(self) -> int:
        """Output maps: for each filter as many as there are numbers."""
        return self.n_filters * self.n_numbers

    @property
    def allows_backward(self) -> bool:
        """Whether the overlap test can be compiled with ``backward=True``."""
        return self.overlap != AUTO and self.overlap_test.takes_reader

    @property
    def kernel_pair(self) -> tuple[int, int]:
        """The kernel as (rows, columns)."""
        return whole_pair("kernel", self.kernel, minimum=1)

    @property
    def stride_pair(self) -> tuple[int, int]:
        """The stride as (rows, columns)."""
        return whole_pair("stride", self.stride, minimum=1)

    @property
    def padding_pair(self) -> tuple[int, int]:
        """The padding as (rows, columns)."""
        return whole_pair("padding", self.padding, minimum=0)

    @property
    def filter_list(self) -> tuple[Filter, ...]:
        """The filters, one for each output map."""
        filters = self.filters if isinstance(self.filters, tuple) else (self.filters,)
        return filters

    @property
    def n_filters(self) -> int:
        """Number of filters."""
        return len(self.filter_list)

    @property
    def n_parameters(self) -> int:
        """Number of trainable angles of each filter."""
        return self.filter_list[0].n_parameters(self.register_qubits)

    @property
    def n_angles(self) -> int:
        """Rotations that parameters turn, over all filters: each parameter turns one or more."""
        return sum(each.n_angles(self.register_qubits) for each in self.filter_list)

    @property
    def n_elements(self) -> int:
        """Number of values in a patch, over all channels."""
        rows, columns = self.kernel_pair
        return self.channels * rows * columns

    @property
    def register_qubits(self) -> int:
        """Qubits that hold a patch: for amplitudes max(1, ceil(log2(n_elements)))."""
        return self.encoding.n_qubits(self.n_elements)

    def output_shape(self, rows: int, columns: int) -> tuple[int, int]:
        """Size of the output maps for images of this size.

        Args:
            rows: Rows of an image, without padding.
            columns: Columns of an image, without padding.

        Returns:
            The pair (rows, columns).

        Raises:
            InputError: If the kernel is larger than the padded image.
        """
        kernel, padding, stride = self.kernel_pair, self.padding_pair, self.stride_pair
        padded = (rows + 2 * padding[0], columns + 2 * padding[1])
        if padded[0] < kernel[0] or padded[1] < kernel[1]:
            with_padding = f" ({padded[0]}x{padded[1]} padded)" if any(padding) else ""
            raise InputError(
                f"kernel {kernel[0]}x{kernel[1]} is larger than the image {rows}x{columns}"
                f"{with_padding}: use a smaller kernel or more padding."
            )
        return (
            (padded[0] - kernel[0]) // stride[0] + 1,
            (padded[1] - kernel[1]) // stride[1] + 1,
        )

    def __repr__(self) -> str:
        kernel = "x".join(map(str, self.kernel_pair))
        kinds = ", ".join(dict.fromkeys(type(each).__name__ for each in self.filter_list))
        count = f"{self.n_filters} " if self.n_filters > 1 else ""
        way = f"{self.overlap} test" if self.measurement is None else self.measurement.kind
        return f"<convolution {kernel}, {count}{kinds}, {way}>"

    def _repr_html_(self) -> str:
        from qucnn_cirq.drawing.notebook import spec_html

        return spec_html(self)

    def to_mapping(self) -> dict[str, Any]:
        """The specification as plain data: pairs as lists, filters as a list of mappings.

        Equal specifications have equal mappings.

        Raises:
            InputError: If a circuit filter cannot be written as JSON.
        """
        mapping: dict[str, Any] = {
            "kernel": list(self.kernel_pair),
            "stride": list(self.stride_pair),
            "padding": list(self.padding_pair),
            "channels": self.channels,
            "overlap": self.overlap,
            "backward": self.backward,
            "filters": [filter_.to_mapping() for filter_ in self.filter_list],
        }
        # Where they are as they always were, the identity is as well.
        if self.encoding != AMPLITUDES:
            mapping["encoding"] = self.encoding.to_mapping()
        if self.measurement is not None:
            mapping["measurement"] = self.measurement.to_mapping()
        return mapping

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds a specification from plain data.

        Args:
            mapping: Any of the attributes, by name; the rest take their defaults. `filters` is
                one mapping for `filter_from_mapping`, or a list of them.

        Returns:
            The specification.

        Raises:
            InputError: If a key is unknown or a value is not allowed.
        """
        only_known_keys("convolution", mapping, fields.field_names(cls))
        settings = dict(mapping)
        if "filters" in settings:
            given = settings["filters"]
            settings["filters"] = (
                [filter_from_mapping(item) for item in given]
                if isinstance(given, (list, tuple))
                else filter_from_mapping(given)
            )
        return cls(**settings)

    def to_toml(self) -> str:
        """The specification as TOML, a table `[convolution]`."""
        return write_table("convolution", self.to_mapping())

    @classmethod
    def from_toml(cls, source: str | Path) -> Self:
        """Reads the table `[convolution]`; other tables are ignored.

        Args:
            source: A path, or TOML text. A str that has a line break or an equals sign is text,
                any other is the name of a file.

        Returns:
            The specification.

        Raises:
            InputError: If the file or the table cannot be read or a setting is not allowed.
        """
        return cls.from_mapping(read_table(source, "convolution"))

    @property
    def filter_sources(self) -> dict[str, str]:
        """For kinds of your own the SHA-256 of the file that defines them, by name."""
        found: dict[str, str | None] = {
            f"filter {each.kind}": source_digest(each) for each in self.filter_list
        }
        found[f"encoding {self.encoding.kind}"] = source_digest(self.encoding)
        if self.measurement is not None:
            found[f"measurement {self.measurement.kind}"] = source_digest(self.measurement)
        return {name: digest for name, digest in found.items() if digest is not None}

    @functools.cached_property
    def identity(self) -> str:
        """A SHA-256 in hexadecimal of the canonical mapping: equal for equal specifications.

        It does not depend on the order in which settings were written, nor on whether a number
        was written as 1 or 1.0, and it is the same in every process. With an overlap test or a
        filter of your own it changes with the file that defines it.
        """
        meaning = self.to_mapping()
        if self.overlap != AUTO and (source := OVERLAP_TESTS.source_digest(self.overlap)):
            meaning["overlap_source"] = source
        if sources := self.filter_sources:
            meaning["filter_sources"] = sources
        text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _as_filters(given: object) -> Filter | tuple[Filter, ...]:
    if isinstance(given, (list, tuple)):
        if not given:
            raise InputError("filters = [] is not allowed: give at least one filter.")
        if len(given) > MOST_FILTERS:
            raise InputError(
                f"filters has {len(given)} entries: give at most {MOST_FILTERS}, or several "
                "specifications."
            )
        return tuple(_as_filter(item) for item in given)
    return _as_filter(given)


def _as_filter(given: object) -> Filter:
    if isinstance(given, Filter):
        if type(given).__hash__ is None or not isinstance(getattr(given, "kind", None), str):
            raise InputError(
                f"filters holds a {type(given).__name__}, which has no kind or is not hashable: "
                "make it a frozen dataclass with a kind."
            )
        return given
    if isinstance(given, cirq.AbstractCircuit):
        return CircuitFilter(given)
    raise InputError(
        f"filters holds a {type(given).__name__}: give XZAnsatz(...), FixedFilter(array), a "
        f"cirq.Circuit, another Filter, or a list of these."
    )
