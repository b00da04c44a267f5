"""Noise fitted to counts: against Cirq's density matrices, synthetic counts and known designs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.fitting import (
    Counted,
    Design,
    FitCircuit,
    Uncertainty,
    compare_models,
    design,
    design_circuits,
    fit_noise,
    fit_with_patches,
    preparations,
)
from qucnn_cirq.fitting.advice import told
from qucnn_cirq.fitting.channels import Variations
from qucnn_cirq.fitting.expansion import expanded
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.surrogates import Grid, Tangent
from qucnn_cirq.validation import validate

NOISE = {
    "depolarizing": {"p1": 0.001, "p2": 0.005},
    "idle": 0.0005,
    "readout": {"p01": 0.01, "p10": 0.03},
}
FREE = ["depolarizing.p1", "depolarizing.p2", "idle", "readout.p01", "readout.p10"]
TRUTH = np.array([0.001, 0.005, 0.0005, 0.01, 0.03])
START = {
    "depolarizing": {"p1": 0.0015, "p2": 0.004},
    "idle": 0.001,
    "readout": {"p01": 0.02, "p10": 0.02},
}
EVERY = {
    "depolarizing": {"p1": 0.002, "p2": 0.01},
    "idle": 0.001,
    "thermal": {"t1": 20.0, "t2": 15.0},
    "coherent": {"angle": 0.05},
    "readout": {"p01": 0.01, "p10": 0.04},
    "correlated_readout": {"both": 0.01},
}


@functools.cache
def program(test: str, size: int = 2, loader: str = "auto") -> Program:
    kernel = load_classical_filter() if size == 4 else np.array([[0.9, 0.3], [0.2, 0.6]])
    spec = ConvolutionSpec(kernel=(size, size), filters=FixedFilter(kernel), overlap=test)
    return compile_convolution(spec, "willow_pink", loader=loader)


@functools.cache
def candidates(test: str, size: int = 2, loader: str = "auto") -> list[FitCircuit]:
    return design_circuits(program(test, size, loader), folds=(1, 3))


@functools.cache
def best_design() -> Design:
    circuits = candidates("inversion", 4, "ring_comparison")
    return design(circuits, NOISE, FREE, 100_000, targets=["depolarizing.p2"])


def by_cirq(circuit: cirq.Circuit, noise: Any) -> np.ndarray:
    """Probabilities of recorded outcomes by Cirq's density matrix, readout errors as channels."""
    noisy = as_noise(noise).noisy_circuit(circuit)
    (measurement,) = (op for op in circuit.all_operations() if cirq.is_measurement(op))
    unmeasured = cirq.Circuit(
        cirq.Moment(op for op in moment if not cirq.is_measurement(op)) for moment in noisy
    )
    qubits = sorted(circuit.all_qubits())
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = simulator.simulate(unmeasured, qubit_order=qubits).final_density_matrix
    chances = np.diag(rho).real.reshape((2,) * len(qubits))
    measured = [qubits.index(qubit) for qubit in measurement.qubits]
    others = [axis for axis in range(len(qubits)) if axis not in measured]
    return chances.transpose(*measured, *others).reshape(1 << len(measured), -1).sum(axis=1)


def sampled(
    circuits: Sequence[FitCircuit], shots: Sequence[int], noise: Any, seed: int
) -> list[Counted]:
    return [
        circuit.sampled(noise, own, seed + 1000 * number)
        for number, (circuit, own) in enumerate(zip(circuits, shots, strict=True))
    ]


def of_design(noise: Any, seed: int) -> list[Counted]:
    table = best_design().table
    chosen = [index for index, shots in enumerate(table["shots"]) if shots]
    circuits = [best_design().circuits[index] for index in chosen]
    return sampled(circuits, [table["shots"][index] for index in chosen], noise, seed)


@pytest.mark.parametrize("test", ["destructive", "ancilla", "inversion"])
@pytest.mark.parametrize("times", [1, 3])
def test_probabilities_are_those_of_cirq(test, times):
    plain = candidates(test)[0]
    circuit = plain.folded(times)
    (bound,) = circuit.bound()
    expected = by_cirq(bound, EVERY)
    np.testing.assert_allclose(circuit.probabilities(EVERY)[0], expected, atol=1e-12)
    # The same as an ordinary circuit.
    ordinary = FitCircuit.of(bound)
    assert ordinary.qubits == circuit.qubits
    np.testing.assert_allclose(ordinary.probabilities(EVERY)[0], expected, atol=1e-12)
    pairs = [
        sum(len(op.qubits) == 2 and not cirq.is_measurement(op) for op in own.all_operations())
        for own in (bound, plain.bound()[0])
    ]
    assert pairs[0] == times * pairs[1]


def test_preparations_are_those_of_cirq():
    for circuit in preparations(cirq.LineQubit.range(3)[::-1]):
        expected = by_cirq(circuit.bound()[0], EVERY)
        np.testing.assert_allclose(circuit.probabilities(EVERY)[0], expected, atol=1e-12)


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))
@settings(max_examples=10, deadline=None)
def test_a_grid_gives_exact_probabilities_and_their_slopes(shares):
    grid = a_grid()
    low, high = grid.box
    values = np.array(grid.centre)
    values[:3] = (low + np.array([*shares, 0, 0]) * (high - low))[:3]
    circuit, shots = grid.circuits[0], grid.shots[0]
    found = grid.probabilities(values)[0]
    exact = circuit.true_probabilities(grid.numbers.gate_noise(values))
    spread = np.sqrt((np.abs(exact) + 1 / shots) / shots)
    assert (np.abs(found[0] - exact) < 0.3 * spread).all()
    for index in range(3):
        step = 1e-3 * (high - low)[index] * np.eye(5)[index]
        ahead, behind = (grid.probabilities(values + sign * step)[0][0] for sign in (1, -1))
        if low[index] < values[index] - step[index] and values[index] + step[index] < high[index]:
            slopes = (ahead - behind) / (2 * step[index])
            np.testing.assert_allclose(found[1 + index], slopes, atol=1e-3 * abs(slopes).max())


@functools.cache
def a_grid() -> Grid:
    numbers = FreeNumbers.of(START, FREE)
    return Grid([candidates("destructive")[1]], numbers, numbers.start, [50_000])


PLACES = {
    "depolarizing": {"p1": 0.002, "p2": 0.01, "couplers": {"4,5:4,6": 0.02}},
    "idle": 0.001,
    "thermal": {"t1": 20.0, "t2": 40.0},
    "coherent": {"angle": 0.05},
    "crosstalk": {"p": 0.002, "angle": 0.01},
    "preparation": {"p": 0.01},
}
ALL = [
    "depolarizing.p1",
    "depolarizing.p2",
    "depolarizing.couplers.4,6:4,5",
    "idle",
    "thermal.t1",
    "thermal.t2",
    "coherent.angle",
    "crosstalk.p",
    "crosstalk.angle",
    "preparation.p",
    "scales.gate",
]


@pytest.mark.parametrize("kind", ["destructive", "ancilla", "inversion", "patches", "ordinary"])
@pytest.mark.parametrize("noise", ["places", "calibrated", "nothing"])
def test_derivatives_are_those_of_exact_probabilities(kind, noise):
    circuit = candidates("destructive" if kind in ("patches", "ordinary") else kind)[1]
    if kind == "patches":
        patches = np.random.default_rng(0).uniform(size=(3, 2, 2))
        circuit = design_circuits(program("destructive"), patches)[0]
    if kind == "ordinary":
        circuit = FitCircuit.of(circuit.bound()[0])
    # T2 is at its limit of 2 T1, and rates of 0 are at their bounds.
    nothing = {"depolarizing": {"p2": 0.01}, "idle": 0.0, "coherent": {"angle": 0.0}}
    start, free = {
        "places": (PLACES, ALL),
        "calibrated": ("willow_pink", ["scale", "depolarizing.p1"]),
        "nothing": (nothing, ["idle", "depolarizing.p1", "coherent.angle"]),
    }[noise]
    numbers = FreeNumbers.of(start, free)
    found = expanded(circuit, Variations.around(numbers, numbers.start))
    exact = circuit.true_probabilities(numbers.gate_noise(numbers.start))
    np.testing.assert_allclose(found[0], exact, atol=1e-10)
    low, high = numbers.bounds
    assert len(found) == 1 + len(free)
    for index, slope in enumerate(found[1:]):
        step = 1e-3 * max(abs(numbers.start[index]), 0.1 * numbers.sizes[index])
        ends = [max(low[index], numbers.start[index] + sign * step) for sign in (-1, 1)]
        if free[index] == "thermal.t2":
            ends[1] = numbers.start[index]
        if free[index] == "thermal.t1":
            ends[0] = numbers.start[index]
        pair = []
        for end in ends:
            point = np.array(numbers.start)
            point[index] = end
            pair.append(circuit.true_probabilities(numbers.gate_noise(point)))
        expected = (pair[1] - pair[0]) / (ends[1] - ends[0])
        scale = max(abs(expected).max(), 1e-9 / numbers.sizes[index])
        np.testing.assert_allclose(slope, expected, atol=2e-3 * scale)


def test_numbers_are_found_with_their_errors():
    counted = of_design(NOISE, seed=1)
    fit = fit_noise(counted, START, FREE)
    assert isinstance(fit.likelihood.surrogate, Grid)
    assert (np.abs(fit.values - TRUTH) < 4 * fit.errors).all()
    expected = np.array(list(best_design().relative_errors.values())) * TRUTH
    np.testing.assert_allclose(fit.errors, expected, rtol=0.2)
    intervals = fit.profile()
    np.testing.assert_allclose(intervals["low"], fit.table["low"], atol=0.3 * fit.errors.max())
    assert ((intervals["low"] < fit.values) & (fit.values < intervals["high"])).all()
    # Nothing near it is more likely, by exact probabilities.
    for index in range(5):
        for sign in (-1, 1):
            other = fit.values + sign * 0.5 * fit.errors * np.eye(5)[index]
            assert exact_likelihood(counted, fit.numbers.configuration(other)) < (
                exact_likelihood(counted, fit.noise)
            )


def exact_likelihood(counted: Sequence[Counted], noise: Any) -> float:
    return sum(
        float((each.counts * np.log(each.circuit.probabilities(noise))).sum()) for each in counted
    )


def test_intervals_hold_the_truth():
    held = np.array(
        [
            fit.table["low"].le(TRUTH) & fit.table["high"].ge(TRUTH)
            for fit in (fit_noise(of_design(NOISE, seed), START, FREE) for seed in range(30))
        ]
    )
    # 95 % of 150, within four standard deviations.
    assert held.mean() > 0.95 - 4 * np.sqrt(0.95 * 0.05 / held.size)


def test_many_numbers_are_found_where_they_are():
    truth = {"thermal": {"t1": 20.0, "t2": 15.0}, "coherent": {"angle": 0.06}, **NOISE}
    start = {"thermal": {"t1": 25.0, "t2": 18.0}, "coherent": {"angle": 0.04}, **NOISE}
    free = ["thermal.t1", "thermal.t2", "coherent.angle", "depolarizing.p2", "readout.p01"]
    shots = [200_000] * 4
    counted = sampled(candidates("destructive"), shots, truth, seed=3)
    fit = fit_noise(counted, start, free)
    assert isinstance(fit.likelihood.surrogate, Tangent)
    expected = np.array([20.0, 15.0, 0.06, 0.005, 0.01])
    assert (np.abs(fit.values - expected) < 4 * fit.errors).all()
    assert exact_likelihood(counted, fit.noise) >= exact_likelihood(counted, truth)
    # At the end it is expanded where the fit is.
    for each, expected in zip(counted, fit.likelihood.expected(fit.values), strict=True):
        chances = each.circuit.probabilities(fit.noise)
        np.testing.assert_allclose(expected / each.shots, chances, atol=1e-9)


def test_numbers_that_are_hardly_told_apart_come_to_rest():
    # Some couplers of the test are told together alone: first-order steps go to and fro.
    circuits = candidates("destructive", 4)
    pairs = dict.fromkeys(
        ":".join(f"{qubit.row},{qubit.col}" for qubit in sorted(op.qubits))
        for op in circuits[0].template.circuit.all_operations()
        if len(op.qubits) == 2
    )
    keys = list(pairs)[:4]
    rates = {key: 0.004 + 0.001 * number for number, key in enumerate(keys)}
    truth = {**NOISE, "depolarizing": {**NOISE["depolarizing"], "couplers": rates}}
    truth["coherent"] = {"angle": 0.03}
    free = [*FREE, "coherent.angle", *(f"depolarizing.couplers.{key}" for key in keys)]
    counted = sampled(circuits, [50_000] * 4, truth, seed=0)
    fit = fit_noise(counted, truth, free)
    best = exact_likelihood(counted, fit.noise)
    assert best >= exact_likelihood(counted, truth)
    low, high = fit.numbers.bounds
    for index in range(len(free)):
        for sign in (-1, 1):
            other = fit.values + sign * 0.2 * fit.errors * np.eye(len(free))[index]
            noise = fit.numbers.configuration(np.clip(other, low, high))
            assert exact_likelihood(counted, noise) < best + 2e-3


def test_a_rate_of_nothing_ends_its_interval_at_the_bound():
    truth = {**NOISE, "idle": 0.0}
    fit = fit_noise(of_design(truth, seed=0), START, FREE)
    row = fit.profile(["idle"]).iloc[0]
    assert row["low"] == 0 <= row["value"] < row["high"] < 6e-4
    assert fit.table["low"].min() >= 0


def small_circuits() -> list[FitCircuit]:
    """Two qubits and a gate between them, once, three and nine times."""
    first, second = cirq.GridQubit.rect(1, 2, 4, 5)

    def turn(x: float, z: float, axis: float) -> cirq.Gate:
        return cirq.PhasedXZGate(x_exponent=x, z_exponent=z, axis_phase_exponent=axis)

    found = []
    for times, x in ((1, 0.3), (3, 0.1), (9, 0.7)):
        circuit = cirq.Circuit(cirq.Moment(turn(x, 0.2, 0.3)(first), turn(0.4, 0.1, -0.2)(second)))
        for index in range(times):
            circuit += cirq.Circuit(
                cirq.Moment(cirq.CZ(first, second)),
                cirq.Moment(turn(0.3 + 0.1 * index, 0.2, 0.5)(first)),
            )
        circuit += cirq.Circuit(
            cirq.Moment(turn(0.55, 0.3, 0.7)(second)), cirq.Moment(cirq.measure(first, second))
        )
        found.append(FitCircuit.of(circuit, f"{times} times"))
    return found


def test_profiles_go_on_where_other_numbers_make_up_for_one_beyond_the_grid():
    truth = {
        "depolarizing": {"p1": 0.002, "p2": 0.008},
        "idle": 0.001,
        "readout": {"p01": 0.012, "p10": 0.035},
    }
    counted = sampled(small_circuits(), [60_000] * 3, truth, seed=3)
    fit = fit_noise(counted, NOISE, FREE)
    row = fit.profile(["depolarizing.p2"]).iloc[0]

    def loss(scaled: np.ndarray, p2: float) -> float:
        p1, idle, p01, p10 = np.abs(scaled) * TRUTH[[0, 2, 3, 4]]
        noise = {
            "depolarizing": {"p1": p1, "p2": p2},
            "idle": idle,
            "readout": {"p01": p01, "p10": p10},
        }
        return 2 * (fit.log_likelihood - exact_likelihood(counted, noise))

    for end in ("low", "high"):
        if row[end] in (0.0, 0.9375):
            continue
        start = [fit.values[0] / 0.001 + 1.0, fit.values[2] / 0.0005 + 0.2, 1.0, 1.0]
        best = minimize(
            loss, start, (row[end],), "Nelder-Mead", options={"maxiter": 500, "adaptive": True}
        )
        assert best.fun == pytest.approx(3.84, abs=0.15)
    assert row["low"] < fit.values[1] - 1.2 * fit.errors[1]


def test_first_orders_are_followed_as_far_as_bounds_allow():
    circuit = candidates("destructive", 4, "line")[0]
    couplers = {"3,3:3,4": 0.005, "3,3:4,3": 0.005, "7,7:7,8": 0.01}
    noise = {**NOISE, "depolarizing": {"p1": 0.001, "p2": 0.005, "couplers": couplers}}
    keys = [f"depolarizing.couplers.{each}" for each in couplers]
    fit = fit_noise(sampled([circuit], [20_000], noise, seed=1), noise, [*FREE, *keys])
    table = fit.profile(keys).set_index("key")
    assert (table["high"][keys[:2]] < 0.1).all()
    # Where it says nothing it stays, up to its bounds, and this is said.
    assert table.loc[keys[2]].tolist() == [0.01, 0.0, 0.9375]
    assert f"{keys[2]} changes nothing that was counted: leave it out" in str(fit)


def test_what_changes_nothing_stays_where_it_was():
    zeros, ones = preparations(cirq.LineQubit.range(2))
    readout = {"readout": {"p01": 0.01, "p10": 0.02}}
    keys = ["readout.p01", "readout.p10"]
    fit = fit_noise(sampled([zeros], [1000], readout, seed=0), readout, keys)
    assert fit.values[1] == 0.02 and fit.profile(keys[1:]).iloc[0][["low", "high"]].tolist() == [
        0.0,
        0.5,
    ]
    assert "readout.p10 changes nothing that was counted" in str(fit)
    both = fit_noise(sampled([zeros, ones], [1000, 1000], readout, seed=0), readout, keys)
    assert not both.hard_to_tell or "nothing" not in str(both)


def test_a_factor_held_back_by_a_probability_has_its_bound_as_end():
    noise = {"depolarizing": {"p2": 0.005}, "scale": 1.5}
    counted = sampled(small_circuits()[:1], [2000], noise, seed=2)
    fit = fit_noise(counted, noise, ["depolarizing.p2", "scale"])
    low, high = fit.profile(["scale"]).iloc[0][["low", "high"]]
    assert low < fit.values[1] < high and "hardly told apart" in str(fit)


def test_starts_at_and_near_nothing_are_left():
    (circuit,) = small_circuits()[1:2]
    truth = {"depolarizing": {"p2": 0.02}, "coherent": {"angle": 0.2}}
    counted = sampled([circuit], [40_000], truth, seed=1)
    keys = ["depolarizing.p2", "coherent.angle"]
    usual = fit_noise(counted, {"depolarizing": {"p2": 0.01}, "coherent": {"angle": 0.1}}, keys)
    near = fit_noise(counted, {"depolarizing": {"p2": 1e-12}, "coherent": {"angle": 0.0}}, keys)
    assert np.allclose(np.abs(near.values), np.abs(usual.values), rtol=0, atol=usual.errors / 10)
    assert abs(abs(near.values[1]) - 0.2) < 4 * near.errors[1]


def test_an_angle_of_nothing_is_not_called_without_effect():
    noise = {"depolarizing": {"p2": 0.01}}
    counted = sampled(small_circuits()[1:2], [2000], noise, seed=4)
    fit = fit_noise(counted, noise, ["coherent.angle"])
    if abs(fit.values[0]) < 1e-4:
        assert "to first order" in str(fit) and "changes nothing that" not in str(fit)
    low, high = fit.profile().iloc[0][["low", "high"]]
    assert -1.0 < low <= 0.0 <= high < 1.0


def test_numbers_at_a_bound_have_intervals_by_profiles():
    zeros = preparations(cirq.LineQubit.range(1))[0]
    fit = fit_noise([zeros.counted([500, 0])], {"readout": {"p01": 0.01}}, ["readout.p01"])
    # Fisher's information is infinite there; 500 log(1 - p) drops by 1.92.
    expected = 1 - np.exp(-(1.959964**2) / 2 / 500)
    assert fit.table.iloc[0]["high"] == pytest.approx(expected, rel=0.02)


def test_fits_of_nothing_and_numbers_that_are_known():
    counted = sampled(small_circuits()[:1], [500], NOISE, seed=0)
    fit = fit_noise(counted, NOISE)
    prediction = fit.predict(lambda noise: [noise.idle, 1.0])
    assert prediction.error.tolist() == [0.0, 0.0] and fit.profile().empty
    known = Uncertainty(("depolarizing.p2", "readout.p01"), np.diag([0.0, 1e-6]))
    carried = known.predicted(lambda noise: noise.depolarizing.p2 + noise.readout.p01, fit.noise)
    assert carried.error == pytest.approx(1e-3)
    for wrong, message in ((None, "free = None is no list"), ([3], "no list of keys")):
        with pytest.raises(InputError, match=message):
            fit_noise(counted, NOISE, wrong)
    with pytest.raises(InputError, match="the count of '00'"):
        counted[0].circuit.counted({"00": "many"})  # type: ignore[dict-item]


def test_what_cannot_be_told_apart_is_said():
    circuits = candidates("destructive", 4, "line")[:1]
    fit = fit_noise(sampled(circuits, [20_000], NOISE, seed=1), NOISE, FREE)
    (first, *_) = fit.hard_to_tell
    assert first.startswith("depolarizing.p1 and depolarizing.p2 are hardly told apart")
    assert first.endswith("add circuits with every two-qubit gate 3 times")
    assert first in str(fit) and first in fit._repr_html_()
    assert not any(
        "readout" in each for each in fit_noise(of_design(NOISE, 2), NOISE, FREE).hard_to_tell
    )


def test_errors_are_told_in_words():
    assert told(0.01, 0.001) == "told to 10 %"
    assert told(0.0, 0.001) == "not told apart from 0; its standard error is 0.001"
    assert told(1e-6, 0.002) == "not told apart from 0; its standard error is 0.002"
    assert told(-0.5, 0.1) == "told to 20 %"
    few = design(candidates("destructive", 4, "line"), NOISE, FREE, 1000, shares=[1, 0, 0, 0])
    assert "depolarizing.p2 is not told apart from 0; its standard error is 0.0" in str(few)
    times = {"thermal": {"t1": 20.0, "t2": 15.0}}
    counted = sampled(candidates("destructive"), [200] * 4, times, seed=1)
    fit = fit_noise(counted, times, ["thermal.t1", "thermal.t2"])
    assert not any("from 0" in line for line in fit.hard_to_tell)


def test_circuits_are_counted_by_their_angles():
    patches = np.random.default_rng(0).uniform(size=(3, 2, 2))
    circuits = design_circuits(program("destructive"), patches, folds=[1])[:1]
    fit = fit_noise(sampled(circuits, [30_000], NOISE, seed=0), NOISE, ["depolarizing.p2"])
    assert str(fit).startswith("fitted to 30,000 shots of 3 circuits\n")


def test_the_best_design_tells_p2_to_two_percent():
    found = best_design()
    assert 100 * found.relative_errors["depolarizing.p2"] == pytest.approx(2.0, abs=0.05)
    shares = dict(zip(found.table["circuit"], found.table["share"], strict=True))
    name = "inversion test of the filter with itself"
    assert shares[f"{name}, two-qubit gates 3 times"] == pytest.approx(0.74, abs=0.01)
    assert shares[name] == pytest.approx(0.24, abs=0.01)
    jobs = found.jobs
    assert sum(job.shots for job in jobs) == 100_000
    for job in jobs:
        assert not validate(job.circuit, "willow_pink")
    assert "depolarizing.p2 to 2 %" in str(found)
    # Any other shares tell less.
    for shift in ([0.1, -0.1, 0, 0], [-0.1, 0.1, 0, 0], [0, -0.05, 0.05, 0], [0, -0.05, 0, 0.05]):
        other = design(found.circuits, NOISE, FREE, 100_000, shares=found.shares + shift)
        assert other.relative_errors["depolarizing.p2"] > found.relative_errors["depolarizing.p2"]


@pytest.mark.parametrize(("loader", "told"), [("ring_comparison", 0.77), ("auto", 1.01)])
def test_more_folds_tell_small_errors_better(loader, told):
    circuits = design_circuits(program("inversion", 4, loader))
    found = design(circuits, NOISE, FREE, 100_000, targets=["depolarizing.p2"])
    assert 100 * found.relative_errors["depolarizing.p2"] == pytest.approx(told, abs=0.02)
    assert found.shares[3] > 0.7 and found.shares[1:3].sum() == 0
    # Of errors that are four times as large fewer tell more.
    larger = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "idle": 0.002, "readout": NOISE["readout"]}
    shares = design(circuits, larger, FREE, 100_000, targets=["depolarizing.p2"]).shares
    assert shares[1:3].sum() > 0.7 and shares[3] < 0.1


def test_designs_of_ordinary_patches():
    image = load_mnist("train", 1).images[0]
    patches = np.array([image[r : r + 4, c : c + 4] for r in (8, 12, 16) for c in (8, 12, 16)])
    patches = patches[patches.any(axis=(1, 2))]
    circuits = design_circuits(program("destructive", 4, "line"), patches, folds=(1, 3))
    shares = [0.4, 0.4, 0.1, 0.1]
    together = design(circuits, NOISE, FREE, 100_000, shares=shares).relative_errors
    alone = design(circuits, NOISE, FREE, 100_000, shares=[1, 0, 0, 0]).relative_errors
    assert 100 * together["depolarizing.p2"] == pytest.approx(5.3, abs=0.8)
    assert 100 * together["readout.p01"] == pytest.approx(3.4, abs=0.1)
    assert 100 * alone["depolarizing.p2"] == pytest.approx(35, abs=10)
    planned = design(circuits, NOISE, FREE, 1000, shares=shares)
    assert len(planned.jobs) == 2 * len(patches) + 2
    assert sum(job.shots for job in planned.jobs) == 1000
    assert len({job.name for job in planned.jobs}) == len(planned.jobs)
    counted = planned.counted([{0: job.shots - 1, 3: 1} for job in planned.jobs])
    assert [each.circuit for each in counted] == circuits
    assert [each.shots for each in counted] == [400, 400, 100, 100]
    with pytest.raises(InputError, match="jobs"):
        planned.counted([])


def test_the_right_kind_of_noise_is_preferred_where_chi_squared_is_blind():
    image = load_mnist("train", 1).images[0]
    patches = np.array([image[8:12, 8:12], image[12:16, 12:16]])
    circuits = design_circuits(program("destructive", 4, "line"), patches)[:1]
    blind = 0
    for seed in range(3):
        counted = sampled(circuits, [100_000], "willow_pink", seed)
        uniform = fit_noise(counted, NOISE, FREE)
        calibrated = fit_noise(counted, "willow_pink", ["scale"])
        found = compare_models({"uniform": uniform, "calibrated": calibrated})
        assert found.best == "calibrated" and found.is_clear
        assert "calibrated explains the counts better than uniform" in found.message
        blind += "Chi-squared alone would not have rejected uniform" in found.message
        low, high = calibrated.profile()[["low", "high"]].iloc[0]
        assert abs(calibrated.values[0] - 1) < 4 * calibrated.errors[0] and low < high
    assert blind > 0
    known = fit_noise(counted, "willow_pink")
    assert known.log_likelihood < calibrated.log_likelihood < known.log_likelihood + 8
    same = compare_models({"as it is": known, "scaled": calibrated})
    assert not same.is_clear and "do not tell" in same.message
    with pytest.raises(InputError, match="other counts"):
        other = fit_noise(sampled(circuits, [1000], NOISE, 0), NOISE)
        compare_models({"uniform": uniform, "other": other})


def test_the_scale_is_found_with_patches_that_nobody_knows():
    patches = np.random.default_rng(0).uniform(size=(16, 2, 2))
    measured = program("destructive")
    circuit = design_circuits(measured, patches)[0]
    found = []
    for seed in range(4):
        (counted,) = sampled([circuit], [16 * 20_000], "willow_pink", seed)
        start = {"calibrated": "willow_pink", "scale": 0.8}
        found.append(fit_with_patches(measured, counted.counts, start))
        assert not found[-1].is_biased and "scale = " in str(found[-1])
    values, errors = np.array([[each.value, each.error] for each in found]).T
    assert (np.abs(values - 1) < 4 * errors).all() and errors.max() < 0.1
    states = measured.patch_states(patches)
    overlaps = np.abs((found[0].states * states).sum(axis=1))
    assert overlaps.min() > 0.999
    (few,) = sampled([circuit], [16 * 100], "willow_pink", 0)
    assert fit_with_patches(measured, few.counts, start).is_biased
    with pytest.raises(InputError, match="shape"):
        fit_with_patches(measured, [[1, 2]], start)


def test_predictions_carry_the_uncertainty():
    fit = fit_noise(of_design(NOISE, seed=4), START, FREE)

    def rate(noise: NoiseConfiguration) -> list[float]:
        assert noise.depolarizing is not None
        return [2 * noise.depolarizing.p2, noise.depolarizing.p1 + noise.depolarizing.p2]

    plain, drawn = fit.predict(rate), fit.predict(rate, n_draws=2000, seed=1)
    by = np.array([[0, 2, 0, 0, 0], [1, 1, 0, 0, 0]])
    np.testing.assert_allclose(plain.error, np.sqrt(np.diag(by @ fit.covariance @ by.T)), rtol=1e-6)
    np.testing.assert_allclose(drawn.error, plain.error, rtol=0.1)
    np.testing.assert_allclose(drawn.low, plain.low, rtol=0.02)
    assert (fit.draws(500) >= 0).all()


def test_fitted_noise_is_written_and_read(tmp_path):
    fit = fit_noise(of_design(NOISE, seed=4), START, FREE)
    fit.write(tmp_path / "noise.toml")
    assert NoiseConfiguration.from_toml(tmp_path / "noise.toml") == fit.noise
    assert "# depolarizing.p2 = 0.00" in fit.to_toml()


def test_single_places_are_free_by_their_keys():
    circuits = candidates("destructive")
    bound = circuits[0].bound()[0]
    pairs = {op.qubits for op in bound.all_operations() if len(op.qubits) == 2}
    keys = sorted({":".join(f"{q.row},{q.col}" for q in sorted(pair)) for pair in pairs})
    start = {"depolarizing": {"couplers": dict.fromkeys(keys, 0.005)}}
    truth = {"depolarizing": {"couplers": {**dict.fromkeys(keys, 0.005), keys[1]: 0.02}}}
    free = [f"depolarizing.couplers.{keys[1]}"]  # Its ends may come in either order.
    fit = fit_noise(sampled(circuits, [50_000] * 4, truth, 1), start, free)
    assert abs(fit.values[0] - 0.02) < 4 * fit.errors[0]
    assert fit.profile(free)["low"][0] < fit.values[0]
    changed = set(fit.noise.depolarizing.couplers.values()) - {0.005}
    assert changed == {fit.values[0]}


def test_a_factor_stays_where_probabilities_are():
    noise = {"readout": {"p01": 0.1, "p10": 0.4}}
    numbers = FreeNumbers.of(noise, ["scale"])
    assert numbers.bounds[1] == pytest.approx([2.5], abs=1e-6)
    circuits = preparations(cirq.LineQubit.range(2))
    shots = [5000, 5000]
    fit = fit_noise(sampled(circuits, shots, {**noise, "scale": 2.4}, 0), noise, ["scale"])
    assert abs(fit.values[0] - 2.4) < 4 * fit.errors[0]
    assert fit.profile()["high"][0] <= 2.5


def test_counts_by_outcome():
    circuit = preparations(cirq.LineQubit.range(2))[1]
    expected = [[0, 3, 4, 20]]
    for counts in ({"01": 3, "10": 4, "11": 20}, {1: 3, 2: 4, 3: 20}, [0, 3, 4, 20], expected):
        assert circuit.counted(counts).counts.tolist() == expected
    assert circuit.counted(expected).shots == 27
    result = cirq.Simulator().run(circuit.bound()[0], repetitions=9)
    assert circuit.counted(result).counts.tolist() == [[0, 0, 0, 9]]
    wrong: tuple[Any, ...] = ({"0": 1}, {4: 1}, {"02": 1}, [1, 2], [0] * 4, [-1, 2, 3, 4])
    for counts in wrong:
        with pytest.raises(InputError):
            circuit.counted(counts)


def test_what_is_refused():
    a, b = cirq.LineQubit.range(2)
    symbol = cirq.Circuit(cirq.X(a) ** __import__("sympy").Symbol("t"), cirq.measure(a))
    for circuit in (
        cirq.Circuit(cirq.X(a)),
        cirq.Circuit(cirq.measure(a), cirq.measure(b)),
        cirq.Circuit(cirq.measure(a), cirq.X(a)),
        cirq.Circuit(cirq.measure(a, invert_mask=(True,))),
        cirq.Circuit(cirq.measure(*cirq.LineQubit.range(12))),
        symbol,
    ):
        with pytest.raises(InputError):
            FitCircuit.of(circuit)
    counted = [preparations([a])[0].counted([5, 1])]
    for noise, free in (
        (cirq.depolarize(0.1), ["scale"]),
        (cirq.ConstantQubitNoiseModel(cirq.X), ["scale"]),
        (NOISE, ["depolarizing.p3"]),
        (NOISE, ["idle", "idle"]),
        (NOISE, "idle"),
        ({"readout": {"p01": 0.7}}, ["readout.p01"]),
    ):
        with pytest.raises(InputError):
            fit_noise(counted, noise, free)
    with pytest.raises(InputError):
        fit_noise([], NOISE, FREE)
    with pytest.raises(InputError):
        compare_models({"one": fit_noise(counted, NOISE)})
    with pytest.raises(InputError):
        fit_noise(counted, NOISE).profile(["idle"])
    circuits = candidates("destructive")
    for arguments in (
        (NOISE, FREE, 100, ["scale"]),
        ({"depolarizing": {"p1": 0.001}}, ["depolarizing.p2"], 100),
        (NOISE, FREE, 100, None, [1, 2]),
    ):
        with pytest.raises(InputError):
            design(circuits, *arguments)
    with pytest.raises(InputError):
        circuits[0].folded(2)
    trained = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(1))
    with pytest.raises(InputError):
        design_circuits(compile_convolution(trained, "grid:3x4"))


@pytest.mark.parametrize(
    ("overlap", "kind"), [("inversion", "preparation"), ("destructive", "crosstalk")]
)
def test_errors_beside_gates_and_readout_are_found(overlap: str, kind: str) -> None:
    kernel = FixedFilter([1.0, -2.0, 0.5, 3.0])
    spec = ConvolutionSpec(kernel=(2, 2), filters=kernel, overlap=overlap)
    circuits = design_circuits(compile_convolution(spec, "grid:3x3"))
    truth = {"depolarizing": {"p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
    truth[kind] = {"p": 0.03}
    counted = [each.sampled(truth, shots=20_000, seed=1) for each in circuits]
    fit = fit_noise(counted, {**truth, kind: {"p": 0.01}}, [f"{kind}.p"])
    (row,) = fit.table.itertuples()
    assert row.error < 0.003
    assert abs(row.value - 0.03) < 4 * row.error
    # Preparation is scaled with readout, before the bits are read.
    (scale,) = fit_noise(counted, truth, ["scales.readout"]).table.itertuples()
    assert abs(scale.value - 1) < 4 * scale.error
