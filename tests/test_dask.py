"""A sweep on a Dask cluster: a real scheduler, real workers, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import SAFETY_NET, wait_until

from qucnn_cirq.cli import main
from studies import load
from studies.sweep.catalogue import study_named
from studies.sweep.plan import make_plan
from studies.sweep.results import status
from studies.sweep.workers import Task, run_chunk

pytest.importorskip("distributed")

Cluster = tuple[Path, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]
"""The scheduler's file, the scheduler and its workers."""

NOISE = study_named("noise")
DOCUMENT: dict[str, Any] = {
    "study": {"name": "noise", "images": 2, "shots": 100, "device": "grid:3x3"},
    "convolution": {
        "kernel": [2, 2],
        "filters": {"kind": "fixed", "values": [[0.1, -0.4], [0.3, 0.9]]},
    },
    "noise": {"depolarizing": {"p1": 0.01, "p2": 0.03}},
    "axes": {"noise.scale": [0.1 * step for step in range(20)], "repeat": [0, 1]},
}


def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + module, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    file = tmp_path / "scheduler.json"
    scheduler = start(
        "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
        "--scheduler-file", str(file),
    )  # fmt: skip
    options = ("--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--no-nanny")
    workers = [
        start("dask_worker", *options, "--local-directory", str(tmp_path / name))
        for name in ("one", "two")
    ]
    wait_until(file.exists, scheduler)
    started = tuple(workers)
    yield file, scheduler, workers
    for process in (*started, scheduler):
        process.send_signal(signal.SIGKILL)
        process.wait()


def sweep_while(
    killed: subprocess.Popen[bytes], cluster: Cluster, folder: Path, document: dict[str, Any]
) -> int:
    """The exit code of a sweep on the whole cluster, of which a process dies under way."""
    from distributed import Client

    file, _, workers = cluster
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(len(workers), timeout=SAFETY_NET)
    configuration = folder.with_suffix(".toml")
    configuration.write_text(make_plan(NOISE, document).to_toml())

    def kill() -> None:
        wait_until(lambda: list(folder.glob("chunks/*.json")))
        killed.kill()

    # Here, not in a process of its own, which would import everything once more.
    threading.Thread(target=kill, daemon=True).start()
    return main(["study", str(configuration), "--out", str(folder), "--dask", str(file)])


def test_a_worker_dies_and_nothing_is_lost_the_scheduler_dies_and_it_is_told(
    cluster: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, scheduler, workers = cluster
    folder = tmp_path / "results"
    assert sweep_while(workers[1], cluster, folder, DOCUMENT) == 0
    assert workers.pop().wait() == -signal.SIGKILL
    assert "Traceback" not in capfd.readouterr().err
    assert (status(folder).done, status(folder).missing) == (40, 0)

    # The same numbers as in this process.
    plan = make_plan(NOISE, DOCUMENT)
    outcomes = run_chunk("noise", [Task(point.identity, point.document) for point in plan.points])
    assert load(folder)["rmse"].tolist() == [outcome.rows[0]["rmse"] for outcome in outcomes]

    # Long enough that it is not done before the scheduler is gone.
    longer = {**DOCUMENT, "study": {**DOCUMENT["study"], "images": 200}}
    assert sweep_while(scheduler, cluster, tmp_path / "longer", longer) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert "the scheduler is gone" in line
    assert 0 < status(tmp_path / "longer").done < 40


def test_an_address_where_nobody_answers_is_refused(tmp_path: Path, capsys: Any) -> None:
    for address, words in (("nowhere.json", "existing scheduler file"), ("tcp://[", "")):
        sweep = ["study", "noise", "--set", "noise.scale=1.0", "--set", "repeat=0"]
        code = main([*sweep, "--out", str(tmp_path / "out"), "--dask", address])
        lines = capsys.readouterr().err.strip().splitlines()
        assert code == 2
        assert len(lines) == 1
        assert words in lines[0]
