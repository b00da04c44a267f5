"""Any `cirq.NoiseModel`, kept from acting where noise must not act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cirq

from noise_models.timeline import finished_after, is_virtual


def _moments(tree: cirq.OP_TREE) -> list[cirq.Moment]:
    return list(cirq.Circuit(tree).moments)


def _untagged(moments: Iterable[cirq.Moment]) -> list[cirq.Operation]:
    return [operation.untagged for moment in moments for operation in moment]


@cirq.value_equality
class GuardedNoiseModel(cirq.NoiseModel):
    """Another noise model, without what it does after measurements and to virtual Z.

    The other model does not see virtual operations: it is given moments without them, and no
    moment that holds nothing else. What it adds on a qubit after that qubit's last measurement,
    or after a measurement within its moment, is dropped. Tags of the original operations are
    restored where the other model loses them, also on an operation that it puts in their place.

    The other model is given the whole circuit if what it returns can be matched to the moments, as
    it can unless operations are replaced in number; otherwise it is given one moment at a time.

    Args:
        model: The other model.
    """

    def __init__(self, model: cirq.NoiseModel) -> None:
        self.model = model

    def noisy_moments(
        self, moments: Iterable[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> list[list[cirq.Moment]]:
        """Adds noise to a series of moments.

        Args:
            moments: The moments of a circuit, in order.
            system_qubits: All qubits of the system.

        Returns:
            For each moment the list of moments that take its place.
        """
        originals = list(moments)
        finished = finished_after(originals)
        physical = [
            cirq.Moment(operation for operation in moment if not is_virtual(operation))
            for moment in originals
        ]
        # An empty moment is the other model's to treat, one emptied of virtual operations is not.
        given = [index for index, moment in enumerate(originals) if physical[index] or not moment]
        trees = self._ask([physical[index] for index in given], system_qubits)
        noisy = dict(zip(given, trees, strict=True))
        result = []
        for index, original in enumerate(originals):
            if not noisy.get(index):
                result.append([original])
                continue
            done = {qubit for qubit, last in finished.items() if last < index}
            restored = _restore(noisy[index], physical[index], done)
            virtual = [operation for operation in original if is_virtual(operation)]
            result.append(_reinsert(restored, virtual, physical[index]))
        return result

    def _ask(
        self, moments: list[cirq.Moment], qubits: Sequence[cirq.Qid]
    ) -> list[list[cirq.Moment]]:
        trees = [_moments(tree) for tree in self.model.noisy_moments(moments, qubits)]
        if len(trees) == len(moments) and all(map(_contains, trees, moments)):
            return trees
        # `cirq.NoiseModelFromNoiseProperties` returns one long list. It cannot be asked moment by
        # moment either, since it then forgets the qubits that wait.
        matched = _match([moment for tree in trees for moment in tree], moments)
        if matched is not None:
            return matched
        return [_moments(self.model.noisy_moment(moment, qubits)) for moment in moments]

    def _value_equality_values_(self) -> cirq.NoiseModel:
        return self.model

    def __repr__(self) -> str:
        return f"noise_models.GuardedNoiseModel({self.model!r})"


def _contains(noisy: list[cirq.Moment], original: cirq.Moment) -> bool:
    """Whether all operations of a moment, or others in their places, occur in a list of moments."""
    found = _untagged(noisy)
    qubits = [set(operation.qubits) for operation in found]
    return all(
        operation in found or set(operation.qubits) in qubits for operation in _untagged([original])
    )


def _match(
    noisy: list[cirq.Moment], originals: list[cirq.Moment]
) -> list[list[cirq.Moment]] | None:
    """Cuts a list of noisy moments where the original moments begin; None if one is not found."""
    groups: list[list[cirq.Moment]] = [[] for _ in originals]
    missing = [_untagged([moment]) for moment in originals]
    current = 0
    for moment in noisy:
        found = _untagged([moment])
        # The next original moment begins once all of this one's operations have been seen.
        following = next((k for k in range(current + 1, len(missing)) if missing[k]), current)
        if not missing[current] and any(operation in missing[following] for operation in found):
            current = following
        missing[current] = [each for each in missing[current] if each not in found]
        groups[current].append(moment)
    return None if any(missing) else groups


def _restore(
    noisy: list[cirq.Moment], original: cirq.Moment, done: set[cirq.Qid]
) -> list[cirq.Moment]:
    """Puts the original operations back and drops what comes after measurements."""
    kept_as_is = [each for each in _untagged([original]) if each in _untagged(noisy)]
    waiting = list(original)

    def original_of(operation: cirq.Operation) -> cirq.Operation | None:
        for each in waiting:
            replaced = each.untagged not in kept_as_is
            if each.untagged == operation.untagged:
                return each
            if replaced and set(each.qubits) == set(operation.qubits):
                return each
        return None

    done = set(done)
    result = []
    for moment in noisy:
        kept = []
        measured: set[cirq.Qid] = set()
        for operation in moment:
            match = original_of(operation)
            if match is not None:
                waiting.remove(match)
                same = match.untagged == operation.untagged
                kept.append(match if same else operation.untagged.with_tags(*match.tags))
                if cirq.is_measurement(operation):
                    measured |= set(operation.qubits)
            elif done.isdisjoint(operation.qubits):
                kept.append(operation)
        done |= measured
        if kept or not moment:
            result.append(cirq.Moment(kept))
    return result


def _reinsert(
    noisy: list[cirq.Moment], virtual: list[cirq.Operation], original: cirq.Moment
) -> list[cirq.Moment]:
    """Puts virtual operations into the moment of the original operations, or before it."""
    if not virtual:
        return noisy
    qubits = {qubit for operation in virtual for qubit in operation.qubits}
    for index, moment in enumerate(noisy):
        free = qubits.isdisjoint(moment.qubits)
        if free and any(operation in original for operation in moment):
            return [*noisy[:index], moment.with_operations(*virtual), *noisy[index + 1 :]]
    return [cirq.Moment(virtual), *noisy]
