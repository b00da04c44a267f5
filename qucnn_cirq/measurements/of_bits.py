"""Numbers that come of the bits of all qubits."""

from __future__ import annotations

import functools

import attrs
import numpy as np

from noise_models import fields
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.measurements.measurement import FloatArray, Measurement, Numbers

MOST_BITS = 16
"""Qubits whose outcomes are told apart one by one."""


def _places(key: str, value: object) -> tuple[int, ...] | None:
    if value is None:
        return None
    found = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not found or any(type(each) is not int or each < 0 for each in found):
        raise InputError(f"{key} = {shown(value)} is not allowed: give places 0, 1, ... of qubits.")
    if len(set(found)) < len(found):
        raise InputError(f"{key} = {shown(value)} is not allowed: name each qubit once.")
    return found


def _pauli_strings(key: str, value: object) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not found:
        raise InputError(f"{key} = {shown(value)} is not allowed: give strings such as 'ZZII'.")
    for each in found:
        if not isinstance(each, str) or not each or set(each.upper()) - set("IXYZ"):
            raise InputError(
                f"{key} has {shown(each)}: give strings of I, X, Y and Z, one letter a qubit."
            )
        if set(each.upper()) == {"I"}:
            raise InputError(f"{key} has {each!r}, which is always 1: leave it out.")
    return tuple(each.upper() for each in found)


@functools.cache
def bits_of(n_bits: int) -> FloatArray:
    """The bits of every outcome, the first most significant, shape (bits, 2^bits). Read-only.

    Args:
        n_bits: How many, at most `MOST_BITS`.

    Raises:
        InputError: If they are more.
    """
    if n_bits > MOST_BITS:
        raise InputError(
            f"{n_bits} qubits are read: outcomes are told apart for at most {MOST_BITS}; read "
            "fewer qubits, or use a smaller kernel."
        )
    found = np.array((np.arange(1 << n_bits) >> np.arange(n_bits)[::-1, None]) & 1, dtype=float)
    found.flags.writeable = False
    return found


def parity_table(n_bits: int) -> FloatArray:
    """1 for every outcome of evenly many ones, -1 for the others, shape (2^bits,).

    Args:
        n_bits: How many.
    """
    table = np.ones(1)
    for _ in range(n_bits):
        table = np.multiply.outer(table, (1.0, -1.0)).ravel()
    return table


@attrs.frozen
class EachZ(Measurement):
    """<Z> of every qubit, or of some of them: 1 for |0>, -1 for |1>.

    Attributes:
        qubits: Places in the register, from 0; None for all of them.
    """

    kind = "z"
    title = "Z of each qubit"

    qubits: tuple[int, ...] | None = fields.checked(_places, default=None)

    def read(self, n_qubits: int) -> tuple[int, ...]:
        """The qubits named; see `Measurement.read`."""
        return super().read(n_qubits) if self.qubits is None else self.qubits

    def table(self, n_qubits: int) -> FloatArray:
        """1 - 2 bit; see `Measurement.table`."""
        signs: FloatArray = 1 - 2 * bits_of(len(self.read(n_qubits)))
        return signs

    def products(self, n_qubits: int) -> tuple[tuple[int, ...], ...]:
        """Each qubit by itself; see `Measurement.products`."""
        return tuple((place,) for place in range(len(self.read(n_qubits))))

    def names(self, n_qubits: int) -> tuple[str, ...]:
        """See `Measurement.names`."""
        return tuple(f"Z{place}" for place in self.read(n_qubits))


@attrs.frozen
class BitCount(Measurement):
    """The mean number of qubits that read 1."""

    kind = "bit_count"
    title = "mean number of ones"

    def table(self, n_qubits: int) -> FloatArray:
        """The number of ones; see `Measurement.table`."""
        ones: FloatArray = bits_of(n_qubits).sum(axis=0, keepdims=True)
        return ones

    def names(self, n_qubits: int) -> tuple[str, ...]:
        """See `Measurement.names`."""
        return ("ones",)


@attrs.frozen
class MostLikely(Measurement):
    """The number of ones of the outcome that is seen most often, as in arXiv:1904.04767.

    Of outcomes that are seen equally often the smallest counts. It is no mean, and has no gradient;
    the variance that is stated with shots is that of the number of ones in a single outcome over
    the shots, which tells how spread the outcomes are.
    """

    kind = "most_likely"
    title = "number of ones of the most likely outcome"
    is_linear = False

    def table(self, n_qubits: int) -> FloatArray:
        """The number of ones; see `Measurement.table`."""
        ones: FloatArray = bits_of(n_qubits).sum(axis=0, keepdims=True)
        return ones

    def names(self, n_qubits: int) -> tuple[str, ...]:
        """See `Measurement.names`."""
        return ("ones of the most likely",)

    def evaluate(self, chances: FloatArray, n_qubits: int, shots: int | None) -> Numbers:
        """See `Measurement.evaluate`."""
        (ones,) = self.table(n_qubits)
        # Rounding must not decide between outcomes that are equally likely.
        best = np.round(chances, 12).argmax(axis=-1)
        spread = super().evaluate(chances, n_qubits, shots).variances
        return Numbers(ones[best][..., None], spread)


@attrs.frozen
class PauliStrings(Measurement):
    """Means of products of Pauli matrices, all from one circuit.

    Attributes:
        strings: Such as ("ZZII", "IIXX"), a letter for each qubit of the register; on every qubit
            they agree in their letter, or have I.
    """

    kind = "pauli"
    title = "products of Pauli matrices"

    strings: tuple[str, ...] = fields.checked(_pauli_strings, default=("Z",))

    def __attrs_post_init__(self) -> None:
        if len({len(each) for each in self.strings}) > 1:
            raise InputError(f"strings = {shown(self.strings)} have different lengths.")
        for place, letters in enumerate(zip(*self.strings, strict=True)):
            if len(set(letters) - {"I"}) > 1:
                raise InputError(
                    f"strings = {shown(self.strings)} differ on qubit {place}, and a circuit reads "
                    "each qubit in one basis: measure them with one layer each."
                )

    def read(self, n_qubits: int) -> tuple[int, ...]:
        """The qubits on which a string has no I; see `Measurement.read`."""
        columns = enumerate(zip(*self.strings, strict=True))
        return tuple(place for place, letters in columns if set(letters) != {"I"})

    def bases(self, n_qubits: int) -> str:
        """The letters; see `Measurement.bases`."""
        columns = list(zip(*self.strings, strict=True))
        return "".join(
            next(iter(set(columns[place]) - {"I"})).lower() for place in self.read(n_qubits)
        )

    def table(self, n_qubits: int) -> FloatArray:
        """Products of signs; see `Measurement.table`."""
        signs = 1 - 2 * bits_of(len(self.read(n_qubits)))
        return np.array([signs[list(own)].prod(axis=0) for own in self.products(n_qubits)])

    def products(self, n_qubits: int) -> tuple[tuple[int, ...], ...]:
        """The qubits on which a string has no I; see `Measurement.products`."""
        read = self.read(n_qubits)
        return tuple(
            tuple(k for k, at in enumerate(read) if string[at] != "I") for string in self.strings
        )

    def names(self, n_qubits: int) -> tuple[str, ...]:
        """The strings; see `Measurement.names`."""
        return self.strings

    def check_fits(self, n_qubits: int) -> None:
        """Refuses strings of another length; see `Measurement.check_fits`."""
        if len(self.strings[0]) != n_qubits:
            raise InputError(
                f"strings = {shown(self.strings)} have {len(self.strings[0])} letters: the "
                f"register has {n_qubits} qubits."
            )


@attrs.frozen
class Distribution(Measurement):
    """The probability of every outcome: 2^n numbers."""

    kind = "distribution"
    title = "probability of every outcome"

    def table(self, n_qubits: int) -> FloatArray:
        """One for the outcome itself; see `Measurement.table`."""
        return np.eye(bits_of(n_qubits).shape[1])

    def names(self, n_qubits: int) -> tuple[str, ...]:
        """The bits of each outcome; see `Measurement.names`."""
        return tuple(f"{number:0{n_qubits}b}" for number in range(1 << n_qubits))
