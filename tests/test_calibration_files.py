"""Calibrations of the user's own, in files and tables."""

import json
from pathlib import Path
from typing import Any

import cirq
import cirq_google
import numpy as np
import pytest

from noise_models import (
    Calibration,
    NoiseConfiguration,
    NoiseError,
    as_noise,
    load_calibration,
    read_calibration,
    write_calibration,
)
from noise_models.calibration_files import calibration_from_mapping, calibration_to_mapping
from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.devices import load_device
from qucnn_cirq.errors import InputError
from studies.catalogue import sweep_kind
from studies.sweep.job import RunOptions, run_sweep
from studies.sweep.plan import make_plan

LAB: dict[str, Any] = {
    "name": "lab",
    "durations": {"one_qubit": 25.0, "measurement": 500.0, "cz": 40.0, "sqrt_iswap": 30.0},
    "qubits": {
        "default": {"t1": 40.0, "t2": 30.0, "one_qubit": 0.001, "p01": 0.01, "p10": 0.02},
        "0,0": {"p10": 0.05},
        "0,1": {},
    },
    "couplers": {"0,0:0,1": {"cz": 0.004, "sqrt_iswap": {"error": 0.01, "phi": 0.1}}},
}
A, B = cirq.GridQubit.rect(1, 2)


def changed(*path_and_value: Any) -> dict[str, Any]:
    """The laboratory's calibration with one entry replaced, or removed if that is None."""
    *path, last, value = path_and_value
    mapping: dict[str, Any] = json.loads(json.dumps(LAB))
    table = mapping
    for key in path:
        table = table[key]
    if value is None:
        del table[last]
    else:
        table[last] = value
    return mapping


def state_after(noise: object, circuit: cirq.Circuit) -> np.ndarray:
    noisy = cirq.drop_terminal_measurements(as_noise(noise).noisy_circuit(circuit))
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    return simulator.simulate(noisy).final_density_matrix


@pytest.mark.parametrize("suffix", [".toml", ".json"])
@pytest.mark.parametrize("name", ["willow_pink", "weber", "rainbow"])
def test_shipped_calibrations_survive_a_file(name: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"other{suffix}"
    write_calibration(load_calibration(name), file)
    assert not list(tmp_path.glob("*.partial"))
    found, expected = read_calibration(file), load_calibration(name)
    assert found.name == name
    assert found.readout == expected.readout and found.one_qubit == expected.one_qubit
    assert found.two_qubit_ns == expected.two_qubit_ns and list(found.two_qubit_ns) == list(
        expected.two_qubit_ns
    )
    for qubit, rates in expected.rates.items():
        assert found.rates[qubit] == pytest.approx(rates, rel=1e-14)
    assert found.two_qubit.keys() == expected.two_qubit.keys()
    for coupler, errors in expected.two_qubit.items():
        for gate, error in errors.items():
            again = found.two_qubit[coupler][gate]
            assert again.coherent == error.coherent
            assert again.depolarizing == pytest.approx(error.depolarizing, abs=1e-15)
            assert again.total == pytest.approx(error.total, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "gate_set"), [("willow_pink", "cz"), ("weber", "sqrt_iswap"), ("rainbow", "syc")]
)
def test_a_file_gives_the_same_means_as_the_name(name: str, gate_set: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    write_calibration(load_calibration(name), file)
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1.0, 2.0, -1.0, 0.5]))
    program = compile_convolution(spec, name, gate_set=gate_set)
    patches = np.random.default_rng(1).normal(size=(1, 4, 4))
    means = [
        QuantumConvolution(program, engine="exact", noise=noise, shots=None).forward(patches)
        for noise in (name, str(file), {"calibrated": str(file)})
    ]
    np.testing.assert_allclose(means[1], means[0], atol=1e-13)
    np.testing.assert_array_equal(means[2], means[1])


def test_properties_of_cirq_google_are_read(tmp_path: Path) -> None:
    properties = cirq_google.engine.load_device_noise_properties("willow_pink")
    file = tmp_path / "today.json"
    cirq.to_json(properties, file)
    found = read_calibration(file)
    assert found.name == "today"
    expected = load_calibration("willow_pink")
    assert (found.rates, found.two_qubit) == (expected.rates, expected.two_qubit)
    snapshot = cirq_google.engine.load_median_device_calibration("willow_pink")
    cirq.to_json(snapshot, file)
    with pytest.raises(NoiseError, match=r"holds a Calibration of Cirq.*noise_properties_from_cal"):
        read_calibration(file)
    file.write_text('{"cirq_type": "GoogleNoiseProperties", "gate_times_ns": 3}')
    with pytest.raises(NoiseError, match="today.json': its GoogleNoiseProperties cannot be"):
        read_calibration(file)


def test_numbers_mean_what_they_say() -> None:
    noise = as_noise({"calibrated": LAB})
    assert noise.readout(A) == (0.01, 0.05) and noise.readout(B) == (0.01, 0.02)
    after = [
        op
        for op in as_noise({"calibrated": LAB}).noisy_circuit(cirq.Circuit(cirq.CZ(A, B)))
        if op != cirq.Moment(cirq.CZ(A, B))
    ]
    gates = [op.gate for moment in after for op in moment]
    assert cirq.depolarize(0.004, 2) in gates
    # 40 ns of T1 = 40 us and T2 = 30 us leave exp(-0.001) and exp(-0.04/30) of Z and X.
    plus = state_after(
        {"calibrated": LAB, "scales": {"readout": 0}},
        cirq.Circuit(cirq.Moment(cirq.H(A)), cirq.Moment(cirq.CZ(A, B))),
    )
    x = 2 * plus.reshape(2, 2, 2, 2).trace(axis1=1, axis2=3)[0, 1].real
    kept = (1 - 4 / 3 * 0.001) * (1 - 16 / 15 * 0.004)
    assert x == pytest.approx(kept * np.exp(-25e-3 / 30) * np.exp(-40e-3 / 30), abs=1e-12)


def test_coherent_errors_are_part_of_the_error() -> None:
    calibration = calibration_from_mapping(LAB)
    error = calibration.error_of(cirq.SQRT_ISWAP(A, B))
    part = 1 - abs(np.trace(cirq.unitary(cirq.PhasedFSimGate(0, phi=0.1)))) ** 2 / 16
    assert error.coherent.phi == 0.1
    assert error.depolarizing == pytest.approx(0.01 - part) and error.total == 0.01
    assert calibration.error_of(cirq.CZ(B, A)).depolarizing == 0.004


def test_a_calibration_is_data_of_the_configuration() -> None:
    noise = NoiseConfiguration.from_mapping({"calibrated": LAB, "scale": 0.5})
    assert isinstance(noise.calibrated, Calibration)
    assert noise.to_mapping()["calibrated"]["couplers"]["0,0:0,1"]["cz"] == 0.004
    for again in (
        NoiseConfiguration.from_toml(noise.to_toml()),
        NoiseConfiguration.from_json(noise.to_json()),
    ):
        assert again == noise and hash(again) == hash(noise)
    other = NoiseConfiguration.from_mapping(
        {"calibrated": changed("couplers", "0,0:0,1", "cz", 0.005), "scale": 0.5}
    )
    assert other != noise and other.to_mapping() != noise.to_mapping()
    assert "lab" in repr(noise) and len(repr(noise)) < 400
    assert calibration_to_mapping(calibration_from_mapping(LAB))["name"] == "lab"


def test_what_no_time_is_given_for_does_not_decay() -> None:
    ideal = {"qubits": {"0,0": {}, "0,1": {}}, "couplers": {"0,0:0,1": {"cz": 0.0}}}
    circuit = cirq.Circuit(cirq.H(A), cirq.CZ(A, B), cirq.measure(A, B))
    assert np.allclose(state_after({"calibrated": ideal}, circuit), state_after(None, circuit))
    assert calibration_to_mapping(calibration_from_mapping(ideal))["qubits"]["0,0"] == {
        "one_qubit": 0.0,
        "p01": 0.0,
        "p10": 0.0,
    }


def test_qubits_and_couplers_outside_are_refused() -> None:
    noise = as_noise({"calibrated": LAB})
    with pytest.raises(NoiseError, match="'lab' has no calibration for qubit q\\(5, 5\\)"):
        noise.noisy_circuit(cirq.Circuit(cirq.X(cirq.GridQubit(5, 5))))
    alone = as_noise({"calibrated": changed("couplers", {})})
    with pytest.raises(NoiseError, match="'lab' has no coupler 0,0:0,1"):
        alone.noisy_circuit(cirq.Circuit(cirq.CZ(A, B)))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (changed("qubits", None), "calibration.qubits is missing"),
        (changed("qubits", {}), "calibration.qubits is missing: list them"),
        (changed("qubits", "0,0", "t1", -1.0), "calibration.qubits.'0,0'.t1 = -1 is outside"),
        (changed("qubits", "0,0", "t2", 100.0), "t2 = 100 exceeds twice t1 = 40"),
        (changed("qubits", "0,0", "p01", float("nan")), "'0,0'.p01 is NaN"),
        (changed("qubits", "0,0", "t3", 1.0), "unknown key of calibration.qubits.'0,0' 't3'"),
        (changed("couplers", "0,0:0,1", "cz", 1.5), "'0,0:0,1'.cz = 1.5 is outside 0..1"),
        (changed("couplers", "0,0:0,1", "cnot", 0.1), "'cnot'"),
        (changed("couplers", "0,0:0,1", {}), "names no gate"),
        (changed("couplers", "0,0:1,1", {"cz": 0.1}), "calibration.qubits lacks 1,1"),
        (changed("couplers", "0,0", {"cz": 0.1}), "no coupler"),
        (changed("durations", "cz", None), "calibration.durations.cz is missing: t1 and t2 act"),
        (changed("durations", "cz", -3), "calibration.durations.cz = -3"),
        (changed("pulses", 3), "'pulses'"),
    ],
)
def test_what_is_not_allowed_is_named(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(NoiseError, match=message):
        as_noise({"calibrated": mapping})


def test_files_that_hold_no_calibration_are_named(tmp_path: Path) -> None:
    for text, message in (
        ("[calibration", "is not valid TOML"),
        ("[device]\nname = 'x'", "must hold one table, calibration"),
        ("[calibration]\nqubits = 3", "calibration.qubits is missing, or not a table"),
    ):
        file = tmp_path / "bad.toml"
        file.write_text(text)
        with pytest.raises(NoiseError, match=f"bad.toml.*{message}"):
            as_noise({"calibrated": str(file)})
    with pytest.raises(NoiseError, match=r"cannot read .*none.json"):
        as_noise({"calibrated": str(tmp_path / "none.json")})
    with pytest.raises(NoiseError, match="calibrated = 3 is not a processor's name"):
        as_noise({"calibrated": 3})
    with pytest.raises(NoiseError, match="let it end in .toml or .json"):
        write_calibration(load_calibration("rainbow"), tmp_path / "x.txt")
    with pytest.raises(NoiseError, match="cannot be written"):
        write_calibration(load_calibration("rainbow"), tmp_path / "missing" / "x.toml")


def test_files_with_a_configuration_are_noise_too(tmp_path: Path) -> None:
    for suffix in ("toml", "json"):
        noise = NoiseConfiguration.from_mapping({"calibrated": LAB, "idle": 0.01})
        file = tmp_path / f"noise.{suffix}"
        file.write_text(noise.to_toml() if suffix == "toml" else noise.to_json())
        assert as_noise(str(file)).configuration == noise
        write_calibration(calibration_from_mapping(LAB), file)
        assert as_noise(str(file)).configuration == NoiseConfiguration.from_mapping(
            {"calibrated": LAB}
        )
    file.write_text("{")
    with pytest.raises(NoiseError, match="is not valid JSON"):
        as_noise(str(file))


def test_a_device_of_ones_own_gives_its_noise(tmp_path: Path) -> None:
    device = tmp_path / "lab.toml"
    device.write_text(
        '[device]\ndiagram = """\no-o-o\n| | |\no-o-o\n"""\ngates = ["cz"]\n'
        "[device.errors]\ntwo_qubit = 0.01\nreadout = 0.02\n"
    )
    calibration = load_device(str(device)).calibration
    assert calibration is not None
    write_calibration(calibration, tmp_path / "errors.json")
    noise = as_noise(str(tmp_path / "errors.json"))
    assert noise.readout(cirq.GridQubit(1, 2)) == (0.02, 0.02)
    assert noise.configuration == NoiseConfiguration(calibrated=calibration)


def test_a_sweep_knows_the_content_of_the_file_and_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "today.toml"
    write_calibration(load_calibration("willow_pink"), file)
    document = {
        "study": {"name": "noise", "images": 1, "shots": 100},
        "convolution": {"stride": 9},
        "noise": {"calibrated": str(file)},
        "axes": {"noise.scale": [0.5, 1.0]},
    }
    kind = sweep_kind("noise")
    plan = make_plan(kind, document)
    run_sweep(kind, document, tmp_path / "out", RunOptions(), quiet=True)
    (copy,) = (tmp_path / "out" / "inputs").iterdir()
    assert copy.name.endswith("-today.toml") and copy.read_bytes() == file.read_bytes()
    file.write_text(file.read_text().replace("one_qubit = 25.0", "one_qubit = 26.0"))
    assert make_plan(kind, document).digest != plan.digest
    with pytest.raises(InputError, match="holds results of another sweep"):
        run_sweep(kind, document, tmp_path / "out", RunOptions(), quiet=True)
    document["noise"] = {"calibrated": str(copy)}
    assert make_plan(kind, document).digest == plan.digest
