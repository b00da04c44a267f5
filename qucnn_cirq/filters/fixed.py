"""A filter that is a known vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import attrs
import cirq
import numpy as np
import numpy.typing as npt

from noise_models import fields
from noise_models.checks import only_known_keys, required
from qucnn_cirq.arrays import bits_in_order, check_finite, checked_order, real_array
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters.filter import Filter


def _nonzero(_: str, values: object) -> npt.NDArray[np.float64]:
    """The values as a read-only array, if they are a state's."""
    # Adding zero turns -0.0 into 0.0, so that equal filters have equal bytes and one hash.
    array = real_array("fixed filter", values) + 0.0
    if array.ndim == 0 or array.size == 0:
        raise InputError(
            f"fixed filter has shape {array.shape}: give a vector, a matrix (rows, columns) "
            f"or an array (channels, rows, columns)."
        )
    check_finite("fixed filter has", array)
    if not array.any():
        raise InputError("fixed filter is all zero: it has no state; give a non-zero vector.")
    array.flags.writeable = False
    return array


@cirq.value_equality
@attrs.frozen(eq=False)
class FixedFilter(Filter):
    """A given vector, such as a classically trained kernel; it has no parameters.

    Attributes:
        values: Real numbers, finite and not all zero, as a read-only float64 array of the shape
            given: one value per element of a patch, flat or in the shape of the kernel, (rows,
            columns) or (channels, rows, columns). It need not be normalised. Two filters are
            equal if shape and values are.
        order: Which bit of an element's number each qubit holds, as of
            `qucnn_cirq.encodings.Amplitudes`, whose order it has to be. None for all in turn.

    Raises:
        InputError: If the values are not real, not finite, none at all or all zero.
    """

    kind: ClassVar[str] = "fixed"

    values: npt.NDArray[np.float64] = fields.checked(_nonzero)
    order: tuple[int, ...] | None = fields.checked(
        lambda _, order: checked_order("fixed filter: order", order), default=None
    )

    def _value_equality_values_(self) -> tuple[object, ...]:
        return self.values.shape, self.values.tobytes(), self.order

    def __reduce__(self) -> tuple[type[FixedFilter], tuple[object, ...]]:
        # Pickle forgets that an array is read-only; going through the constructor restores it.
        return FixedFilter, (self.values, self.order)

    def fixed_vector(self, n_qubits: int) -> npt.NDArray[np.float64]:
        """The normalised vector, padded with zeros to 2**n_qubits entries.

        Raises:
            InputError: If the register is too small.
        """
        size = self.values.size
        if size > 2**n_qubits:
            raise InputError(
                f"fixed filter has {size} elements: a register of {n_qubits} qubits holds at most "
                f"{2**n_qubits}."
            )
        # Dividing by the largest element first keeps the squares in range.
        scaled = self.values.ravel() / np.abs(self.values).max()
        padded = np.zeros(2**n_qubits)
        padded[:size] = scaled / np.linalg.norm(scaled)
        return bits_in_order(padded, self.order)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the filter from `{"kind": "fixed", "values": [...]}`, perhaps with an order."""
        only_known_keys("fixed filter", mapping, ("kind", "values", "order"))
        return cls(required(mapping, "values", "fixed filter"), mapping.get("order"))

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Refuses a filter whose shape is neither flat nor the kernel's."""
        elements = channels * kernel[0] * kernel[1]
        shapes: list[tuple[int, ...]] = [(elements,), (channels, *kernel)]
        if channels == 1:
            shapes.append(kernel)
        if self.values.shape not in shapes:
            allowed = " or ".join(map(str, shapes))
            raise InputError(
                f"fixed filter has shape {self.values.shape}: kernel {kernel} with {channels} "
                f"channel(s) needs shape {allowed}."
            )
