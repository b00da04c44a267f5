"""The command line: what it prints, what it writes and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import cirq
import numpy as np
import pytest
from helpers import here_and_now

from noise_models import NoiseError
from qucnn_cirq.cli import main
from qucnn_cirq.devices import device_names
from qucnn_cirq.errors import InputError
from qucnn_cirq.exchange.reading import read_circuit
from qucnn_cirq.validation import validate

METRICS = {
    "two_qubit_gates": int,
    "two_qubit_depth": int,
    "moments": int,
    "one_qubit_gates": int,
    "qubits": int,
    "device": str,
    "gateset": str,
    "overlap": str,
    "valid": bool,
    "compile_seconds": float,
}
SMALL = """
[study]
name = "forward"
images = 1
shots = 200
device = "grid:4x4"

[convolution]
kernel = [2, 2]
stride = 3
filters = { kind = "fixed", values = [[1.0, -0.5], [0.25, 2.0]] }
"""


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.sweep.job.local_workers", here_and_now)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which bad input is refused."""
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("qucnn: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


# study


def test_a_study_prints_a_table_and_fills_its_folder(config, tmp_path, capsys):
    out = tmp_path / "results"
    assert main(["study", str(config), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for words in ("images, filters", "predicted", "ideal  qsim", str(out)):
        assert words in captured.out
    assert (out / "summary.json").exists()


def test_json_is_the_summary_wherever_the_option_stands(config, tmp_path, capsys):
    out = tmp_path / "out"
    for order in (["--json", "study"], ["study", "--json"]):
        assert main([*order, str(config), "--out", str(out), "--set", "noise=depolarizing"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed == json.loads((out / "summary.json").read_text())


def test_seed_and_quiet_act_before_and_after_the_verb(config, tmp_path, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr("studies.sweep.job.open_folder", lambda folder, plan: seen.append(plan))
    monkeypatch.setattr("studies.sweep.job.read_results", lambda *_: 1 / 0)
    for order in (["--seed", "5", "--quiet", "study"], ["study", "--seed", "5", "--quiet"]):
        rest = [str(config), "--out", str(tmp_path / "r"), "--set", "noise=depolarizing"]
        assert main([*order, *rest]) == 70
        assert capsys.readouterr().err.startswith("qucnn: internal error: ZeroDivisionError")
    assert [plan.points[0].settings.seed for plan in seen] == [5, 5]


def test_bad_settings_are_refused_in_one_line(config, tmp_path, capsys):
    for setting, words in {
        "shoots=3": "Did you mean 'shots'",
        "convolution.stride=-1": "stride = -1",
        "convolution.kernel=[40, 40]": "filter",
        "noise.depolarizing.p2=1.5": "depolarizing.p2 = 1.5",
        "noise.readout.p01=-0.1": "readout.p01 = -0.1",
        "device=willow_pnk": "Did you mean 'willow_pink'",
        "engine=exat": "Did you mean 'exact'",
        "split=trian": "Did you mean 'train'",
        "images=3000": "2000",
    }.items():
        line = refusal(capsys, "study", config, "--out", tmp_path / "r", "--set", setting)
        assert words in line
    assert not (tmp_path / "r").exists()


def test_a_kernel_larger_than_the_image_is_refused(tmp_path, config, capsys):
    line = refusal(
        capsys, "study", config, "--out", tmp_path / "r",
        "--set", "convolution.filters={kind='ansatz'}", "--set", "convolution.kernel=[40, 40]",
    )  # fmt: skip
    assert "kernel 40x40 is larger than the image 28x28" in line


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.ones((6, 6)), "shape (6, 6)"),
        (np.full((1, 6, 6), np.nan), "nan in image 0"),
        (np.ones((1, 3, 6, 6)), "channel"),
        (np.array([["a"]]), "shape (1, 1)"),
        (np.array([[["a"]]]), "real numbers"),
        (np.zeros((1, 6, 6)), "all zero"),
        (np.zeros((0, 6, 6)), "at most 0"),
    ],
)
def test_images_that_cannot_be_used_are_refused(images, words, config, tmp_path, capsys):
    np.savez(tmp_path / "images.npz", images=images)
    setting = f"data={tmp_path / 'images.npz'}"
    assert words in refusal(capsys, "study", config, "--out", tmp_path / "r", "--set", setting)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[study]\nname = 'forward'\nshoots = 3\n", "Did you mean 'shots'"),
        ("[study]\nname = 'foward'\n", "Did you mean 'forward'"),
        ("[studi]\nname = 'forward'\n", "Did you mean 'study'"),
        ("[study]\nshots = 3\n", "name"),
        ("study = 3\n", "write a table [study]"),
        ("[study]\nname = 'forward'\n[convolution]\nkernl = 3\n", "Did you mean 'kernel'"),
        ("convolution = 3\n[study]\nname = 'forward'\n", "table"),
        ("[study]\nname = 'forward'\n[noise]\np2 = 3\n", "p2"),
        ("[study\n", "not valid TOML"),
        ("[study]\nname = 'forward'\ndata = '/no/such/folder'\n", "/no/such/folder"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(text, words, tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    assert words in refusal(capsys, "study", path, "--out", tmp_path / "r")


def test_a_missing_configuration_is_refused(tmp_path, capsys):
    missing = tmp_path / "none.toml"
    assert "none.toml" in refusal(capsys, "study", missing, "--out", tmp_path / "r")
    assert "'forward'" in refusal(capsys, "study", "froward", "--out", tmp_path / "r")


def test_a_folder_that_cannot_be_written_is_refused_before_computing(
    config, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("studies.sweep.job.stored_points", lambda *_: pytest.fail("computed"))
    for out in (config, config / "below", Path("/proc/nothing")):
        assert f"--out {out}" in refusal(capsys, "study", config, "--out", out)


def test_a_fault_of_the_program_is_not_passed_off_as_bad_input(
    config, tmp_path, capsys, monkeypatch
):
    def broken(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("studies.sweep.job.stored_points", broken)
    arguments = ["study", str(config), "--out", str(tmp_path / "r")]
    assert main(arguments) == 70
    told = "qucnn: internal error: ValueError: a bug; please report it"
    assert capsys.readouterr().err == f"{told}, with --traceback\n"
    for order in (["--traceback", *arguments], [*arguments, "--traceback"]):
        assert main(order) == 70
        shown = capsys.readouterr().err
        assert shown.startswith("Traceback") and "in broken" in shown
        assert shown.endswith(f"\nValueError: a bug\n{told}\n")


# compile and validate


def test_a_compiled_circuit_is_valid_and_costs_what_its_metrics_say(config, tmp_path, capsys):
    circuit_file, metrics_file = tmp_path / "circuit.json", tmp_path / "metrics.json"
    arguments = ["compile", str(config), "--device", "sycamore", "--out", str(circuit_file)]
    assert main([*arguments, "--metrics", str(metrics_file)]) == 0
    metrics = json.loads(metrics_file.read_text())
    assert {key: type(value) for key, value in metrics.items()} == METRICS
    circuit = cirq.read_json(circuit_file)
    unitary = [op for op in circuit.all_operations() if not cirq.is_measurement(op)]
    assert metrics["two_qubit_gates"] == sum(len(op.qubits) == 2 for op in unitary)
    assert metrics["one_qubit_gates"] == sum(len(op.qubits) == 1 for op in unitary)
    assert metrics["moments"] == len(circuit)
    assert metrics["qubits"] == len(circuit.all_qubits())
    assert metrics["valid"]
    assert validate(circuit, "sycamore") == []
    capsys.readouterr()
    assert main(["validate", str(circuit_file), "--device", "sycamore"]) == 0
    assert "valid on sycamore" in capsys.readouterr().out


def test_every_violation_is_listed_with_exit_code_1(tmp_path, capsys):
    a, b, c = cirq.GridQubit(4, 4), cirq.GridQubit(4, 5), cirq.GridQubit(0, 0)
    circuit = cirq.Circuit(cirq.CNOT(a, b), cirq.X(c), cirq.measure(a))
    path = tmp_path / "circuit.json"
    cirq.to_json(circuit, path)
    found = validate(circuit, "sycamore")
    assert len(found) >= 2
    assert main(["validate", str(path), "--device", "sycamore"]) == 1
    printed = capsys.readouterr().out
    assert all(str(violation) in printed for violation in found)
    assert main(["validate", str(path), "--device", "sycamore", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["valid"]
    assert len(report["violations"]) == len(found)


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"cirq_type": "nothing"}', "\0\xff"])
def test_what_is_no_circuit_is_unreadable(content, tmp_path, capsys):
    path = tmp_path / "circuit.json"
    path.write_bytes(content.encode("latin-1"))
    assert f"{tmp_path.name}/circuit.json" in refusal(
        capsys, "validate", path, "--device", "sycamore"
    )


def test_a_missing_circuit_or_device_is_refused(tmp_path, capsys):
    path = tmp_path / "circuit.json"
    assert str(path) in refusal(capsys, "validate", path, "--device", "sycamore")
    assert "'sycamore'" in refusal(capsys, "validate", path, "--device", "sicamore")


def test_the_patch_decides_the_angles_and_the_seed_the_patch(config, tmp_path):
    def compiled(*extra: str) -> str:
        out = tmp_path / "out.json"
        arguments = ["--quiet", "compile", str(config), "--device", "grid:4x4", "--out", str(out)]
        assert main([*arguments, *extra]) == 0
        return out.read_text()

    np.save(tmp_path / "patch.npy", [[1.0, 2.0], [3.0, 4.0]])
    given = compiled("--patch", str(tmp_path / "patch.npy"))
    assert compiled() == compiled("--seed", "0")
    assert len({compiled(), compiled("--seed", "1"), given}) == 3


def test_the_compiler_does_what_its_options_say(tmp_path):
    config = tmp_path / "kernel.toml"
    kernel = np.random.default_rng(3).normal(size=(4, 4)).tolist()
    config.write_text(f"[convolution]\nfilters = {{kind = 'fixed', values = {kernel}}}\n")
    out, metrics = tmp_path / "circuit.json", tmp_path / "metrics.json"
    # Nearly a product.
    corner = np.eye(16)[0] + 2e-3 * np.random.default_rng(4).normal(size=16)
    np.save(tmp_path / "corner.npy", corner.reshape(4, 4))
    costs = {}
    for options in (
        "",
        "--layout plaquettes",
        "--walkers 2",
        "--gate-set sqrt_iswap",
        "--infidelity 1e-3",
        "--infidelity auto --noise depolarizing",
        "--dynamical-decoupling XX",
    ):
        arguments = ["--quiet", "compile", str(config), "--device", "rainbow", "--out", str(out)]
        arguments += ["--metrics", str(metrics), "--patch", str(tmp_path / "corner.npy")]
        assert main([*arguments, *options.split()]) == 0
        found = json.loads(metrics.read_text())
        costs[options] = found["two_qubit_gates"], found["two_qubit_depth"], found["gateset"]
    assert costs["--layout plaquettes"][:2] > costs[""][:2]
    assert costs["--walkers 2"][1] < costs[""][1]
    assert costs["--gate-set sqrt_iswap"][2] == "sqrt_iswap" != costs[""][2]
    assert costs["--dynamical-decoupling XX"] == costs[""]
    for shorter in ("--infidelity 1e-3", "--infidelity auto --noise depolarizing"):
        assert costs[shorter][0] == costs[""][0] - 4


FORMATS = ("json", "qasm", "qasm3", "pb", "txt")


@pytest.mark.parametrize(
    ("options", "suffix"),
    [
        *(("--device sycamore", suffix) for suffix in FORMATS),
        *(("--device weber --gate-set syc", suffix) for suffix in FORMATS),
        *(("--device rainbow --gate-set sqrt_iswap", suffix) for suffix in ("qasm", "pb")),
        *(("--device grid:5x5", suffix) for suffix in ("qasm3", "txt")),
        *(
            ("--device willow_pink --dynamical-decoupling XX", suffix)
            for suffix in ("json", "qasm", "pb")
        ),
    ],
)
def test_what_is_written_is_what_was_validated(config, tmp_path, capsys, options, suffix):
    out = tmp_path / f"circuit.{suffix}"
    whole = tmp_path / "whole.json"
    arguments = ["--quiet", "compile", str(config), *options.split(), "--out"]
    assert main([*arguments, str(whole)]) == 0
    code = main([*arguments, str(out)])
    if code == 2:
        (line,) = capsys.readouterr().err.splitlines()
        assert ".json" in line and len(line) <= 200 + len(str(out))
        assert suffix.startswith("qasm") and not out.exists()
        return
    assert code == 0
    device = options.split()[1]
    native = [read_circuit(path) for path in (whole, out)]
    assert validate(native[1], device) == []
    gates = [
        [(op.qubits, op.gate) for op in circuit.all_operations() if len(op.qubits) == 2]
        for circuit in native
    ]
    assert sorted(map(repr, gates[0])) == sorted(map(repr, gates[1]))
    if suffix.startswith("qasm"):
        assert "cz" in out.read_text() and "cx" not in out.read_text()


def test_a_circuit_can_be_kept_to_some_qubits(config, tmp_path, capsys):
    out = tmp_path / "circuit.json"
    arguments = ["--quiet", "compile", str(config), "--device", "grid:5x5", "--out", str(out)]
    qubits = cirq.GridQubit.rect(2, 3, top=3, left=1)
    text = ",".join(f"{qubit.row}_{qubit.col}" for qubit in qubits)
    assert main([*arguments, "--qubits", text]) == 0
    assert cirq.read_json(out).all_qubits() <= set(qubits)
    assert "'3-1'" in refusal(capsys, *arguments[1:], "--qubits", "3-1")


def test_what_was_proved_is_printed_on_request(config, tmp_path, capsys):
    arguments = ["compile", str(config), "--device", "sycamore", "--out", str(tmp_path / "c.json")]
    assert main([*arguments, "--prove"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("proof")
    assert "for all angles" in last
    assert main(["--json", *arguments, "--prove"]) == 0
    assert json.loads(capsys.readouterr().out)["proof"]["bound"] < 1e-10


def test_what_each_pass_changed_is_printed_on_request(config, tmp_path, capsys):
    arguments = ["compile", str(config), "--device", "sycamore", "--out", str(tmp_path / "c.json")]
    assert main([*arguments, "--passes"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last.split()[0] == "schedule"
    assert main(["--json", *arguments, "--passes"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["passes"][0]["name"] == "logical circuit"
    assert printed["passes"][-1]["two_qubit_gates"] == printed["two_qubit_gates"]
    assert str(printed["moments"]) in last.split()
    assert main(arguments) == 0
    assert "schedule" not in capsys.readouterr().out


def test_what_cannot_be_compiled_is_refused(config, tmp_path, capsys):
    out = tmp_path / "out.json"
    compiling = ("compile", config, "--out", out, "--device")
    np.save(tmp_path / "large.npy", np.ones((3, 3)))
    np.save(tmp_path / "blank.npy", np.zeros((2, 2)))
    no_table = tmp_path / "no_table.toml"
    no_table.write_text("[noise]\n")
    assert "Did you mean" in refusal(capsys, *compiling, "sycamor")
    assert "qubits" in refusal(capsys, *compiling, "grid:1x2")
    assert "(3, 3)" in refusal(capsys, *compiling, "sycamore", "--patch", tmp_path / "large.npy")
    assert "all zero" in refusal(capsys, *compiling, "sycamore", "--patch", tmp_path / "blank.npy")
    assert "none.npy" in refusal(capsys, *compiling, "sycamore", "--patch", tmp_path / "none.npy")
    assert "NumPy" in refusal(capsys, *compiling, "sycamore", "--patch", config)
    assert "seed = -1" in refusal(capsys, *compiling, "sycamore", "--seed", "-1")
    line = refusal(capsys, "compile", no_table, "--out", out, "--device", "sycamore")
    assert "[convolution]" in line
    assert not out.exists()
    line = refusal(capsys, "compile", config, "--device", "grid:4x4", "--out", config / "below")
    assert "below" in line


# devices, noise, and the program itself


def test_devices_are_listed(capsys):
    assert main(["devices"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in device_names())
    assert main(["devices", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(device_names())


def test_noise_is_listed_with_configurations_that_can_be_used(capsys):
    from noise_models import as_noise, noise_names

    assert main(["noise"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in noise_names())
    assert main(["noise", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    named, kinds = rows[: len(noise_names())], rows[len(noise_names()) :]
    assert [row["name"] for row in named] == list(noise_names())
    assert all(as_noise(row["noise"]) == as_noise(row["name"]) for row in named)
    assert {"[noise.crosstalk]", "[noise.preparation]"} <= {row["name"] for row in kinds}


@pytest.mark.parametrize("arguments", [[], ["studi"], ["status"], ["validate"], ["--seed", "x"]])
def test_arguments_that_cannot_be_parsed_have_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "qucnn" in capsys.readouterr().err


def test_an_interrupt_has_exit_code_130(capsys, monkeypatch):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qucnn_cirq.devices.describe_devices", interrupt)
    assert main(["devices"]) == 130
    assert capsys.readouterr().err == "qucnn: interrupted\n"


@pytest.mark.parametrize(
    ("asked", "taken", "hinted"), [("ancilla", "ancilla", True), ("auto", "inversion", False)]
)
def test_the_overlap_test_is_named_a_better_one_hinted_and_a_hopeless_circuit_warned_of(
    asked, taken, hinted, config, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "qucnn_cirq.compiler.compiled_filter.HOPELESS_ERROR", 0.01 if hinted else 0.9
    )
    text = config.read_text().replace("stride = 3", f'stride = 3\noverlap = "{asked}"')
    config.write_text(text)
    files = ("--out", str(tmp_path / "c.json"), "--metrics", str(tmp_path / "m.json"))
    assert main(["compile", str(config), "--device", "grid:4x4", *files]) == 0
    said = capsys.readouterr().err
    assert json.loads((tmp_path / "m.json").read_text())["overlap"] == taken
    assert ("convolution.overlap = 'inversion' has the predicted error" in said) == hinted
    assert ("warning: the predicted error of the circuit is 0." in said) == hinted
    assert main(["study", str(config), "--out", str(tmp_path / "r")]) == 0
    captured = capsys.readouterr()
    assert f"overlap test     {taken}\n" in captured.out
    assert ("convolution.overlap = 'inversion'" in captured.out) == hinted
    assert ("warning: the predicted error of the circuit is 0." in captured.out) == hinted


def test_long_paths_are_shortened_before_reasons_are():
    folders = "/".join(["/srv"] + ["a_folder_with_a_long_name"] * 6)
    reason = "the third value of the second row is no number: give numbers within 0..1."
    assert str(InputError(f"{folders}/table.csv: {reason}")) == (
        f"…/a_folder_with_a_long_name/table.csv: {reason}"
    )
    short = f"/srv/data/table.csv: {reason}"
    assert str(InputError(short)) == str(NoiseError(short)) == short
    words = " ".join(f"word{number}" for number in range(100))
    cut = str(InputError(words))
    assert len(cut) <= 200
    first, last = cut.split(" ... ")
    # Whole words are kept, from both ends.
    assert words.startswith(f"{first} ") and words.endswith(f" {last}")
