"""Progress within points: circuits that engines tell, the line for the user, the time left."""

from __future__ import annotations

import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.advance import circuits_run, counted
from studies.sweep.chunks import MeasuredPoint
from studies.sweep.study import Cost
from studies.sweep.under_way import UnderWay


@pytest.mark.parametrize("engine", ["exact", "qsim", "qsim_density", "sampler"])
def test_every_engine_tells_how_many_circuits_it_ran(engine: str) -> None:
    spec = ConvolutionSpec(kernel=(1, 2), filters=[XZAnsatz(1)] * 2, overlap="inversion")
    layer = QuantumConvolution(
        compile_convolution(spec), engine, {"depolarizing": {"p2": 0.01}}, shots=10, seed=1
    )
    heard: list[int] = []
    with counted(heard.append):
        layer.forward(np.ones((1, 2, 3)))
    circuits_run(1)
    assert sum(heard) == 2 * 4


def test_the_time_that_is_left_is_that_of_the_slowest_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("studies.sweep.under_way.time.monotonic", lambda: now)
    costs = {name: Cost(circuits=1000, shots=0, seconds=10.0, memory=0) for name in "abc"}
    under_way = UnderWay(costs)
    assert (len(under_way), under_way.progress, under_way.seconds_left(1)) == (0, "", 0.0)
    under_way.begin("ab")
    assert under_way.seconds_left(2) == 10.0 and under_way.seconds_left(1) == 20.0
    now = 8.0
    under_way.hear({"a": 100, "b": 0})
    assert under_way.progress == "100 of 2,000 circuits"
    # By its rate a takes 80 s in all.
    assert under_way.seconds_left(2) == pytest.approx(72.0)
    under_way.end("a", [MeasuredPoint("a", [], seconds=40.0)])
    assert under_way.seconds_left(1) == 32.0 and under_way.progress == ""
    now = 50.0
    assert under_way.seconds_left(1) is None
    under_way.hear({"b": 2500})
    assert under_way.progress == "2,500 circuits"
