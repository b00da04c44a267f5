"""Crosstalk: errors between two-qubit gates that are done in the same moment."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

import attrs
import cirq

from noise_models import fields
from noise_models.checks import only_known_keys, probability, real_number
from noise_models.depolarizing import depolarizing_gate
from noise_models.errors import InputError, shown
from noise_models.kind import NoiseKind, Strength, plain_fields
from noise_models.timeline import Step
from noise_models.values import FrozenMapping, by_coupler, check_scaled, coupler_key

_P = (
    "the probability that one of the 15 non-identity Paulis acts on two neighbours of different"
    " gates"
)
_ANGLE = "the angle of ZZ between two neighbours of different gates, in radians"

Pair = tuple[cirq.Qid, cirq.Qid]


class CrosstalkError(NamedTuple):
    """What two qubits do to each other while both take part in different two-qubit gates.

    Attributes:
        p: Probability that one of the 15 Paulis other than the identity acts on both.
        angle: They turn by exp(-i angle Z Z / 2), in radians.
    """

    p: float
    angle: float


@functools.lru_cache(maxsize=4096)
def zz_gate(angle: float) -> cirq.Gate:
    """exp(-i angle Z Z / 2), built once for each angle.

    Args:
        angle: In radians.
    """
    return cirq.ZZPowGate(exponent=angle / math.pi, global_shift=-0.5)


@attrs.frozen
class CrosstalkNoise(NoiseKind):
    """Errors on neighbours that belong to two different two-qubit gates of one moment.

    Of each two gates of a moment every pair of one qubit of the first and one qubit of the second
    is looked at. Neighbours on the grid or the line, and pairs that `couplers` names, first turn
    by exp(-i angle Z Z / 2) and then suffer `cirq.depolarize(p, 2)`. Two gates side by side have
    two such pairs, two gates in a row one. Pairs act one after the other in the order of their
    qubits. One-qubit gates and qubits that wait have no part in it.

    Args:
        p: Probability for every pair of neighbours, 0..1.
        angle: Angle for every pair of neighbours, in radians, -pi..pi. Scaling the gate errors by s
            multiplies it by sqrt(s), since the infidelity it causes is quadratic in the angle.
        couplers: Values that replace these on single pairs, keyed "4,5:4,6"; each is a
            `CrosstalkError` or a mapping with p and angle, of which a missing one is taken from
            above. The two qubits need neither be neighbours nor have a coupler.

    Raises:
        InputError: If a value is out of range or a pair's key cannot be read.
    """

    key: ClassVar[str] = "crosstalk"

    p: float = fields.probability(_P, default=0.0)
    angle: float = fields.real(-math.pi, math.pi, _ANGLE, default=0.0)
    couplers: Mapping[str, CrosstalkError] = fields.read_after(
        lambda value, self: by_coupler("crosstalk.couplers", value, self._entry),
        factory=FrozenMapping,
    )

    def _entry(self, path: str, value: object) -> CrosstalkError:
        if isinstance(value, CrosstalkError):
            value = value._asdict()
        if not isinstance(value, Mapping):
            raise InputError(f"{path} = {shown(value)} is not a table with the keys p and angle.")
        only_known_keys(path, value, CrosstalkError._fields)
        return CrosstalkError(
            probability(f"{path}.p", value.get("p", self.p), _P),
            real_number(f"{path}.angle", value.get("angle", self.angle), -math.pi, math.pi, _ANGLE),
        )

    def to_value(self) -> object:
        """The fields that differ from their defaults, as plain data."""
        plain = plain_fields(self)
        if self.couplers:
            plain["couplers"] = {key: error._asdict() for key, error in self.couplers.items()}
        return plain

    def check_strength(self, strength: Strength) -> None:
        """See `NoiseKind.check_strength`."""
        check_scaled("crosstalk.p", self.p, strength.gate)
        for key, error in self.couplers.items():
            check_scaled(f"crosstalk.couplers.{key!r}.p", error.p, strength.gate)

    def has_gate_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_gate_noise`."""
        errors = [(self.p, self.angle), *self.couplers.values()]
        return strength.gate > 0 and any(map(any, errors))

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.layers`: pairs that share no qubit share a layer."""
        operations = [each for _, own in self.by_pair(step, strength) for each in own]
        return [list(moment) for moment in cirq.Circuit(operations)]

    def by_pair(
        self, step: Step, strength: Strength
    ) -> Iterable[tuple[Pair, Sequence[cirq.Operation]]]:
        """The errors of each pair of a moment, those without any included.

        Args:
            step: What happens in the moment.
            strength: The factors by which noise is multiplied.

        Returns:
            Pairs in the order in which they act, and what acts on each.
        """
        pairs = {
            (min(first, second), max(first, second))
            for gate, other in itertools.combinations(step.two_qubit_gates, 2)
            for first, second in itertools.product(gate.qubits, other.qubits)
        }
        found = []
        for pair in sorted(pairs):
            error = self._of(*pair)
            if error is not None:
                found.append((pair, _operations(pair, error, strength.gate)))
        return found

    def _of(self, first: cirq.Qid, second: cirq.Qid) -> CrosstalkError | None:
        own = self.couplers.get(coupler_key(first, second))
        near = isinstance(first, cirq.GridQubit | cirq.LineQubit) and first.is_adjacent(second)
        return CrosstalkError(self.p, self.angle) if own is None and near else own


def _operations(pair: Pair, error: CrosstalkError, factor: float) -> list[cirq.Operation]:
    p, angle = error.p * factor, error.angle * math.sqrt(factor)
    found = [zz_gate(angle).on(*pair)] if angle else []
    return [*found, depolarizing_gate(p, 2).on(*pair)] if p > 0 else found
