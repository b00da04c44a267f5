"""Processes of a sweep that are killed, kill themselves, or lose the process that started them."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import here_and_now, run_points, sweep_in_process, wait_until

from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from studies import load
from studies.sweep.catalogue import study_named
from studies.sweep.chunks import MeasuredPoint
from studies.sweep.plan import Plan, make_plan
from studies.sweep.processes import LocalWorkers, local_workers
from studies.sweep.results import export, status
from studies.sweep.run import Stop
from studies.sweep.store import open_folder
from studies.sweep.template import _receive
from studies.sweep.workers import Report, Task, run_chunk

DOCUMENT: dict[str, Any] = {
    "study": {"name": "noise", "images": 1, "shots": 100, "device": "grid:3x3"},
    "convolution": {
        "kernel": [2, 2],
        "stride": 3,
        "filters": {"kind": "fixed", "values": [[0.1, -0.4], [0.3, 0.9]]},
    },
    "noise": {"depolarizing": {"p1": 0.01, "p2": 0.03}},
    "axes": {"repeat": list(range(24))},
}
NOISE = study_named("noise")
_PATCH = """
import dataclasses, functools, os, signal, studies.noise.study as module
usual = module.STUDY.measure
# As code of the package: workers with a study of other code would measure nothing.
@functools.wraps(usual)
def measure(settings, seed, *earlier):
    {body}
    return usual(settings, seed, *earlier)
module.STUDY = dataclasses.replace(module.STUDY, measure=measure)
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(NOISE, DOCUMENT)


@pytest.fixture(scope="module")
def expected(plan: Plan) -> list[MeasuredPoint]:
    return run_chunk("noise", [Task(point.identity, point.document) for point in plan.points])


@pytest.fixture
def in_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has workers run some code before they measure a point."""

    def patch(body: str) -> None:
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "sitecustomize.py").write_text(_PATCH.format(body=body))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)

    return patch


class Killed(LocalWorkers):
    """Kills one of its processes at chosen moments."""

    def __init__(self, count: int, when: Callable[[Killed], int | None]) -> None:
        super().__init__(count, "noise")
        self.when = when
        self.kills = 0
        self.chunks = 0

    def kill(self) -> None:
        victim = self.when(self)
        if victim is not None:
            # It may have ended since it was given its chunk.
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                self.kills += 1

    def hand_out(self, study: str, tasks: Any) -> None:
        super().hand_out(study, tasks)
        self.chunks += 1
        self.kill()

    def reports(self) -> Iterator[Report]:
        yield from super().reports()
        if not self.chunks:
            self.kill()


def every_third(workers: Killed) -> int | None:
    """The worker of every third chunk is killed as it is handed out."""
    own = [each.pid for each in workers._workers if each._identities]
    return own[-1] if own and workers.chunks % 3 == 1 else None


def all_of_them(workers: Killed) -> int | None:
    """The template dies while it imports, then all workers, then the template again."""
    if workers.kills in (0, 5):
        return workers._templates[0]._process.pid
    own = [each.pid for each in workers._workers if each._identities]
    return own[-1] if own and workers.kills < 6 else None


@pytest.mark.parametrize("when", [every_third, all_of_them])
def test_whoever_is_killed_all_points_are_measured_and_are_the_same(
    when: Any, plan: Plan, expected: list[MeasuredPoint], tmp_path: Path
) -> None:
    open_folder(tmp_path, plan)
    with contextlib.closing(Killed(4, when)) as workers:
        failures = run_points(plan, plan.points, tmp_path, workers, {}, lambda count: None, Stop())
    assert failures == []
    assert workers.kills >= 4
    assert load(tmp_path)["rmse"].tolist() == [outcome.rows[0]["rmse"] for outcome in expected]


def test_points_that_end_their_workers_fail_alone(
    plan: Plan, in_workers: Callable[[str], None], tmp_path: Path
) -> None:
    in_workers(
        "{3: lambda: os._exit(0), 5: lambda: os._exit(3), 6: lambda: exit(1),"
        " 7: lambda: os.kill(os.getpid(), signal.SIGSEGV)}.get(settings.repeat, int)()"
    )
    open_folder(tmp_path, plan)
    with local_workers(2, "noise") as workers:
        failures = run_points(
            plan, plan.points[:9], tmp_path, workers, {}, lambda count: None, Stop()
        )
    deadly = {plan.points[repeat].identity for repeat in (3, 5, 6, 7)}
    assert {failure.identity for failure in failures} == deadly
    # To leave by exit() is an error like any other.
    left = plan.points[6].identity
    for failure in failures:
        assert ("SystemExit: 1" if failure.identity == left else "died") in str(failure.error)
    assert (status(tmp_path).done, len(status(tmp_path).failed)) == (5, 4)


def test_workers_hear_neither_ctrl_c_nor_sigterm_nor_sighup_and_end_at_once(
    plan: Plan, in_workers: Callable[[str], None]
) -> None:
    in_workers(
        "[os.kill(os.getpid(), each) for each in (2, 15, 1)];"
        " import time; from qucnn_cirq.advance import circuits_run;"
        " [(circuits_run(50), time.sleep(0.3)) for _ in range(4)]"
    )
    with local_workers(1, "noise") as workers:
        tasks = [Task(point.identity, point.document) for point in plan.points[:2]]
        while not workers.free:
            assert list(workers.reports()) == []
        workers.hand_out("noise", tasks)
        reports: list[Report] = []
        run: dict[str, int] = {}
        while not reports:
            reports += workers.reports()
            run |= workers.circuits
        # Of each point by itself, those of the last second perhaps left out.
        assert all(100 <= run[task.identity] < 300 for task in tasks)
        assert isinstance(workers, LocalWorkers)
        pids = [each.pid for each in workers._workers]
        pids.append(workers._templates[0]._process.pid)
    assert [(report.died, len(report.outcomes)) for report in reports] == [(False, 2)]
    assert all(outcome.error is None for outcome in reports[0].outcomes)
    for pid in pids:
        assert pid is not None
        _wait_until_gone(pid)


def test_a_worker_whose_child_holds_its_pipe_open_is_noticed_when_it_ends(
    plan: Plan,
    in_workers: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Waited for, the child would measure the point, and it would not have failed."""
    monkeypatch.setattr("studies.sweep.run._MOST_DEATHS", 1)
    in_workers(
        "settings.repeat == 1 and (os.fork() or __import__('time').sleep(20)) and os._exit(3)"
    )
    open_folder(tmp_path, plan)
    with local_workers(1, "noise") as workers:
        failures = run_points(
            plan, plan.points[:3], tmp_path, workers, {}, lambda count: None, Stop()
        )
    assert [failure.identity for failure in failures] == [plan.points[1].identity]


@pytest.mark.parametrize(
    ("end", "code", "starts"),
    [("raise SystemExit(7)", 7, 3), ("import os; os.kill(os.getpid(), 9)", -9, 25)],
)
def test_processes_that_cannot_start_are_given_up_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str, code: int, starts: int
) -> None:
    log = tmp_path / "starts"
    program = f"open({str(log)!r}, 'a').write('x'); {end}"
    monkeypatch.setattr("studies.sweep.processes._PROGRAM", program)
    workers = LocalWorkers(1, "noise")
    try:
        with pytest.raises(InputError, match=rf"end while they start \(exit code {code}\)"):
            while True:
                list(workers.reports())
    finally:
        workers.close()
    assert len(log.read_text()) == starts


@pytest.mark.parametrize("error", [EOFError, ConnectionResetError])
def test_a_worker_ends_whatever_became_of_the_pipe(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pipe:
        def recv(self) -> None:
            raise error

    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    _receive(Pipe(), queue.SimpleQueue())  # type: ignore[arg-type]
    assert codes == [1]


def test_killed_interrupted_and_resumed_it_gives_the_same_bytes(
    tmp_path: Path,
    in_workers: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    document = {**DOCUMENT, "axes": {"noise.scale": [0.5, 2.0], "repeat": list(range(8))}}
    folder, usual = tmp_path / "killed", tmp_path / "usual"
    configuration, pids = tmp_path / "sweep.toml", tmp_path / "pids"
    configuration.write_text(make_plan(NOISE, document).to_toml())
    sweep = ["study", str(configuration), "--out", str(folder), "--quiet", "--workers"]

    in_workers(
        f"settings.repeat > 1 and (open({str(pids)!r}, 'a').write('x'),"
        " __import__('time').sleep(1000))"
    )
    process = subprocess.Popen([sys.executable, "-m", "qucnn_cirq", *sweep, "2"])
    wait_until(lambda: pids.exists() and len(pids.read_text()) == 2, process)
    below = [pid for child in _children(process.pid) for pid in [child, *_children(child)]]
    assert len(below) == 3
    process.kill()
    process.wait()
    # Workers do not outlive the process that started them, even in the middle of a point.
    for pid in below:
        _wait_until_gone(pid)
    before = status(folder).done
    assert 0 < before < 16

    # Interrupted while most points are left, and by a signal to the main thread of this process.
    slow = _PATCH.format(body="__import__('time').sleep(0.3)")
    (tmp_path / "site" / "sitecustomize.py").write_text(slow)

    def interrupt() -> None:
        wait_until(lambda: status(folder).done > before)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    capfd.readouterr()
    # Should it ever come after the end, it must not end the tests.
    earlier = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        assert main([*sweep, "1"]) == 130
        thread.join()
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert "Traceback" not in capfd.readouterr().err
    assert not list(folder.glob("chunks/.*"))
    assert before < status(folder).done < 16

    monkeypatch.setattr("studies.sweep.job.local_workers", here_and_now)
    monkeypatch.setattr("studies.drawing.FORMATS", ("png", "svg", "pdf"))
    assert main([*sweep, "1"]) == 0
    sweep_in_process(NOISE, document, usual)
    texts = []
    for path in (folder, usual):
        export(path, path / "table.csv")
        texts.append(pd.read_csv(path / "table.csv", dtype=str).drop(columns="seconds").to_csv())
    assert texts[0] == texts[1]
    for suffix in ("png", "svg", "pdf", "csv"):
        assert (folder / f"error_against_noise_scale.{suffix}").stat().st_size > 100


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_until_gone(pid: int) -> None:
    while True:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.02)
