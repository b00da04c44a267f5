"""Random streams: each belongs to one thing, and no two things share one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.engines import Streams
from qucnn_cirq.engines.streams import backward_purpose, forward_purpose


def test_whatever_sets_runs_apart_sets_their_streams_apart() -> None:
    purposes = [purpose(draw) for purpose in (forward_purpose, backward_purpose) for draw in (0, 1)]
    firsts = set()
    runs = list(itertools.product((0, 1), purposes, (0, 1)))
    for seed, purpose, variant in runs:
        streams = Streams(seed, (0, 1), np.array([0, 0, 1, 1]), variant, purpose)
        firsts.update(streams.item_seeds().ravel().tolist())
    # Two filters and four patches in each run.
    assert len(firsts) == 8 * len(runs)


@pytest.mark.parametrize("method", ["parameter_shift", "spsa"])
def test_passes_of_a_layer_share_no_stream(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    seen: list[tuple[int, ...]] = []
    variants: set[int] = set()
    binomial = Streams.binomial

    def recorded(self: Streams, shots: int, probabilities: np.ndarray) -> np.ndarray:
        variants.add(self.variant)
        for _, sequence in self._sequences():
            seen.append(tuple(sequence.generate_state(4).tolist()))
        return binomial(self, shots, probabilities)

    monkeypatch.setattr(Streams, "binomial", recorded)
    # Within a budget the patches of an image are shared among several circuits.
    spec = ConvolutionSpec(kernel=(4, 4), stride=4, filters=[XZAnsatz(layers=1)] * 2)
    program = compile_convolution(spec, "grid:5x5", infidelity=1e-3)
    layer = QuantumConvolution(program, "exact", shots=10, seed=3)
    images = np.random.default_rng(0).random((2, 8, 8))
    images[:, :4, :4] = 1.0
    for draw in (0, 1):
        maps = layer.run(images, draw=draw).maps
        layer.backward(np.ones(maps.shape), method, draw)
    assert len(variants) > 1
    assert len(set(seen)) == len(seen)


def test_rows_of_one_number_take_from_one_stream_in_turn() -> None:
    images, chances = np.array([5, 5, 3, 3, 3]), np.random.default_rng(1).random((3, 5))
    counts = Streams(1, (7, 2, 7), images).binomial(50, chances)
    for number, rows in ((7, [0, 2]), (2, [1])):
        for image, columns in ((5, [0, 1]), (3, [2, 3, 4])):
            generator = np.random.default_rng(np.random.SeedSequence([1, 0, image, number, 0]))
            for row in rows:
                np.testing.assert_array_equal(
                    counts[row, columns], generator.binomial(50, chances[row, columns])
                )
    assert len(np.unique(Streams(1, (7, 2, 7), images).item_seeds())) == 15
