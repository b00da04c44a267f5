"""Error budgets: shares against differences of the exact engine, rates against configurations."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import cirq
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from noise_models import NoiseConfiguration, NoiseKind, as_noise
from noise_models.checks import whole_number
from noise_models.configuration import NOISE_KINDS
from noise_models.kind import Strength
from noise_models.timeline import Step
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QCNNBody,
    RandomCircuit,
    XZAnsatz,
    compile_convolution,
    image_blocks,
)
from qucnn_cirq.budget import COLUMNS, ErrorBudget, error_budget, place_by_error
from qucnn_cirq.budget.parts import place_name
from qucnn_cirq.budget.process import Channel
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.layer import QuantumConvolution

TESTS = ("ancilla", "destructive", "inversion")
WHOLE = {
    "depolarizing": {"p1": 0.002, "p2": 0.01},
    "idle": 0.001,
    "thermal": {"t1": 20.0, "t2": 15.0},
    "coherent": {"angle": 0.05},
    "readout": {"p01": 0.01, "p10": 0.04},
    "correlated_readout": {"both": 0.01},
}
BESIDE = {
    "depolarizing": {"p2": 0.01},
    "idle": 0.001,
    "crosstalk": {"p": 0.01, "angle": 0.1},
    "preparation": {"p": 0.02},
}
IMAGES = np.random.default_rng(5).uniform(size=(2, 4, 4))


def program(test: str, device: str = "grid:3x4", layers: int = 0, n_filters: int = 1) -> Program:
    """2x2 kernels on vectors that are loaded, or on angles."""
    vectors = np.random.default_rng(3).normal(size=(n_filters, 2, 2))
    filters = [XZAnsatz(layers) if layers else FixedFilter(each) for each in vectors]
    return compile_convolution(
        ConvolutionSpec(kernel=(2, 2), filters=filters, overlap=test), device
    )


def angles(program: Program) -> np.ndarray | None:
    shape = (program.spec.n_filters, program.spec.n_parameters)
    return np.random.default_rng(8).uniform(0, 6, shape) if shape[1] else None


def budget_of(program: Program, noise: Any, images: np.ndarray = IMAGES) -> ErrorBudget:
    return error_budget(program, noise, images, parameters=angles(program))


def adds_up(budget: ErrorBudget) -> None:
    assert budget.table["bias"].sum() == pytest.approx(budget.bias, abs=1e-8 * budget.rms)
    assert budget.table["square"].sum() == pytest.approx(budget.rms**2, rel=1e-8)
    if budget.rms > 1e-12:
        assert budget.table["share"].sum() == pytest.approx(1, abs=1e-8)


@st.composite
def noises(draw: st.DrawFn) -> dict[str, Any]:
    """Some kinds of noise of usual strength."""
    keys = draw(st.lists(st.sampled_from(sorted(WHOLE)), min_size=1, unique=True))
    scale = draw(st.floats(0.1, 5.0))
    return {"scale": scale, **{key: WHOLE[key] for key in keys}}


@given(st.sampled_from(TESTS), st.sampled_from([0, 1]), st.sampled_from([1, 2]), noises())
@settings(max_examples=12, deadline=None)
def test_shares_add_up_to_what_layers_measure(test, layers, n_filters, noise):
    # A single bit is read together with no other.
    assume(test != "ancilla" or set(noise) != {"scale", "correlated_readout"})
    own = program(test, layers=layers, n_filters=n_filters)
    budget = budget_of(own, noise)
    maps = [
        QuantumConvolution(own, "exact", each, shots=None, parameters=angles(own)).forward(IMAGES)
        for each in (noise, None)
    ]
    differences = (maps[0] - maps[1]).swapaxes(0, 1).reshape(n_filters, -1)
    assert np.allclose(budget.errors, differences, atol=1e-12)
    adds_up(budget)


def test_images_are_cut_a_block_at_a_time(monkeypatch):
    images = np.random.default_rng(5).uniform(size=(7, 6, 4))
    images[1:4] = 0.0
    own = program("destructive", n_filters=2)
    whole = budget_of(own, WHOLE, images)
    monkeypatch.setattr(image_blocks, "BLOCK_ELEMENTS", 60)
    monkeypatch.setattr(image_blocks, "_FEWEST_ELEMENTS", 1)
    sizes = [len(each) for each in image_blocks.ImageBlocks(images, own.spec).patches()]
    assert len(sizes) == 7
    parted = budget_of(own, WHOLE, images)
    assert np.allclose(parted.errors, whole.errors, rtol=0, atol=1e-14)
    assert parted.table.drop(columns=["bias", "square", "share"]).equals(
        whole.table.drop(columns=["bias", "square", "share"])
    )
    assert np.allclose(parted.table["square"], whole.table["square"], rtol=1e-9)


@pytest.mark.parametrize("test", TESTS)
def test_shares_of_strong_noise_add_up(test):
    noise = {"depolarizing": {"p1": 0.2, "p2": 0.6}, "readout": {"p01": 0.3, "p10": 0.5}}
    adds_up(budget_of(program(test), noise))


@pytest.mark.parametrize(
    ("test", "loader", "rms", "without_readout", "stages", "mechanisms", "bits"),
    [
        (
            "inversion", "ring_comparison", 0.00550, 0.00234,
            {"readout": 0.630},
            {"decay while operated": 0.182, "two-qubit depolarising": 0.095, "coherent": 0.044,
             "idling": 0.031, "one-qubit depolarising": 0.018},
            {"4,10": 0.380},
        ),
        (
            "destructive", "line", 0.01246, 0.00560,
            {"readout": 0.691, "patch": 0.113, "filter": 0.131, "meeting": 0.064},
            {"decay while operated": 0.199, "two-qubit depolarising": 0.046, "coherent": 0.042,
             "idling": 0.017, "one-qubit depolarising": 0.005},
            {"5,3": 0.338, "5,4": 0.203},
        ),
        (
            "ancilla", "line", 0.01649, 0.01688,
            {"readout": 0.014, "patch": 0.240, "filter": 0.249, "meeting": 0.497},
            {"decay while operated": 0.484, "two-qubit depolarising": 0.109, "coherent": 0.095,
             "idling": 0.289, "one-qubit depolarising": 0.009},
            {"3,3": 0.014},
        ),
    ],
)  # fmt: skip
def test_shares_of_known_circuits(test, loader, rms, without_readout, stages, mechanisms, bits):
    """Figures that were computed by other code, of the loaders that there were then."""
    kernel = FixedFilter(load_classical_filter())
    spec = ConvolutionSpec(kernel=(4, 4), filters=kernel, overlap=test)
    own = compile_convolution(spec, "willow_pink", loader=loader)
    budget = error_budget(own, "willow_pink", load_mnist("train", 16).images)
    adds_up(budget)
    assert budget.rms == pytest.approx(rms, abs=5e-6)
    assert budget.rms_without(stage="readout") == pytest.approx(without_readout, abs=5e-6)
    for columns, expected in ((["stage"], stages), (["mechanism"], mechanisms)):
        found = budget.by(*columns).set_index(columns)["share"]
        assert {each: found[each] for each in expected} == pytest.approx(expected, abs=1.2e-3)
    read = budget.by("stage", "place").set_index(["stage", "place"])["share"]["readout"]
    assert {each: read[each] for each in bits} == pytest.approx(bits, abs=1.2e-3)


def at(channel: Channel, strength: float, own: float, each: Channel) -> float:
    """Of one channel its own strength, of all others the same."""
    return own if each is channel else strength


@pytest.mark.parametrize("test", TESTS)
def test_shares_are_integrals_of_differences_of_single_channels(test):
    own = program(test)
    budget = budget_of(own, WHOLE)
    (part, *others) = budget._parts
    channels = part.noisy.channels
    weights = budget.weights(part)
    step = 0.01
    nodes, lengths = np.polynomial.legendre.leggauss(6)
    compared = 0
    for number in range(0, len(channels), max(1, len(channels) // 9)):
        channel, share = channels[number], np.zeros(2)
        for strength, weight in zip((nodes + 1) / 2, lengths / 2, strict=True):
            # Linear in every channel: the difference is the derivative.
            low, high = (
                part.noisy.means(part.tables, functools.partial(at, channel, strength, end))[0]
                for end in (strength - step, strength + step)
            )
            share += weight * (weights @ (high - low)) / (2 * step)
        rows = budget.table
        for column, value in part.labels(channel).items():
            rows = rows[rows[column] == value]
        if len(rows) == 1:
            assert rows.iloc[0]["bias"] == pytest.approx(share[0], abs=1e-9 * budget.rms)
            assert rows.iloc[0]["square"] == pytest.approx(share[1], abs=1e-9 * budget.rms**2)
            compared += 1
    assert compared >= 5


def changed(noise: Mapping[str, Any], key: str, value: float) -> dict[str, Any]:
    first, _, rest = key.partition(".")
    inner = noise.get(first, {})
    return {**noise, first: changed(inner, rest, value) if rest else value}


def difference(
    own: Program, noise: Mapping[str, Any], key: str, value: float, images: np.ndarray
) -> np.ndarray:
    """Derivatives of mean error and mean square by a rate, of the public configuration."""
    step = 2e-3 * value

    def found(steps: int) -> np.ndarray:
        budget = budget_of(own, changed(noise, key, value + steps * step), images)
        return np.array([budget.bias, budget.rms**2])

    return (8 * (found(1) - found(-1)) - (found(2) - found(-2))) / (12 * step)


@pytest.mark.parametrize("test", TESTS)
@given(
    st.sampled_from(
        [
            "scale",
            "scales.idle",
            "depolarizing.p1",
            "depolarizing.p2",
            "idle",
            "thermal.t1",
            "coherent.angle",
            "readout.p10",
            "correlated_readout.both",
        ]
    )
)
@settings(max_examples=4, deadline=None)
def test_rates_are_differences_of_configurations(test, key):
    own = program(test)
    (row,) = budget_of(own, WHOLE).rates([key]).itertuples()
    expected = difference(own, WHOLE, key, row.value, IMAGES)
    scale = max(1.0, 1 / row.value)
    assert np.allclose([row.bias, row.square], expected, rtol=1e-8, atol=1e-9 * scale)


@pytest.mark.parametrize("test", TESTS)
def test_crosstalk_and_preparation_are_mechanisms_and_rates(test):
    own = program(test)
    budget = budget_of(own, BESIDE)
    adds_up(budget)
    table = budget.table.set_index("mechanism")
    # Here the inversion test has one two-qubit gate in a moment.
    assert ("crosstalk" in table.index) == (test != "inversion")
    assert set(table.loc[["preparation"], "moment"]) == {-1}
    rates = budget.rates().set_index("key")
    for key in ("crosstalk.p", "crosstalk.angle", "preparation.p", "scales.readout"):
        if key in rates.index:
            row = rates.loc[key]
            expected = difference(own, BESIDE, key, row["value"], IMAGES)
            scale = max(1.0, 1 / row["value"])
            found = [row["bias"], row["square"]]
            assert np.allclose(found, expected, rtol=1e-8, atol=1e-9 * scale)


@pytest.mark.parametrize("test", ("ancilla", "destructive"))
def test_a_pair_without_crosstalk_has_a_derivative(test):
    own = program(test)
    pair = budget_of(own, BESIDE).table.set_index("mechanism").loc["crosstalk", "place"].iloc[0]

    def with_pair(p):
        return {**BESIDE, "crosstalk": {"p": 0.01, "couplers": {pair: {"p": p, "angle": 0.1}}}}

    (row,) = budget_of(own, with_pair(0)).rates([f"crosstalk.couplers.{pair}.p"]).itertuples()
    change = budget_of(own, with_pair(1e-6)).bias - budget_of(own, with_pair(0)).bias
    assert row.value == 0.0 and row.bias == pytest.approx(change / 1e-6, rel=1e-4)


def test_4x4_rates_are_differences_of_configurations():
    spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(load_classical_filter()), stride=8)
    own, images = compile_convolution(spec, "willow_pink"), load_mnist("train", 1).images
    noise = {"depolarizing": {"p2": 0.005}, "readout": {"p01": 0.01, "p10": 0.03}}
    rates = error_budget(own, noise, images).rates()
    assert list(rates["key"]) == ["depolarizing.p2", "readout.p01", "readout.p10", "scale"]
    for row in rates.itertuples():
        expected = difference(own, noise, row.key, row.value, images)
        assert np.allclose([row.bias, row.square], expected, rtol=1e-8, atol=1e-9 / row.value)


def test_a_rate_of_zero_has_a_derivative():
    own, noise = program("destructive"), {"readout": {"p10": 0.03}}
    (row,) = budget_of(own, noise).rates(["depolarizing.p2"]).itertuples()
    small = 1e-6
    with_it = budget_of(own, {**noise, "depolarizing": {"p2": small}})
    without = budget_of(own, noise)
    (pair,) = without.rates(["correlated_readout.both"]).itertuples()
    joint = budget_of(own, {**noise, "correlated_readout": {"both": small}})
    assert pair.bias == pytest.approx((joint.bias - without.bias) / small, rel=1e-4)
    assert row.value == 0.0
    assert row.bias == pytest.approx((with_it.bias - without.bias) / small, rel=1e-4)


def test_a_rate_at_its_bound_has_a_derivative():
    own, small = program("destructive"), 1e-6
    noise = {"scale": 2.0, "readout": {"p01": 0.02, "p10": 0.5}, "depolarizing": {"p1": 0.4999}}
    rates = budget_of(own, noise).rates().set_index("key")
    assert set(rates.index) == {"scale", "readout.p01", "readout.p10", "depolarizing.p1"}
    budget = budget_of(own, noise)
    less = budget_of(own, changed(noise, "readout.p10", 0.5 - small))
    assert rates.loc["readout.p10", "bias"] == pytest.approx(
        (budget.bias - less.bias) / small, rel=1e-4
    )


@dataclasses.dataclass(frozen=True)
class Crosstalk(NoiseKind):
    """Pairs of qubits err that have no gate, where the probability is not 0."""

    key: ClassVar[str] = "own_crosstalk"

    p: float = 0.5
    times: int = 1

    def __post_init__(self) -> None:
        whole_number("times", self.times, minimum=0)

    def has_gate_noise(self, strength: Strength) -> bool:
        return True

    def layers(self, step: Step, strength: Strength) -> list[list[cirq.Operation]]:
        qubits = sorted({qubit for gate in step.two_qubit_gates for qubit in gate.qubits})
        pairs = zip(qubits[:-1], qubits[1:], strict=True) if self.p else ()
        return [[cirq.depolarize(self.p, 2).on(*pair)] for pair in pairs] * self.times


@pytest.mark.parametrize("p", [0.0, 0.01])
def test_rates_of_noise_that_comes_and_goes(p):
    NOISE_KINDS.register("own_crosstalk", Crosstalk)
    own, small = program("ancilla"), 1e-6
    noise = {"depolarizing": {"p1": 0.01}, "own_crosstalk": {"p": p, "times": 2}}
    rates = budget_of(own, noise).rates().set_index("key")
    assert "own_crosstalk.times" not in rates.index
    low, high = (
        budget_of(own, changed(noise, "own_crosstalk.p", p + by)).bias for by in (0, small)
    )
    assert rates.loc["own_crosstalk.p", "bias"] == pytest.approx((high - low) / small, rel=1e-3)
    with pytest.raises(InputError, match="has no derivative"):
        budget_of(own, noise).rates(["own_crosstalk.times"])


def test_a_coupler_of_its_own_is_a_rate():
    own = program("inversion")
    gate = next(op for op in own.circuit(np.ones((2, 2))).all_operations() if len(op.qubits) == 2)
    key = place_name(gate.qubits)
    noise = {"depolarizing": {"p2": 0.01, "couplers": {key: 0.02}}}
    rates = budget_of(own, noise).rates().set_index("key")
    assert rates.loc[f"depolarizing.couplers.{key}", "value"] == 0.02


@pytest.mark.parametrize("test", TESTS)
def test_switching_a_group_off_is_another_configuration(test):
    own = program(test)
    budget = budget_of(own, WHOLE)
    for key, where in (
        ("readout", {"stage": "readout"}),
        ("coherent", {"mechanism": "coherent"}),
    ):
        left = {name: value for name, value in WHOLE.items() if not name.endswith(key)}
        assert budget.rms_without(**where) == pytest.approx(budget_of(own, left).rms, abs=1e-12)
    halved = {**WHOLE, "idle": WHOLE["idle"] / 2, "thermal": {"t1": 1e9, "t2": 1e9}}
    without_decay = {name: value for name, value in WHOLE.items() if name != "thermal"}
    expected = budget_of(own, {**without_decay, "idle": halved["idle"]}).rms
    budget = budget_of(own, without_decay)
    assert budget.rms_at(0.5, mechanism="idling") == pytest.approx(expected, abs=1e-12)
    assert budget.rms_at(1.0, mechanism="idling") == pytest.approx(budget.rms, abs=1e-12)


def test_stages_and_mechanisms_are_those_of_the_circuit():
    budget = budget_of(program("destructive"), WHOLE)
    data, filters = (
        {place_name((qubit,)) for qubit in own}
        for own in (
            budget._parts[0].noisy.template.data_qubits,
            budget._parts[0].noisy.template.filter_qubits,
        )
    )
    table = budget.table
    assert set(table["stage"]) == {"patch", "filter", "meeting", "readout"}
    assert set(table.loc[table["stage"] == "patch", "place"]) <= data | {
        f"{one}:{two}" for one in data for two in data
    }
    own_filter = table[(table["stage"] == "filter") & ~table["place"].str.contains(":")]
    assert set(own_filter["place"]) <= filters
    assert set(table["mechanism"]) == {
        "one-qubit depolarising",
        "two-qubit depolarising",
        "coherent",
        "decay while operated",
        "idling",
        "readout",
    }
    two = table[table["mechanism"] == "two-qubit depolarising"]
    assert two["place"].str.contains(":").all()
    moments = {place: set(own["moment"]) for place, own in two.groupby("place")}
    circuit = budget._parts[0].noisy.template.circuit
    gates: dict[str, set[int]] = {}
    for index, moment in enumerate(circuit):
        for operation in moment:
            if len(operation.qubits) == 2 and not cirq.is_measurement(operation):
                gates.setdefault(place_name(operation.qubits), set()).add(index)
    assert moments == gates


def test_an_inversion_test_has_a_filter_after_its_patch():
    budget = budget_of(program("inversion", layers=2), WHOLE)
    stages = budget.by("stage").set_index("stage")
    assert {"patch", "filter", "readout"} == set(stages.index)
    first = budget.table.groupby("stage")["moment"].min()
    assert first["patch"] < first["filter"] < first["readout"]


def test_by_adds_up_and_sorts():
    budget = budget_of(program("ancilla", "willow_pink", n_filters=2), "willow_pink")
    for columns in ((), ("stage",), ("place", "mechanism"), ("filter", "circuit", "moment")):
        found = budget.by(*columns)
        assert found["share"].sum() == pytest.approx(1, abs=1e-8)
        assert found["share"].is_monotonic_decreasing
    assert set(budget.table.columns) == set(COLUMNS)


def test_what_it_would_take():
    budget = budget_of(program("inversion"), WHOLE)
    table = budget.improvement((1.0, 0.5, 0.0))
    assert len(table) == 3 * table["mechanism"].nunique()
    whole = table[table["strength"] == 1.0]
    assert np.allclose(whole["rms"], budget.rms)
    readout = table[(table["mechanism"] == "readout") & (table["strength"] == 0.0)]
    assert readout["rms"].item() == pytest.approx(budget.rms_without(mechanism="readout"))


def test_a_noise_model_of_cirq():
    own = program("destructive")
    noise = cirq.ConstantQubitNoiseModel(cirq.depolarize(0.003))
    budget = budget_of(own, noise)
    adds_up(budget)
    assert set(budget.table["mechanism"]) == {"noise model"}
    with pytest.raises(InputError, match="give a configuration"):
        budget.rates()


class Replacing(cirq.NoiseModel):
    """Writes another gate in the place of CZ."""

    def noisy_operation(self, operation: cirq.Operation) -> cirq.OP_TREE:
        if operation.gate == cirq.CZ:
            return cirq.CZ(*operation.qubits) ** 0.98
        return operation


def test_a_model_that_replaces_gates_is_refused():
    with pytest.raises(InputError, match=r"replaces CZ\("):
        budget_of(program("inversion"), Replacing())


def test_numbers_of_a_measurement():
    spec = ConvolutionSpec(
        kernel=(2, 2), filters=RandomCircuit(), encoding="angle", measurement="z"
    )
    own = compile_convolution(spec, "grid:3x4")
    with pytest.raises(InputError, match="gives 4 numbers: say which"):
        error_budget(own, WHOLE, IMAGES)
    layers = [
        QuantumConvolution(own, "exact", noise, shots=None).forward(IMAGES)
        for noise in (WHOLE, None)
    ]
    for number in range(4):
        budget = error_budget(own, WHOLE, IMAGES, number=number)
        assert np.allclose(budget.errors.ravel(), (layers[0] - layers[1])[:, number].ravel())
        adds_up(budget)
    with pytest.raises(InputError, match="number = 4"):
        error_budget(own, WHOLE, IMAGES, number=4)


@pytest.mark.parametrize("strings", [["XX"], ["ZZ"], ["ZI"], ["ZZ", "ZI"]])
def test_products_of_signs_of_a_measurement(strings):
    spec = ConvolutionSpec(
        kernel=(1, 2),
        filters=RandomCircuit(),
        encoding="angle",
        measurement={"kind": "pauli", "strings": strings},
    )
    own = compile_convolution(spec, "grid:3x4")
    layers = [
        QuantumConvolution(own, "exact", noise, shots=None).forward(IMAGES)
        for noise in (WHOLE, None)
    ]
    for number in range(len(strings)):
        budget = error_budget(own, WHOLE, IMAGES, number=number)
        expected = (layers[0] - layers[1])[:, number].ravel()
        assert np.allclose(budget.errors.ravel(), expected, atol=1e-12)
        adds_up(budget)


def test_pooling_by_measurement_misreads():
    body = QCNNBody("so4", pooling="measured")
    last = {"kind": "z", "qubits": [body.read_qubit(4)]}
    spec = ConvolutionSpec(kernel=(2, 2), filters=body, encoding="angle", measurement=last)
    own = compile_convolution(spec, "grid:3x4")
    noise = {"depolarizing": {"p2": 0.01}, "readout": {"p01": 0.02, "p10": 0.05}}
    budget = budget_of(own, noise)
    adds_up(budget)
    layers = [
        QuantumConvolution(own, "exact", each, shots=None, parameters=angles(own)).forward(IMAGES)
        for each in (noise, None)
    ]
    assert np.allclose(budget.errors.ravel(), (layers[0] - layers[1]).ravel(), atol=1e-12)
    readout = budget.table[budget.table["mechanism"] == "readout"]
    # Three that are read on the way and one at the end.
    assert readout["place"].nunique() == 4
    assert set(readout["stage"]) == {"readout"} and readout["moment"].nunique() > 1
    left = budget_of(own, {"depolarizing": {"p2": 0.01}}).rms
    assert budget.rms_without(stage="readout") == pytest.approx(left, abs=1e-12)
    assert set(budget.table["stage"]) == {"filter", "readout"}


def test_several_circuits_of_one_filter():
    vector = FixedFilter(np.random.default_rng(1).normal(size=16).reshape(4, 4))
    spec = ConvolutionSpec(kernel=(4, 4), filters=vector, overlap="destructive", stride=6)
    own = compile_convolution(spec, "willow_pink")
    budget = error_budget(own, "willow_pink", load_mnist("train", 1).images)
    adds_up(budget)
    assert budget.table["circuit"].nunique() > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": None}, "there is no noise"),
        ({"noise": {"readout": {"qubits": {"2,3": {"p01": 0.1}}}}}, "none of the noise acts"),
        ({"images": np.zeros((1, 4, 4))}, "all patches are blank"),
        ({"images": np.full((1, 4, 4), np.nan)}, "finite"),
        ({"program": "p"}, "program"),
        ({"number": 0}, "overlap test"),
        ({"parameters": np.zeros((1, 3))}, "shape"),
        ({"noise": {"depolarizing": {"couplers": {"99,99:99,98": 0.1}}}}, "no qubit"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"program": program("inversion"), "noise": WHOLE, "images": IMAGES, **change}
    with pytest.raises(InputError, match=message):
        error_budget(**arguments)


def test_bad_questions():
    budget = budget_of(program("inversion"), WHOLE)
    for ask, message in (
        (lambda: budget.by("colour"), "column of a budget"),
        (lambda: budget.rms_without(stage="nowhere"), "no noise of this circuit has stage"),
        (lambda: budget.rms_without(), "nothing"),
        (lambda: budget.rms_without(stage=["readout", "redout"]), "'redout'"),
        (lambda: budget.rms_without(stage=[]), "no noise of this circuit has stage"),
        (lambda: budget.rms_without(stage=[["readout"]]), "no noise of this circuit has stage"),
        (lambda: budget.rms_at(1.5, stage="readout"), r"0\.\.1"),
        (lambda: budget.rms_at("half", stage="readout"), "strength = 'half'"),  # type: ignore
        (lambda: budget.rates("scale"), "is one text"),
        (lambda: budget.rates([1]), "no number of this noise"),  # type: ignore[list-item]
        (lambda: budget.rates(["depolarizing.p3"]), "no number of this noise"),
        (lambda: budget.improvement((2.0,)), r"0\.\.1"),
    ):
        with pytest.raises(InputError, match=message):
            ask()


def test_values_of_a_table_choose_channels():
    budget = budget_of(program("inversion"), WHOLE)
    places = budget.by("place")["place"].head(2)
    expected = budget.rms_without(place=places.tolist())
    for values in (places, places.to_numpy(), set(places)):
        assert budget.rms_without(place=values) == expected
    assert list(budget.improvement(())) == ["mechanism", "strength", "rms"]


def test_angles_are_asked_for():
    with pytest.raises(InputError, match="give parameters of shape"):
        error_budget(program("inversion", layers=1), WHOLE, IMAGES)


def test_a_circuit_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("qucnn_cirq.budget.circuit._LARGEST_KEPT", 2**20)
    filters = RandomCircuit()
    spec = ConvolutionSpec(kernel=(3, 3), filters=filters, encoding="angle", measurement="z")
    own = compile_convolution(spec, "grid:3x4")
    with pytest.raises(InputError, match="9 qubits .* an error budget goes up to 1 MiB"):
        error_budget(own, WHOLE, IMAGES, number=0)


def test_4x4_registers_that_crosstalk_joins():
    spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(load_classical_filter()))
    own, images = compile_convolution(spec, "grid:4x5"), IMAGES[:1]
    noise = {"depolarizing": {"p2": 0.005}, "crosstalk": {"p": 0.001, "angle": 0.02}}
    budget = error_budget(own, noise, images)
    adds_up(budget)
    rates = budget.rates(["crosstalk.p", "crosstalk.angle"]).set_index("key")
    for key, row in rates.iterrows():
        expected = difference(own, noise, key, row["value"], images)
        scale = max(1.0, 1 / row["value"])
        assert np.allclose(row[["bias", "square"]], expected, rtol=1e-8, atol=1e-9 * scale)


def test_it_says_what_it_found():
    budget = budget_of(program("destructive"), WHOLE)
    assert "RMS" in repr(budget)
    text = str(budget)
    assert "by stage:" in text and "largest places:" in text
    assert "mechanism: coherent" in budget._repr_html_()


def test_noise_of_configurations_is_what_models_put_in():
    configuration = NoiseConfiguration.from_mapping(WHOLE)
    own = program("ancilla")
    assert budget_of(own, configuration).rms == budget_of(own, as_noise(WHOLE)).rms
    scaled = attrs.evolve(configuration, scale=1e-3)
    small, smaller = (budget_of(own, attrs.evolve(scaled, scale=s)) for s in (1e-3, 5e-4))
    assert small.bias / smaller.bias == pytest.approx(2, rel=0.05)


def test_placing_by_error_puts_a_bad_bit_where_it_does_least_harm():
    images = np.random.default_rng(2).uniform(size=(3, 4, 4))
    own = program("destructive", "willow_pink")
    worst = place_name((own.filters[0].template.observable.qubits[2],))
    noise = {"readout": {"p10": 0.01, "qubits": {worst: {"p01": 0.2, "p10": 0.2}}}}
    moved = place_by_error(own, noise, images, patches=8)
    assert moved.report.two_qubit_gates == own.report.two_qubit_gates
    assert moved.verify().passed
    before, after = (budget_of(each, noise, images).rms for each in (own, moved))
    assert after < 0.2 * before
    again = place_by_error(moved, noise, images, patches=8)
    assert budget_of(again, noise, images).rms == pytest.approx(after, rel=1e-6)


def test_placing_by_error_keeps_what_is_best():
    own = program("inversion", "grid:2x2")
    assert place_by_error(own, {"depolarizing": {"p2": 0.01}}, IMAGES) is own


def test_placing_by_error_refuses_what_has_no_overlap():
    filters = RandomCircuit()
    spec = ConvolutionSpec(kernel=(2, 2), filters=filters, encoding="angle", measurement="z")
    with pytest.raises(InputError, match="for overlaps"):
        place_by_error(compile_convolution(spec, "grid:3x4"), WHOLE, IMAGES)
