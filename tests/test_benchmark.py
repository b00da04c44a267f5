"""The benchmark of convolutions that are drawn at random."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from qucnn_cirq.compiler.verification import simulated_mean
from qucnn_cirq.errors import InputError
from studies.benchmark.drawn import draw
from studies.benchmark.figures import benchmark_data, plot_benchmark
from studies.benchmark.study import STUDY, BenchmarkPoint, measure
from studies.compilation.peers import textbook_circuit_of
from studies.sweep.catalogue import load_study

NUMBERS = range(40)
SEED = np.random.SeedSequence(0)


def test_the_same_is_drawn_again_and_fits_its_device():
    kinds, tests, devices = set(), set(), set()
    for number in NUMBERS:
        drawn, again = draw(number, 0), draw(number, 0)
        assert drawn.spec == again.spec
        assert drawn.device == again.device
        assert np.array_equal(drawn.patch, again.patch)
        largest = max(map(len, nx.connected_components(drawn.device.graph)))
        assert largest >= drawn.spec.overlap_test.n_qubits(drawn.spec.register_qubits, 1)
        kinds.add(drawn.spec.filter_list[0].kind)
        tests.add((drawn.spec.overlap, drawn.spec.backward))
        devices.add(drawn.device_text)
    assert len(kinds) == 3
    assert len(tests) == 4
    assert {"willow_pink", "sycamore_cz", "weber", "line of 10"} < devices
    assert draw(0, 1).spec != draw(0, 0).spec


@pytest.mark.parametrize("number", range(12))
def test_the_others_start_from_a_circuit_that_is_right(number):
    drawn = draw(number, 0)
    circuit, observable = textbook_circuit_of(
        drawn.spec, drawn.patch, drawn.parameters, drawn.upstream
    )
    assert simulated_mean(circuit, observable) == pytest.approx(drawn.overlap, abs=1e-7)


@pytest.mark.parametrize("compiler", ["qucnn", "cirq", "qiskit", "pytket", "bqskit"])
def test_every_compilers_circuit_is_simulated(compiler):
    if compiler in ("qiskit", "pytket", "bqskit"):
        pytest.importorskip(compiler)
    for number in (1, 3, 10):
        settings = BenchmarkPoint(compiler=compiler, number=number, seeds=1)
        (row,) = measure(settings, SEED).rows
        assert set(row) <= set(STUDY.columns)
        assert row["deviation"] < 1e-6
        assert 0 < row["error"] < 1
        assert row["two_qubit_depth"] <= row["two_qubit_gates"]


def test_a_circuit_that_is_wrong_is_not_counted(monkeypatch):
    monkeypatch.setattr("studies.benchmark.study.simulated_mean", lambda *_: 2.0)
    with pytest.raises(InputError, match="circuit of cirq is off by"):
        measure(BenchmarkPoint(compiler="cirq", number=1), SEED)


def test_the_preset_has_more_than_forty_for_every_compiler():
    _, document = load_study("benchmark")
    assert len(document["axes"]["number"]) >= 40
    assert document["axes"]["compiler"] == ["qucnn", "cirq", "qiskit", "pytket"]


def _table(errors):
    return pd.DataFrame(
        [
            {
                "number": number,
                "compiler": compiler,
                "kernel": "4x4",
                "overlap": "ancilla",
                "filter": "fixed",
                "on": "willow_pink",
                "gates": "cz",
                "two_qubit_gates": 10,
                "two_qubit_depth": 5,
                "error": error,
            }
            for number, row in enumerate(errors)
            for compiler, error in row.items()
        ]
    )


def test_the_table_has_the_best_of_the_others():
    table = _table(
        [
            {"qucnn": 0.3, "cirq": 0.2, "qiskit": 0.4},
            {"qucnn": 0.1, "cirq": 0.4, "qiskit": 0.2},
            {"qucnn": 0.1},
        ]
    )
    data = benchmark_data(table)
    assert data["number"].tolist() == [1, 0]
    assert data["ratio"].tolist() == pytest.approx([0.5, 1.5])
    assert data["best"].tolist() == ["qiskit", "cirq"]
    axes = plot_benchmark(Figure().subplots(), table)
    assert np.concatenate([line.get_ydata() for line in axes.lines[:-1]]) == pytest.approx(
        [0.5, 1.5]
    )
    assert benchmark_data(_table([{"qucnn": 0.1}])).empty
