"""What an error budget is made of: circuits with their noise, and the patches of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import Noise
from noise_models.checks import whole_number
from noise_models.errors import InputError
from noise_models.values import coupler_key, qubit_key
from qucnn_cirq.arrays import real_array
from qucnn_cirq.budget.circuit import NoisyCircuit
from qucnn_cirq.budget.process import Channel, labelled_process
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.compiled_filter import CompiledFilter
from qucnn_cirq.compiler.program import Program, upstream_table
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.image_blocks import ImageBlocks, ImagesLike

FloatArray = NDArray[np.float64]

LABELS = ("filter", "circuit", "moment", "place", "stage", "mechanism")
"""What tells channels of all parts apart."""


def place_name(qubits: Sequence[cirq.Qid]) -> str:
    """The name of a qubit or coupler, as in a noise configuration.

    Args:
        qubits: One or two.
    """
    return qubit_key(qubits[0]) if len(qubits) == 1 else coupler_key(*qubits)


@dataclass(frozen=True, eq=False)
class Part:
    """The patches of one circuit of one filter.

    Attributes:
        filter: The filter's number.
        circuit: The circuit's number among those of the filter.
        noisy: The circuit with its noise.
        tables: The angle tables of the patches.
        columns: Which of the occupied patches they are.
    """

    filter: int
    circuit: int
    noisy: NoisyCircuit
    tables: AngleTables
    columns: NDArray[np.intp]

    def labels(self, channel: Channel) -> dict[str, object]:
        """What a channel is found by.

        Args:
            channel: One of its channels.
        """
        return {
            "filter": self.filter,
            "circuit": self.circuit,
            "moment": channel.moment,
            "place": place_name(channel.qubits),
            "stage": channel.stage,
            "mechanism": channel.mechanism,
        }


def parts_of(
    program: Program,
    noise: Noise,
    images: ImagesLike,
    parameters: ArrayLike | None,
    number: int | None,
) -> tuple[list[Part], int]:
    """Cuts images into patches, by the circuits that they are run with.

    Args:
        program: The compiled convolution.
        noise: The noise.
        images: As for `qucnn_cirq.error_budget`.
        parameters: As there.
        number: As there.

    Returns:
        The parts, and how many patches are occupied.

    Raises:
        InputError: As `qucnn_cirq.error_budget`, but for noise that is none.
    """
    chosen = _checked_number(program, number)
    angles = checked_parameters(program, parameters)
    loads, n_patches = _loaded(program, ImageBlocks(images, program.spec))
    circuits: dict[int, NoisyCircuit] = {}
    parts = []
    for (index, circuit), (patch, columns) in loads.items():
        compiled = program.filters[index]
        own = compiled.filter_table(None if angles is None else angles[index])
        template = compiled.variants[circuit].template
        if id(template) not in circuits:
            observable = _observable(template, compiled, chosen)
            process = labelled_process(template, noise)
            circuits[id(template)] = NoisyCircuit(template, observable, process)
            circuits[id(template)].check_size()
        tables = {"patch": patch, "filter": own, "upstream": upstream_table(1.0)}
        parts.append(Part(index, circuit, circuits[id(template)], tables, columns))
    return parts, n_patches


def _loaded(
    program: Program, blocks: ImageBlocks
) -> tuple[dict[tuple[int, int], tuple[FloatArray, NDArray[np.intp]]], int]:
    """The angles of all patches by filter and circuit, with their columns, and how many they are.

    Of many images the angles alone are kept, in memory that grows with what is looked at.
    """
    found: dict[tuple[int, int], list[tuple[FloatArray, NDArray[np.intp]]]] = {}
    count = 0
    for patches in blocks.patches():
        for index, compiled in enumerate(program.filters if patches.n_occupied else ()):
            for load in compiled.load_patches(patches):
                own = load.angles, load.columns + count
                found.setdefault((index, load.index), []).append(own)
        count += patches.n_occupied
    if count == 0:
        raise InputError("all patches are blank: give images that are not 0 everywhere.")
    joined = {
        key: (np.concatenate([own for own, _ in every]), np.concatenate([of for _, of in every]))
        for key, every in sorted(found.items())
    }
    return joined, count


def _checked_number(program: Program, number: int | None) -> int | None:
    spec = program.spec
    if spec.measurement is None:
        if number is not None:
            raise InputError("number = ... is for measurements, and this is an overlap test.")
        return None
    if spec.measurement.products(spec.register_qubits) is None:
        raise InputError(
            f"measurement = {spec.measurement.kind!r} gives numbers that are no means of products "
            "of signs: an error budget is for those."
        )
    if number is None and spec.n_numbers > 1:
        raise InputError(f"each circuit gives {spec.n_numbers} numbers: say which, as number = 0.")
    return whole_number("number", number or 0, minimum=0, maximum=spec.n_numbers - 1)


def checked_parameters(program: Program, parameters: ArrayLike | None) -> FloatArray | None:
    """The angles of each filter, a row for each.

    Args:
        program: The compiled convolution.
        parameters: Shape (filters, parameters); None where filters have none.

    Returns:
        Shape (filters, 1, parameters), or None.

    Raises:
        InputError: If they are missing, or of another shape.
    """
    shape = (program.spec.n_filters, program.spec.n_parameters)
    if parameters is None:
        if shape[1]:
            raise InputError(
                f"the filters have {shape[1]} angles each: give parameters of shape {shape}, as "
                "`QuantumConvolution.parameters` has them."
            )
        return None
    given = real_array("parameters", parameters)
    if given.shape != shape:
        raise InputError(f"parameters have the shape {given.shape}; {shape} is needed.")
    return given[:, np.newaxis] if shape[1] else None


def _observable(template: Template, compiled: CompiledFilter, number: int | None) -> Observable:
    """What is measured; of a measurement one of its products of signs."""
    if number is None or compiled.is_two_valued:
        # The parity of all that is read may have been compiled into fewer bits.
        return template.observable
    assert compiled.measurement is not None
    products = compiled.measurement.products(compiled.loader.n_qubits)
    assert products is not None
    places, sign = products[number], 1.0
    if template.relabelling is not None:
        (places,), signs = template.relabelling.products([places])
        sign = float(signs[0])
    qubits = [template.observable.qubits[place] for place in places]
    signs_of = [(sign, -sign)] + [(1.0, -1.0)] * (len(qubits) - 1)
    groups = tuple(((qubit,), values) for qubit, values in zip(qubits, signs_of, strict=True))
    return Observable(groups, low=-1.0)
