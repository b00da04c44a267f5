"""The gradient method that measures patches once, whatever the filters and their angles are."""

from __future__ import annotations

import functools

from noise_models import Noise
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.engines import Engine
from qucnn_cirq.engines.streams import backward_purpose
from qucnn_cirq.filters import Filter
from qucnn_cirq.gradients import Gradient, GradientMethod, Pass
from qucnn_cirq.measured_once import BASES, MeasuredOnce


class MeasuredOnceGradient(GradientMethod):
    """All derivatives of all filters from one measurement of each patch, by maximum likelihood.

    A patch takes 12 circuits, one for each basis, with the shots of a circuit each: filters and
    parameters cost nothing. It corrects the noise that it assumes, and knows the filters
    classically. For the counts of the forward pass itself see
    `qucnn_cirq.measured_once.MeasuredOnce`.
    """

    name = "measured_once"
    label = "measured once"

    @classmethod
    def settings(cls, filter_: Filter, n_qubits: int) -> int:
        """See `GradientMethod.settings`: that many bases, for all filters together."""
        return BASES

    def gradient(self, work: Pass) -> Gradient:
        """See `GradientMethod.gradient`."""
        run = work.execution
        layer = _layer(work.program, run.engine, run.noise, run.shots, run.seed)
        found = layer.measure_block(work.patches, work.images, backward_purpose(work.draw))
        return found.gradients_of([work.upstream], work.parameters, work.program.spec)


@functools.lru_cache(maxsize=16)
def _layer(
    program: Program, engine: Engine, noise: Noise, shots: int | None, seed: int
) -> MeasuredOnce:
    every = None if shots is None else BASES * shots
    return MeasuredOnce(
        program.spec, program.device, engine, noise, shots=every, seed=seed, circuit="bases"
    )
