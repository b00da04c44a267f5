"""Any `cirq.NoiseModel`, kept from acting where noise must not act, and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cirq
import numpy as np

from noise_models.errors import InputError, shown
from noise_models.timeline import finished_after, is_virtual

LARGEST_CHANNEL = 3
"""Qubits of the largest operation that a noise model may put in."""

_Moments = list[cirq.Moment]


@dataclass(frozen=True, repr=False)
class GuardedNoiseModel(cirq.NoiseModel):
    """Another noise model, without what it does to virtual Z and after measurements.

    The other model does not see virtual operations: it is given moments without them, and no
    moment that holds nothing else. All else that it returns is applied: what it adds, drops, moves
    or puts in place of something. Three things are brought to a common form, none of which changes
    the distribution of a recorded bit:

    - what no later measurement can see of a qubit whose last measurement is past is dropped;
    - a measurement of its own, whose result nobody reads, becomes the channel that it amounts to
      (complete dephasing), as do channels with a measurement key;
    - subcircuits, and operations without Kraus operators that Cirq can decompose, are written out;
      identities and global phases are left out.

    Tags of the original operations are restored where the other model loses them, also on an
    operation that it puts in their place.

    Args:
        model: The other model.
    """

    model: cirq.NoiseModel

    def noisy_moments(
        self, moments: Iterable[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> list[list[cirq.Moment]]:
        """Adds noise to a series of moments.

        Args:
            moments: The moments of a circuit, in order.
            system_qubits: All qubits of the system.

        Returns:
            For each moment the list of moments that take its place.

        Raises:
            InputError: If the other model fails; if it drops, moves or changes a measurement of the
                circuit; or if it puts in an operation that is no channel on qubits of the system.
        """
        originals = list(moments)
        physical = [
            [operation for operation in moment if not is_virtual(operation)] for moment in originals
        ]
        # An empty moment is the other model's to treat, one emptied of virtual operations is not.
        given = [index for index, moment in enumerate(originals) if physical[index] or not moment]
        if not given:
            return [[moment] for moment in originals]
        asked = [cirq.Moment(physical[index]) for index in given]
        groups = dict(zip(given, self._ask(asked, system_qubits), strict=False))
        if len(groups) < len(given):
            # One group for all; there is nothing to put back in between.
            if len(given) < len(originals) or any(map(is_virtual, _operations(originals))):
                raise InputError(
                    "the noise model changes operations without returning one tree for each "
                    "moment, so that virtual Z cannot be put back: return one tree each."
                )
            physical = [_operations(originals), *[[]] * (len(originals) - 1)]
            groups |= {index: [] for index in given[1:]}
        common = _CommonForm(originals, system_qubits)
        result = []
        for index, original in enumerate(originals):
            if index not in groups:
                result.append([original])
                continue
            virtual = [operation for operation in original if is_virtual(operation)]
            result.append(common.group(groups[index], physical[index], virtual))
        _check_measurements(originals, result)
        own = {id(operation) for operation in _operations(originals) if is_virtual(operation)}
        return _without_unseen(result, set(finished_after(originals)), own)

    def _ask(self, moments: _Moments, qubits: Sequence[cirq.Qid]) -> list[_Moments]:
        """What the other model returns for each moment, or for all together as one list."""
        try:
            trees = [
                _unrolled(cirq.Circuit(tree)) for tree in self.model.noisy_moments(moments, qubits)
            ]
        except InputError:
            raise
        except Exception as error:
            # Whatever a model of the user's own may raise; its traceback is kept as the cause.
            raise InputError(
                f"the noise model {_name(self.model)} fails with "
                f"{type(error).__name__}: {shown(str(error))}."
            ) from error
        if len(trees) == len(moments) and all(map(_contains, trees, moments)):
            return trees
        # `cirq.NoiseModelFromNoiseProperties` returns one long list. It cannot be asked moment by
        # moment either, since it then forgets the qubits that wait.
        flat = [moment for tree in trees for moment in tree]
        matched = _match(flat, moments)
        if matched is not None:
            return matched
        return trees if len(trees) == len(moments) else [flat]

    def __repr__(self) -> str:
        return f"noise_models.GuardedNoiseModel({self.model!r})"


class _CommonForm:
    """Brings what a model returns for moments of a circuit to the form that all engines take."""

    def __init__(self, originals: Sequence[cirq.Moment], qubits: Iterable[cirq.Qid]) -> None:
        self._qubits = set(qubits)
        operations = _operations(originals)
        self._keys = {key for op in operations for key in cirq.measurement_key_names(op)}
        self._is_symbolic = any(map(cirq.is_parameterized, operations))
        self._tags = [tag for op in operations if not is_virtual(op) for tag in op.tags]
        # Not every gate is hashable, so they are told apart as objects, which this keeps alive.
        self._known: dict[int, cirq.Gate] = {}

    def group(
        self,
        noisy: _Moments,
        originals: Sequence[cirq.Operation],
        virtual: Sequence[cirq.Operation],
    ) -> _Moments:
        """The moments that take the place of one moment, virtual operations put back."""
        unchanged = [op for op in _untagged(originals) if op in _untagged(_operations(noisy))]
        waiting = list(originals)
        result: _Moments = []
        # Virtual operations stand where the first original operation does, else at the beginning.
        place: int | None = None
        for moment in noisy:
            kept: list[cirq.Operation] = []
            alone = True
            for operation in moment:
                match = self._original_of(operation, waiting, unchanged)
                if match is not None:
                    waiting.remove(match)
                    place = len(result) if place is None else place
                if match is not None and match.untagged == operation.untagged:
                    kept.append(operation if self._bears_other_tags(operation, match) else match)
                    continue
                parts = self._channels(operation)
                alone = alone and len(parts) <= 1
                lost = match is not None and not self._bears_other_tags(operation, match)
                if match is not None and lost and len(parts) == 1:
                    parts = [parts[0].with_tags(*match.tags)]
                kept += parts
            if alone:
                result += [cirq.Moment(kept)] if kept or not moment else []
            else:
                result += cirq.Circuit(kept).moments
        if not virtual:
            return result
        place = place or 0
        if place < len(result) and not result[place].operates_on(
            [qubit for operation in virtual for qubit in operation.qubits]
        ):
            joined = result[place].with_operations(*virtual)
            return [*result[:place], joined, *result[place + 1 :]]
        return [*result[:place], cirq.Moment(virtual), *result[place:]]

    def _bears_other_tags(self, operation: cirq.Operation, match: cirq.Operation) -> bool:
        """Whether an operation bears tags of the circuit that say that it is another one."""
        own = [tag for tag in operation.tags if tag in self._tags]
        return bool(own) and any(tag not in own for tag in match.tags)

    @staticmethod
    def _original_of(
        operation: cirq.Operation,
        waiting: Sequence[cirq.Operation],
        unchanged: Sequence[cirq.Operation],
    ) -> cirq.Operation | None:
        for each in waiting:
            if each.untagged == operation.untagged:
                return each
        for each in waiting:
            replaced = each.untagged not in unchanged
            if replaced and set(each.qubits) == set(operation.qubits):
                return each
        return None

    def _channels(self, operation: cirq.Operation) -> list[cirq.Operation]:
        """An operation that is not the circuit's own, as unitaries and channels.

        Raises:
            InputError: If that cannot be done.
        """
        if cirq.control_keys(operation):
            raise _refused(operation, "which depends on a measured result", "use channels")
        if isinstance(operation.gate, cirq.IdentityGate | cirq.WaitGate):
            return []
        strangers = sorted(set(operation.qubits) - self._qubits)
        if strangers:
            where = f"which acts on {shown(strangers[0], 40)}, no qubit of the circuit"
            raise _refused(operation, where, "act on the circuit's qubits")
        # Once: some operations make their gate anew whenever they are asked.
        gate = operation.gate
        if id(gate) in self._known:
            return [operation]
        if cirq.is_parameterized(operation):
            if self._is_symbolic:
                return [operation]
            raise _refused(operation, "which has a symbol", "put in numbers")
        if cirq.is_measurement(operation):
            if not self._keys.isdisjoint(cirq.measurement_key_names(operation)):
                what = "which repeats a measurement key of the circuit"
                raise _refused(operation, what, "leave the circuit's measurement as it is")
            return [part.with_tags(*operation.tags) for part in _unread(operation)]
        small = len(operation.qubits) <= LARGEST_CHANNEL
        kraus = _kraus(operation) if small else None
        if kraus is None:
            parts = cirq.decompose_once(operation, default=None)
            if parts is None:
                what = (
                    "which has no Kraus operators"
                    if small
                    else f"which acts on more than {LARGEST_CHANNEL} qubits at once"
                )
                raise _refused(operation, what, "use channels on fewer qubits")
            return [each for part in parts for each in self._channels(part)]
        _check_channel(operation, kraus)
        if gate is not None:
            self._known[id(gate)] = gate
        return [operation] if operation.qubits else []


def _unread(operation: cirq.Operation) -> list[cirq.Operation]:
    """A measurement whose result nobody reads, as channels."""
    gate = operation.gate
    if isinstance(gate, cirq.MeasurementGate):
        return [cirq.phase_damp(1.0).on(qubit) for qubit in operation.qubits]
    if isinstance(gate, cirq.PauliMeasurementGate):
        pauli = cirq.unitary(gate.observable().on(*operation.qubits))
        kraus = [(np.eye(len(pauli)) + sign * pauli) / 2 for sign in (1, -1)]
    else:
        kraus = _kraus(operation) or []
    _check_channel(operation, kraus)
    return [cirq.KrausChannel(kraus).on(*operation.qubits)]


def _kraus(operation: cirq.Operation) -> list[np.ndarray] | None:
    try:
        operators = cirq.kraus(operation, default=None)
        return None if operators is None else [np.asarray(each, complex) for each in operators]
    except Exception as error:
        # A gate of the user's own may raise anything.
        what = f"whose Kraus operators fail with {type(error).__name__}"
        raise _refused(operation, what, "use channels") from error


def _check_channel(operation: cirq.Operation, kraus: Sequence[np.ndarray]) -> None:
    size = 2 ** len(operation.qubits)
    if all(each.shape == (size, size) for each in kraus):
        total = sum((each.conj().T @ each for each in kraus), np.zeros((size, size)))
        if np.allclose(total, np.eye(size), atol=1e-6):
            return
    what = "whose Kraus operators do not add up to a channel"
    raise _refused(operation, what, "sum K^dagger K must be the identity")


def _check_measurements(originals: Sequence[cirq.Moment], noisy: Sequence[_Moments]) -> None:
    measured = [op for op in _operations(originals) if cirq.is_measurement(op)]
    flat = [moment for group in noisy for moment in group]
    found = _untagged(op for op in _operations(flat) if cirq.is_measurement(op))
    for operation in measured:
        if operation.untagged not in found:
            raise InputError(
                "the noise model drops, moves or changes the circuit's measurement "
                f"{shown(str(operation.untagged), 50)}: put noise before it and leave it as it is."
            )


def _without_unseen(
    noisy: Sequence[_Moments], finished: set[cirq.Qid], virtual: set[int]
) -> list[_Moments]:
    """Drops what follows the last measurement of a qubit and no later measurement sees.

    Args:
        noisy: For each moment those that take its place.
        finished: The qubits whose last operation in the circuit is a measurement.
        virtual: Identities of the circuit's virtual operations, which stay.
    """
    seen: set[cirq.Qid] = set()
    result: list[_Moments] = []
    for group in reversed(noisy):
        kept_group: _Moments = []
        for moment in reversed(group):
            kept = []
            later = set(seen)
            for operation in moment:
                touches = not later.isdisjoint(operation.qubits)
                if cirq.is_measurement(operation) or touches:
                    seen |= set(operation.qubits)
                elif id(operation) not in virtual and not finished.isdisjoint(operation.qubits):
                    continue
                kept.append(operation)
            if kept or not moment:
                kept_group.append(moment if len(kept) == len(moment) else cirq.Moment(kept))
        result.append(kept_group[::-1])
    return result[::-1]


def _refused(operation: cirq.Operation, what: str, advice: str) -> InputError:
    return InputError(f"the noise model puts in {shown(str(operation), 50)}, {what}: {advice}.")


def _name(model: cirq.NoiseModel) -> str:
    return shown(type(model).__name__, 40).strip("'")


def _operations(moments: Iterable[cirq.Moment]) -> list[cirq.Operation]:
    return [operation for moment in moments for operation in moment]


def _untagged(operations: Iterable[cirq.Operation]) -> list[cirq.Operation]:
    return [operation.untagged for operation in operations]


def _unrolled(circuit: cirq.Circuit) -> _Moments:
    """Moments without subcircuits."""
    if any(isinstance(op.untagged, cirq.CircuitOperation) for op in circuit.all_operations()):
        circuit = cirq.unroll_circuit_op(circuit, deep=True, tags_to_check=None)
    return list(circuit.moments)


def _contains(noisy: _Moments, original: cirq.Moment) -> bool:
    """Whether all operations of a moment, or others in their places, occur in a list of moments."""
    found = _untagged(_operations(noisy))
    qubits = [set(operation.qubits) for operation in found]
    return all(
        operation in found or set(operation.qubits) in qubits for operation in _untagged(original)
    )


def _match(noisy: _Moments, originals: _Moments) -> list[_Moments] | None:
    """Cuts a list of noisy moments where the original moments begin; None if one is not found."""
    groups: list[_Moments] = [[] for _ in originals]
    missing = [_untagged(moment) for moment in originals]
    current = 0
    for moment in noisy:
        found = _untagged(moment)
        # The next original moment begins once all of this one's operations have been seen.
        following = next((k for k in range(current + 1, len(missing)) if missing[k]), current)
        if not missing[current] and any(operation in missing[following] for operation in found):
            current = following
        missing[current] = [each for each in missing[current] if each not in found]
        groups[current].append(moment)
    return None if any(missing) else groups
