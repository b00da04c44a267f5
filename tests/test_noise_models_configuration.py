"""Noise as data: what is accepted, what is refused, and that it survives being written."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import cirq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import (
    CoherentNoise,
    DepolarizingNoise,
    NoiseConfiguration,
    NoiseError,
    ReadoutNoise,
    ScaleFactors,
    ThermalNoise,
    as_noise,
    named_noise,
    noise_names,
)

probabilities = st.floats(0.0, 0.1)
configurations = st.builds(
    NoiseConfiguration,
    scale=st.floats(0.0, 10.0),
    scales=st.builds(ScaleFactors, gate=st.floats(0, 1), idle=st.floats(0, 1)),
    coherent=st.none() | st.builds(CoherentNoise, angle=st.floats(-3, 3)),
    depolarizing=st.none()
    | st.builds(
        DepolarizingNoise,
        p1=probabilities,
        p2=probabilities,
        qubits=st.dictionaries(st.sampled_from(["1,2", "3", "alice"]), probabilities),
        couplers=st.dictionaries(st.sampled_from(["1,2:1,3", "-1,0:0,0", "3:4"]), probabilities),
    ),
    idle=st.none() | probabilities,
    thermal=st.none()
    | st.builds(ThermalNoise, t1=st.floats(1, 100) | st.just(math.inf), t2=st.floats(0.1, 2)),
    calibrated=st.none() | st.sampled_from(["willow_pink", "rainbow", "weber"]),
    readout=st.none()
    | st.builds(
        ReadoutNoise,
        p01=probabilities,
        p10=probabilities,
        qubits=st.dictionaries(st.just("1,2"), st.tuples(probabilities, probabilities)),
    ),
)


def test_text_is_told_from_the_name_of_a_file() -> None:
    one_line = NoiseConfiguration.from_toml("noise = { scale = 0.5 }")
    assert one_line.scale == 0.5
    named = NoiseConfiguration.from_toml("[noise]\nscale = 0.5\n# as in mine.toml")
    assert named == one_line


def test_noises_differ_where_they_do_and_thermal_durations_have_defaults() -> None:
    noises = [as_noise(each) for each in (None, "willow_pink", {"idle": 0.1}, {"idle": 0.2})]
    noises.append(as_noise(cirq.ConstantQubitNoiseModel(cirq.X)))
    for index, noise in enumerate(noises):
        assert [noise == other for other in noises] == [k == index for k in range(len(noises))]
    thermal = ThermalNoise(t1=10, t2=8)
    assert (thermal.one_qubit, thermal.two_qubit, thermal.measurement) == (25.0, 42.0, 600.0)


@pytest.mark.parametrize("pair", [(0.1, 0.2), [0.1, 0.2], {"p01": 0.1, "p10": 0.2}])
def test_readout_of_a_qubit_is_a_pair_or_a_table(pair: object) -> None:
    noise = ReadoutNoise(p01=0.3, p10=0.4, qubits={"1,2": pair})
    assert tuple(noise.qubits["1,2"]) == (0.1, 0.2)
    half = ReadoutNoise(p01=0.3, p10=0.4, qubits={"1,2": {"p10": 0.2}})
    assert tuple(half.qubits["1,2"]) == (0.3, 0.2)


@settings(max_examples=100, deadline=None)
@given(configurations)
def test_every_way_of_writing_restores_the_configuration_exactly(
    configuration: NoiseConfiguration,
) -> None:
    assert NoiseConfiguration.from_mapping(configuration.to_mapping()) == configuration
    assert NoiseConfiguration.from_mapping({"noise": configuration.to_mapping()}) == configuration
    assert NoiseConfiguration.from_toml(configuration.to_toml()) == configuration
    assert NoiseConfiguration.from_json(configuration.to_json()) == configuration
    copy = pickle.loads(pickle.dumps(configuration))
    assert copy == configuration and hash(copy) == hash(configuration)


def test_toml_of_the_documentation_is_read_from_text_and_from_a_file(tmp_path: Path) -> None:
    text = """
    [noise]
    scale = 2
    depolarizing = { p1 = 0.001, p2 = 0.005 }
    readout = { p01 = 0.01, p10 = 0.03 }
    """
    expected = NoiseConfiguration(
        scale=2.0,
        depolarizing=DepolarizingNoise(p1=0.001, p2=0.005),
        readout=ReadoutNoise(p01=0.01, p10=0.03),
    )
    path = tmp_path / "noise.toml"
    path.write_text(text, encoding="utf-8")
    assert NoiseConfiguration.from_toml(text) == expected
    assert NoiseConfiguration.from_toml(path) == expected
    assert NoiseConfiguration.from_toml(str(path)) == expected


def test_default_settings_are_not_written() -> None:
    assert NoiseConfiguration().to_mapping() == {}
    assert NoiseConfiguration(idle=0.25).to_mapping() == {"idle": 0.25}


def test_integers_and_floats_are_the_same_configuration() -> None:
    one = NoiseConfiguration.from_mapping({"scale": 1, "depolarizing": {"p1": 1}})
    other = NoiseConfiguration.from_mapping({"depolarizing": {"p1": 1.0}})
    assert one == other and hash(one) == hash(other)


@pytest.mark.parametrize(
    ("mapping", "parts"),
    [
        ({"depolarising": {}}, ["'depolarising'", "'depolarizing'"]),
        ({"depolarizing": {"p3": 0.1}}, ["key of depolarizing", "'p3'"]),
        ({"noise": {}, "nose": 1}, ["'nose'"]),
        ({"depolarizing": {"p2": 1.2}}, ["depolarizing.p2 = 1.2", "0..1", "15/16"]),
        ({"depolarizing": {"p1": -0.1}}, ["depolarizing.p1 = -0.1", "0..1", "3/4"]),
        ({"depolarizing": {"p1": math.nan}}, ["depolarizing.p1 = nan"]),
        ({"depolarizing": {"p1": "0.1"}}, ["depolarizing.p1 = '0.1'", "the probability that"]),
        ({"depolarizing": {"p1": True}}, ["depolarizing.p1 = True", "0..1"]),
        ({"depolarizing": {"p1": 1.0000001}}, ["depolarizing.p1 = 1.0000001", "0..1"]),
        ({"depolarizing": {"p1": 10**400}}, ["depolarizing.p1 = 100", "0..1"]),
        ({"depolarizing": {"p1": -(10**400)}}, ["depolarizing.p1 = -100", "0..1"]),
        ({"idle": list(range(500))}, ["idle = [0, 1", "..."]),
        ({"depolarizing": {"qubits": {3: 0.1}}}, ["the key 3 is no qubit", '"4,5"']),
        ({"depolarizing": {"couplers": {None: 0.1}}}, ["the key None", "no coupler"]),
        (
            {"depolarizing": {"couplers": {"1,2:1,3": 0.1, "q(1, 3):1,2": 0.3}}},
            ["depolarizing.couplers names 1,2:1,3 twice", "q(1, 3):1,2"],
        ),
        ({"readout": {"qubits": {"1,2": [0, 0], " 1, 2": [0.1, 0]}}}, ["names 1,2 twice"]),
        ({"calibrated": {"qubits": {"1,2": {}, "q(1, 2)": {}}}}, ["names 1,2 twice"]),
        ({"depolarizing": 0.1}, ["depolarizing = 0.1", "not a table"]),
        ({"depolarizing": {"couplers": {"1,2-1,3": 0.1}}}, ["1,2-1,3", "no coupler"]),
        ({"depolarizing": {"couplers": [0.1]}}, ["couplers", "not a table"]),
        ({"depolarizing": {"p2": 0.5}, "scale": 3}, ["scale of 3", "1.5", "at most 2"]),
        ({"idle": 2}, ["idle = 2", "0..1"]),
        ({"idle": 0.5, "scales": {"idle": 4}}, ["scale of 4", "idle"]),
        ({"thermal": {"t1": 10}}, ["thermal.t2 is missing"]),
        ({"thermal": {"t1": 10, "t2": 21}}, ["thermal.t2 = 21", "2 * thermal.t1 = 20"]),
        ({"thermal": {"t1": 0, "t2": 1}}, ["thermal.t1 = 0", "above 0"]),
        ({"thermal": {"t1": 1, "t2": 1, "two_qubit": -1}}, ["thermal.two_qubit = -1"]),
        ({"coherent": {"angle": 4}}, ["coherent.angle = 4"]),
        ({"readout": {"p10": 1.5}}, ["readout.p10 = 1.5", "0..1"]),
        ({"readout": {"qubits": {"1,2": {"p11": 0.1}}}}, ["'p11'"]),
        ({"readout": {"qubits": {"1,2": 0.1}}}, ["p01 and p10"]),
        ({"readout": {"p01": 0.4}, "scales": {"readout": 3}}, ["readout.p01", "1.2"]),
        ({"calibrated": "willow"}, ["'willow'", "'willow_pink'"]),
        ({"calibrated": 3}, ["calibrated = 3"]),
        ({"scale": -1}, ["scale = -1"]),
        ({"scale": math.nan}, ["scale = nan", "0..1e+06"]),
        ({"scales": {"gates": 1}}, ["'gates'", "'gate'"]),
        ({"noise": {"idle": 0.1}, "study": {}}, ["'study' stands beside [noise]"]),
    ],
)
def test_bad_settings_are_refused_in_one_line(mapping: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(NoiseError) as caught:
        NoiseConfiguration.from_mapping(mapping)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_qubits_themselves_are_keys_too() -> None:
    a, b = cirq.GridQubit.rect(1, 2)
    by_qubit = DepolarizingNoise(qubits={a: 0.1}, couplers={(b, a): 0.2})  # type: ignore[dict-item]
    assert by_qubit == DepolarizingNoise(qubits={"0,0": 0.1}, couplers={"0,0:0,1": 0.2})


@pytest.mark.parametrize("bad", ["[noise", "missing.toml", "idle = 1" + 5000 * "0", "\0.toml"])
def test_unreadable_toml_is_refused(bad: str) -> None:
    with pytest.raises(NoiseError):
        NoiseConfiguration.from_toml(bad)


@pytest.mark.parametrize("bad", ["{", "[1]", "missing.json", "[" * 100_000, "\0.json"])
def test_unreadable_json_is_refused(bad: str) -> None:
    with pytest.raises(NoiseError):
        NoiseConfiguration.from_json(bad)


def test_names_are_listed_and_all_give_noise() -> None:
    names = noise_names()
    assert {"ideal", "depolarizing", "willow_pink", "rainbow", "weber"} <= set(names)
    for name, description in names.items():
        assert description
        assert as_noise(name).configuration == named_noise(name)
        assert as_noise(name).is_ideal == (name == "ideal")
    with pytest.raises(NoiseError, match="Did you mean 'willow_pink'"):
        as_noise("wilow_pink")


def test_every_way_of_saying_noise_is_understood() -> None:
    configuration = NoiseConfiguration(idle=0.01)
    noise = as_noise(configuration)
    assert as_noise({"idle": 0.01}) == as_noise({"noise": {"idle": 0.01}}) == noise
    assert as_noise(noise) is noise
    assert as_noise(None).is_ideal and as_noise(None) == as_noise("ideal")
    assert as_noise(cirq.NO_NOISE).is_ideal
    foreign = as_noise(cirq.ConstantQubitNoiseModel(cirq.depolarize(0.1)))
    assert not foreign.is_ideal and foreign.configuration is None
    with pytest.raises(NoiseError, match="noise = 3 is not understood"):
        as_noise(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("n_qubits", [1, 2])
def test_average_gate_infidelity_is_that_of_the_channel(n_qubits: int) -> None:
    noise = DepolarizingNoise(p1=0.12, p2=0.2)
    channel = cirq.depolarize(noise.p1 if n_qubits == 1 else noise.p2, n_qubits)
    dimension = 2**n_qubits
    # Average fidelity from the Kraus operators (Nielsen): (sum |tr K|^2 + d) / (d^2 + d).
    traces = sum(abs(kraus.trace()) ** 2 for kraus in cirq.kraus(channel))
    fidelity = (traces + dimension) / (dimension**2 + dimension)
    assert noise.average_gate_infidelity(n_qubits) == pytest.approx(1 - fidelity, abs=1e-12)


def test_average_gate_infidelity_is_inverted() -> None:
    noise = DepolarizingNoise.from_average_gate_infidelity(one_qubit=0.001, two_qubit=0.004)
    assert noise.average_gate_infidelity(1) == pytest.approx(0.001)
    assert noise.average_gate_infidelity(2) == pytest.approx(0.004)
    with pytest.raises(NoiseError, match="n_qubits = 3"):
        noise.average_gate_infidelity(3)
    with pytest.raises(NoiseError, match="p1"):
        DepolarizingNoise.from_average_gate_infidelity(one_qubit=0.9)


@pytest.mark.parametrize(
    "times", [{"t1": math.inf, "t2": 30.0}, {"t1": math.inf, "t2": math.inf}, {"t1": 9.0, "t2": 8}]
)
def test_infinite_times_are_stored_as_text_and_read_back(times: dict[str, float]) -> None:
    noise = NoiseConfiguration(thermal=times)
    mapping = noise.to_mapping()
    # As it stands in plans and results: JSON has no infinity.
    assert json.loads(json.dumps(mapping, allow_nan=False)) == mapping
    for again in (mapping, {"thermal": times}):
        assert NoiseConfiguration.from_mapping(again) == noise
    assert NoiseConfiguration.from_json(noise.to_json()) == noise
    assert NoiseConfiguration.from_toml(noise.to_toml()) == noise
    with pytest.raises(NoiseError, match="thermal.t1 = '-inf' is not allowed"):
        NoiseConfiguration(thermal={**times, "t1": "-inf"})


def test_a_path_is_a_file_whether_text_or_not(tmp_path: Path) -> None:
    path = tmp_path / "noise.toml"
    path.write_text("[noise]\nidle = 0.25\n")
    assert as_noise(path).configuration == as_noise(str(path)).configuration
    with pytest.raises(ValueError, match=r"missing\.toml"):
        as_noise(tmp_path / "missing.toml")
