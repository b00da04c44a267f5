"""The noisy process of a circuit with every channel told apart: where, when, of what and whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import ConfiguredNoiseModel, Noise, NoiseKind, ThermalNoise, is_virtual
from noise_models.calibrated import CalibratedNoise
from noise_models.crosstalk import CrosstalkNoise
from noise_models.preparation import PreparationNoise
from noise_models.thermal import ThermalChannel
from noise_models.timeline import Step, prepared_qubits, timeline
from qucnn_cirq.circuits.feed_forward import deferred
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.template import SlotTag, Template
from qucnn_cirq.engines.factoring import owners, without_fixed_end
from qucnn_cirq.engines.pauli_transfer import transfer_matrix
from qucnn_cirq.engines.process import Element, Kraus, physical_process
from qucnn_cirq.engines.steps import taken_apart
from qucnn_cirq.errors import InputError

Stage = Literal["patch", "filter", "meeting", "readout"]
"""Loading of the patch; of the filter, or its body; their meeting; reading the bits."""
_STAGE_OF: dict[str, Stage] = {"patch": "patch", "filter": "filter", "meeting": "meeting"}
_FOREIGN = "noise model"
"""What the channels of a model are that nothing is known of."""


@dataclass(frozen=True)
class _ChannelTag:
    """Marks noise in a circuit, so that it is found again."""

    moment: int
    mechanism: str


@dataclass(frozen=True, eq=False)
class Channel(Element):
    """One channel of noise.

    Attributes:
        moment: The moment of the circuit that it follows, -1 for preparation; that of the
            measurement for readout.
        stage: When it acts, and on whose qubits.
        mechanism: What it is; empty for one that does nothing and marks where noise could be.
        transfer: Its transfer matrix, shape (4^k, 4^k) for k qubits.
    """

    moment: int = 0
    stage: Stage = "meeting"
    mechanism: str = ""
    transfer: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))


def labelled_process(template: Template, noise: Noise, markers: bool = False) -> list[Element]:
    """All gates of a template, taken apart, and its channels, readout included.

    Args:
        template: The compiled circuit.
        noise: The noise.
        markers: Whether a channel that does nothing stands wherever noise could be, so that the
            processes of different rates have the same places.

    Returns:
        Elements in order of time. Those that are no `Channel` are the circuit without noise.

    Raises:
        InputError: If the noise replaces gates, or as `physical_process` does.
    """
    marked = template.marked_circuit
    tagged = cirq.Circuit()
    if isinstance(noise.gate_model, ConfiguredNoiseModel):
        tagged += _configured(marked, noise.gate_model, markers)
    elif noise.gate_model == cirq.NO_NOISE:
        tagged += marked
    else:
        # It is what refuses noise that depends on angles.
        physical_process(template, noise)
        tagged += _foreign(marked, noise.gate_model)
    if markers:
        tagged = _with_markers(marked, tagged)
    elements = [
        Element(op.qubits, slot=op.gate)
        if isinstance(op.gate, Slot)
        else Element(op.qubits, kraus=(cirq.unitary(op),))
        for op in template.preparation.all_operations()
    ]
    elements += _elements(template, deferred(tagged, noise.readout), _first_read(marked))
    elements += _misreading(template, noise, len(marked) - 1, markers)
    return _staged(taken_apart(elements), template)


def _configured(
    marked: cirq.Circuit, model: ConfiguredNoiseModel, markers: bool
) -> Iterator[cirq.Moment]:
    moments, qubits = list(marked), sorted(marked.all_qubits())
    kinds, strength = model.configuration.kinds, model.configuration.strength
    if markers and any(map(_prepares, kinds)):
        yield cirq.Moment(_marker(-1, qubit) for qubit in prepared_qubits(moments, qubits))
    for kind, layer in filter(lambda each: each[1], model.layers_before(moments, qubits)):
        yield cirq.Moment(each.with_tags(_prepared_tag(kind)) for each in layer)
    steps = timeline(moments, qubits)
    for index, (moment, step) in enumerate(zip(moments, steps, strict=True)):
        yield moment
        for kind in kinds:
            if markers and isinstance(kind, CrosstalkNoise):
                # Markers of pairs that share a qubit must not part what acts on one of them.
                for pair, errors in kind.by_pair(step, strength):
                    tag = _ChannelTag(index, kind.key)
                    yield cirq.Moment(_marker(index, *pair))
                    yield from (cirq.Moment(each.with_tags(tag)) for each in errors)
                continue
            for noisy in filter(None, kind.layers(step, strength)):
                yield cirq.Moment(
                    operation.with_tags(_ChannelTag(index, _mechanism(kind, operation, step)))
                    for operation in noisy
                )


def _prepares(kind: NoiseKind) -> bool:
    """Whether it has errors of preparation."""
    if isinstance(kind, CalibratedNoise):
        return bool(kind.calibration.preparation)
    return isinstance(kind, PreparationNoise)


def _prepared_tag(kind: NoiseKind) -> _ChannelTag:
    """What a channel before the first moment is marked with."""
    return _ChannelTag(-1, PreparationNoise.key if _prepares(kind) else kind.key)


def _marker(moment: int, *qubits: cirq.Qid) -> cirq.Operation:
    return _IDENTITIES[len(qubits)].on(*qubits).with_tags(_ChannelTag(moment, ""))


def _mechanism(kind: NoiseKind, operation: cirq.Operation, step: Step) -> str:
    if isinstance(kind, CrosstalkNoise):
        return kind.key
    if set(operation.qubits) <= {*step.idle, *step.waiting_for_measurement}:
        return "idling"
    if isinstance(operation.gate, cirq.DepolarizingChannel):
        return f"{'one' if len(operation.qubits) == 1 else 'two'}-qubit depolarising"
    if cirq.has_unitary(operation):
        return "coherent"
    if isinstance(operation.gate, ThermalChannel) or isinstance(
        kind, ThermalNoise | CalibratedNoise
    ):
        return "decay while operated"
    return kind.key


def _foreign(marked: cirq.Circuit, model: cirq.NoiseModel) -> Iterator[cirq.Moment]:
    """The circuit with the noise of a model that may do as it likes, save replace gates."""
    expected = [operation for moment in marked for operation in moment]
    groups = model.noisy_moments(list(marked), sorted(marked.all_qubits()))
    for index, group in enumerate(groups):
        for operation in cirq.flatten_to_ops(group):
            if operation in expected:
                expected.remove(operation)
                yield cirq.Moment(operation)
            else:
                yield cirq.Moment(operation.untagged.with_tags(_ChannelTag(index, _FOREIGN)))
    if expected:
        raise InputError(
            f"the noise model replaces {expected[0].untagged}: an error budget needs channels that "
            "stand beside the gates. Write it as a unitary or a channel after the gate."
        )


def _with_markers(marked: cirq.Circuit, tagged: cirq.Circuit) -> cirq.Circuit:
    """Puts a marker after every gate and on every qubit that waits, before their channels."""
    moments = list(marked)
    steps = timeline(moments, sorted(marked.all_qubits()))
    waiting = [(*step.idle, *step.waiting_for_measurement) for step in steps]
    places = [
        [op.qubits for op in moment if not is_virtual(op) and not cirq.is_measurement(op)]
        + [(qubit,) for qubit in waits]
        for moment, waits in zip(moments, waiting, strict=True)
    ]
    found: list[cirq.Moment] = []
    left = [len(moment) for moment in moments]
    index = 0
    for moment in tagged:
        found.append(moment)
        if any(_tag(operation) for operation in moment):
            continue
        left[index] -= len(moment)
        while index < len(left) and left[index] == 0:
            found += [cirq.Moment(_marker(index, *qubits)) for qubits in places[index]]
            index += 1
    return cirq.Circuit(found)


_IDENTITIES = {n_qubits: cirq.IdentityGate(n_qubits) for n_qubits in (1, 2)}


def _tag(operation: cirq.Operation) -> _ChannelTag | None:
    return next((tag for tag in operation.tags if isinstance(tag, _ChannelTag)), None)


def _first_read(marked: cirq.Circuit) -> dict[cirq.Qid, int]:
    """The moment in which each qubit is measured first."""
    found: dict[cirq.Qid, int] = {}
    for index, moment in enumerate(marked):
        for operation in filter(cirq.is_measurement, moment):
            for qubit in operation.qubits:
                found.setdefault(qubit, index)
    return found


def _elements(
    template: Template, circuit: cirq.Circuit, first_read: Mapping[cirq.Qid, int]
) -> Iterator[Element]:
    slots = template.slots
    # Equal noise shares its gates.
    known: dict[int, tuple[object, Kraus, NDArray[np.float64]]] = {}
    for operation in (op for moment in circuit for op in sorted(moment, key=lambda op: op.qubits)):
        index = next((tag.index for tag in operation.tags if isinstance(tag, SlotTag)), None)
        tag = _tag(operation)
        # What `deferred` puts in for a measurement has no tag of ours, and is no gate.
        is_early = tag is None and isinstance(operation.gate, cirq.KrausChannel)
        if index is not None:
            yield Element(operation.qubits, slot=slots[index])
        elif tag is not None or is_early:
            if id(operation.gate) not in known:
                known[id(operation.gate)] = operation.gate, *_matrices(operation)
            _, kraus, transfer = known[id(operation.gate)]
            if tag is None:
                moment, mechanism = first_read[operation.qubits[0]], "readout"
            else:
                moment, mechanism = tag.moment, tag.mechanism
            yield Channel(
                operation.qubits,
                kraus=kraus,
                moment=moment,
                stage="readout" if tag is None else "meeting",
                mechanism=mechanism,
                transfer=transfer,
            )
        elif not cirq.is_measurement(operation) and operation.qubits:
            yield Element(operation.qubits, kraus=(cirq.unitary(operation),))


def _matrices(channel: cirq.Operation | cirq.Gate) -> tuple[Kraus, NDArray[np.float64]]:
    """Kraus operators and transfer matrix of a channel."""
    kraus: Kraus = tuple(np.asarray(each, complex) for each in cirq.kraus(channel))
    return kraus, transfer_matrix(kraus)


def _misreading(template: Template, noise: Noise, last: int, markers: bool) -> Iterator[Channel]:
    """Readout errors as channels, after which bits are read as they are."""
    measured = template.observable.qubits
    marks = [(cirq.I.on(qubit), "") for qubit in measured] if markers else []
    for operation, mechanism in (
        *marks,
        *((each, "readout") for each in noise.misreading(measured)),
    ):
        kraus, transfer = _matrices(operation)
        yield Channel(
            operation.qubits,
            kraus=kraus,
            moment=last,
            stage="readout",
            mechanism=mechanism,
            transfer=transfer,
        )


def _staged(elements: Sequence[Element], template: Template) -> list[Element]:
    """Tells channels whose they are: the stage of the gate before them on their qubits."""
    if template.filter_qubits:
        names = owners(elements, template)
        return [
            replace(element, stage=_STAGE_OF[name])
            if isinstance(element, Channel) and element.mechanism != "readout"
            else element
            for element, name in zip(elements, names, strict=True)
        ]
    # Patch and filter are on the same qubits: what no later angle of the patch needs is the
    # filter's, or its body's.
    gates = [element for element in elements if not isinstance(element, Channel)]
    own = {id(element) for element in without_fixed_end(_of_patches(gates))[0]}
    stages: dict[cirq.Qid, Stage] = {}
    found: list[Element] = []
    for element in elements:
        if not isinstance(element, Channel):
            stage: Stage = "patch" if id(element) in own else "filter"
            stages.update(dict.fromkeys(element.qubits, stage))
            found.append(element)
        elif element.mechanism == "readout":
            found.append(element)
        else:
            last = {stages.get(qubit, "patch") for qubit in element.qubits}
            found.append(replace(element, stage=last.pop() if len(last) == 1 else "filter"))
    return found


def _of_patches(gates: Sequence[Element]) -> list[Element]:
    """Gates up to the last one whose angle is the patch's."""
    reads = [
        number
        for number, gate in enumerate(gates)
        if gate.slot is not None and "patch" in gate.slot.tables
    ]
    return list(gates[: reads[-1] + 1]) if reads else []
