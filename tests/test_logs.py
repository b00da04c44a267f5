"""What is logged, at which level, from which process; and on the terminal with ``--verbose``."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import studies
from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.cli import main
from qucnn_cirq.commands.parser import VERBS
from qucnn_cirq.heads import BinaryClassifier
from qucnn_cirq.logs import PACKAGES, hand_on, levels, receive

SPEC = ConvolutionSpec(kernel=(1, 3), filters=[XZAnsatz(2)], overlap="auto")
RUN = {"images": 1, "repeat": 0, "shots": 10, "convolution.overlap": "inversion"}


def messages(caplog: pytest.LogCaptureFixture, module: str, level: str) -> list[str]:
    return [
        each.getMessage()
        for each in caplog.records
        if each.name == module and each.levelname == level
    ]


def test_each_package_has_a_logger_that_writes_nothing() -> None:
    program = (
        "import logging, qucnn_cirq, noise_models, studies\n"
        f"for name in {PACKAGES}:\n"
        "    logging.getLogger(name + '.module').warning('nobody asked')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_compiler_tells_what_it_weighed_and_what_it_had(
    caplog: pytest.LogCaptureFixture,
) -> None:
    module = "qucnn_cirq.compiler.compilation"
    candidates = "qucnn_cirq.compiler.filter_compilation"
    with caplog.at_level("DEBUG", "qucnn_cirq"):
        program = compile_convolution(SPEC, "grid:4x5")
        first = messages(caplog, module, "DEBUG")
        weighed = messages(caplog, candidates, "DEBUG")
        caplog.clear()
        again = compile_convolution(SPEC, "grid:4x5")
    assert again is program
    error = f"{program.report.predicted_error:.4f}"
    assert any(f"{program.report.layout} layout" in each and error in each for each in weighed)
    assert any(f"overlap test {program.spec.overlap} is taken" in each for each in first)
    assert any("from memory" in each for each in messages(caplog, module, "DEBUG"))
    assert messages(caplog, module, "INFO") == []


def test_engines_and_estimators_are_told_with_the_reason_and_the_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    layer = QuantumConvolution(
        compile_convolution(SPEC), noise="depolarizing", shots=10, mitigation="auto"
    )
    with caplog.at_level("DEBUG", "qucnn_cirq"):
        layer.forward(np.ones((1, 1, 5)))
        layer.backward(np.ones((1, 1, 1, 3)))
    assert messages(caplog, "qucnn_cirq.engines.auto", "DEBUG") == [f"engine {layer.engine.reason}"]
    assert layer.mitigation is not None
    (chosen,) = messages(caplog, "qucnn_cirq.estimators.auto", "DEBUG")
    assert chosen.startswith("estimator ") and chosen.partition(" ")[2] in layer.mitigation.reason
    forward, gradient = messages(caplog, "qucnn_cirq.layer", "DEBUG")
    assert re.fullmatch(r"forward: 1 images, 3 patches, .* engine auto, \d\.\d+ s", forward)
    assert gradient.startswith("gradient: method parameter_shift")


def test_epochs_are_told(caplog: pytest.LogCaptureFixture) -> None:
    features = np.random.default_rng(0).uniform(size=(10, 4))
    with caplog.at_level("INFO", "qucnn_cirq"):
        BinaryClassifier(epochs=2).fit(features, np.arange(10) % 2)
    told = messages(caplog, "qucnn_cirq.heads.binary", "INFO")
    assert (
        re.fullmatch(r"BinaryClassifier: 2 of 2 epochs, loss \d\.\d+", told[-1]) and len(told) == 2
    )


def test_code_and_files_of_the_users_own_are_named(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[depolarizing]\np2 = 0.01\n")
    with caplog.at_level("DEBUG", "noise_models"):
        QuantumConvolution(compile_convolution(SPEC), noise=str(file))
    assert messages(caplog, "noise_models.configuration", "DEBUG") == [f"{file} is a configuration"]


def test_workers_log_into_the_process_that_started_them(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    axes = {"noise.scale": [0.1, 1.0]}
    with caplog.at_level("INFO", "studies"), caplog.at_level("DEBUG", "qucnn_cirq"):
        studies.run("noise", tmp_path, axes, workers=2, settings=RUN)
    of_workers = {each.process for each in caplog.records} - {logging.os.getpid()}
    assert of_workers
    assert len(messages(caplog, "qucnn_cirq.layer", "DEBUG")) == 2
    stored = messages(caplog, "studies.sweep.run", "INFO")
    assert len(stored) == 2 and "(2 of 2) stored" in stored[1]
    assert messages(caplog, "studies.sweep.run", "DEBUG") == []


def test_a_module_set_apart_keeps_its_level_elsewhere() -> None:
    logger = logging.getLogger("studies.set_apart")
    logger.setLevel("DEBUG")
    try:
        found = levels()
        assert found["studies.set_apart"] == logging.DEBUG and set(PACKAGES) <= set(found)
    finally:
        logger.setLevel("NOTSET")
    assert "studies.set_apart" not in levels()


def test_records_are_handed_on_with_their_text_made(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[logging.LogRecord] = []
    logger = logging.getLogger("qucnn_cirq")
    before = logger.level, list(logger.handlers), logger.propagate
    try:
        hand_on({"qucnn_cirq": logging.INFO}, sent.append)
        logging.getLogger("qucnn_cirq.made").info("%d of %s", 1, object)
        logging.getLogger("qucnn_cirq.made").debug("not heard")
    finally:
        logger.setLevel(before[0])
        logger.handlers, logger.propagate = before[1:]
    (record,) = sent
    assert record.args is None and record.msg == f"1 of {object}"
    receive(record)
    assert caplog.messages == [f"1 of {object}"]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], set()),
        (["-v"], {"INFO"}),
        (["-v", "study", "-v"], {"INFO", "DEBUG"}),
        (["--verbose", "--verbose"], {"INFO", "DEBUG"}),
    ],
)
def test_verbose_writes_to_standard_error_and_changes_nothing_else(
    options: list[str], shown: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [f"--set={key}={value}" for key, value in RUN.items()]
    words = [*options, *([] if "study" in options else ["study"])]
    command = ["noise", "--out", str(tmp_path), "--set=noise.scale=1.0", *sets]
    assert main([*words, *command]) == 0
    output, errors = capsys.readouterr()
    assert output.startswith("1 of 1 points done")
    found = set(re.findall(r"^\d\d:\d\d:\d\d ([A-Z]+) (?:qucnn_cirq|studies)", errors, re.M))
    assert found == shown
    assert main(["study", *command, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_it(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    assert "-v, --verbose" in capsys.readouterr().out
