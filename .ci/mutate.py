r"""Mutation testing: how many small faults of the code would the tests notice?

cosmic-ray makes the mutants, one at each of a random sample of places. Each is run in a process of
its own, in a copy of the tree, against the tests that reach its lines, fastest first, until one
fails. Needs ``pip install cosmic-ray pytest-cov`` beside the extra [test], and what one run of the
suite says of itself:

    export OUTCOMES=/tmp/outcomes.json COVERAGE_FILE=/tmp/coverage
    python -m pytest -p mutate --cov=qucnn_cirq --cov=noise_models --cov=studies --cov-branch \
        --cov-context=test --cov-report=          # with PYTHONPATH=.ci:.
    python .ci/mutate.py --seed 18 --sample 320 --out mutants.jsonl

After tests were added, the survivors alone, and against these tests as well:

    python .ci/mutate.py --again mutants.jsonl --also tests/test_new.py --out again.jsonl
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[1]
AREAS = (
    "noise_models/*.py",
    "qucnn_cirq/engines/*.py",
    "qucnn_cirq/gradient_methods.py",
    "qucnn_cirq/gradients.py",
    "studies/statistics.py",
    "studies/sweep/*.py",
)
BITWISE = {"BitXor", "BitAnd", "BitOr", "LShift", "RShift"}
GUARDS = {"frozen", "eq", "strict"}
"""Keywords that are for the programmer: no right program behaves otherwise with them turned."""
LONGEST_TESTS = 25.0
"""Seconds of tests a mutant is run against at most; one that needs more is counted as survivor."""
FIRST_TESTS = 6
"""Tests a mutant is run against first, before those of many more files are collected."""
LONG_IMPORTS = (
    *("cirq.contrib.noise_models", "cirq.contrib.qasm_import", "cirq_google", "qsimcirq"),
    *("matplotlib.pyplot", "pandas", "scipy.stats", "scipy.optimize", "opt_einsum", "networkx"),
    *("hypothesis", "_pytest.assertion.rewrite", "tqdm", "torch", "distributed", "pyarrow"),
)
_seen: dict[str, list[Any]] = {}


def pytest_runtest_logreport(report: Any) -> None:
    """As a plugin of pytest: notes how long each test took and what came of it."""
    entry = _seen.setdefault(report.nodeid, [0.0, "passed"])
    entry[0] += report.duration
    if report.outcome != "passed":
        entry[1] = report.outcome


def pytest_sessionfinish(session: Any) -> None:
    """Writes what was noted, in the process that heard of all tests."""
    if "PYTEST_XDIST_WORKER" not in os.environ and "OUTCOMES" in os.environ:
        Path(os.environ["OUTCOMES"]).write_text(json.dumps(_seen))


def without_effect(source: str) -> Iterator[tuple[int, int, int, int]]:
    """Spans that decide nothing when run: annotations, and keywords that guard programmers."""
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.keyword) and node.arg in GUARDS:
            parts.append(node.value)
        for part in parts:
            if isinstance(part, ast.expr):
                assert part.end_lineno is not None and part.end_col_offset is not None
                yield part.lineno, part.col_offset, part.end_lineno, part.end_col_offset


def places() -> dict[tuple[Any, ...], list[tuple[str, str, int, int, int]]]:
    """For each place in the code its mutants: file, operator, occurrence, first and last line."""
    import cosmic_ray.plugins as plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    found: dict[tuple[Any, ...], list[tuple[str, str, int, int, int]]] = {}
    for path in sorted(path for area in AREAS for path in TREE.glob(area)):
        file, source = str(path.relative_to(TREE)), path.read_text()
        skipped, nodes = list(without_effect(source)), list(ast_nodes(get_ast(source)))
        for name in plugins.operator_names():
            if plugins.get_operator(name).arguments() or "NoOp" in name or "Variable" in name:
                continue
            family, *words = name.split("/")[-1].split("_")
            # Arithmetic turned into bits is a TypeError, which any test notices.
            if len(words) == 2 and (words[0] in BITWISE) != (words[1] in BITWISE):
                continue
            operator, occurrence = plugins.get_operator(name)(), -1
            for node in nodes:
                for start, end in operator.mutation_positions(node):
                    occurrence += 1
                    inside = any(
                        (a, b) <= tuple(start) and tuple(end) <= (c, d) for a, b, c, d in skipped
                    )
                    if not inside:
                        mutant = (file, name, occurrence, start[0], end[0])
                        found.setdefault((file, start, end, family), []).append(mutant)
    return found


class Tests:
    """Which tests reach a line, and how long they take."""

    def __init__(self, coverage_file: str, outcomes: str) -> None:
        import coverage

        data = coverage.CoverageData(coverage_file)
        data.read()
        self._outcomes = json.loads(Path(outcomes).read_text())
        self._contexts = {
            str(Path(file).relative_to(TREE)): data.contexts_by_lineno(file)
            for file in data.measured_files()
            if Path(file).is_relative_to(TREE)
        }

    def reaching(self, file: str, first: int, last: int) -> tuple[list[str], float]:
        """Tests that passed and reach the lines, or if none does the file; and their seconds."""
        by_line = self._contexts.get(file, {})
        contexts = {each for line in range(first, last + 1) for each in by_line.get(line, ())}
        if not contexts - {""}:
            contexts = {each for line in by_line.values() for each in line}
        known = [each.split("|")[0] for each in contexts]
        passed = [each for each in known if self._outcomes.get(each, [0, "?"])[1] == "passed"]
        chosen, seconds = [], 0.0
        for each in sorted(passed, key=lambda name: (self._outcomes[name][0], name)):
            if chosen and seconds + self._outcomes[each][0] > LONGEST_TESTS:
                break
            chosen.append(each)
            seconds += self._outcomes[each][0]
        return chosen, seconds


def run_tests(tree: Path, tests: list[str], limit: float) -> int | None:
    """The exit code of pytest in a fork of this process; None if it took too long."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.chdir(tree)
        sys.path.insert(0, str(tree))
        os.environ["PYTHONPATH"] = str(tree)
        log = os.open(f"{tree}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        import pytest

        run = ["-q", "-x", "-p", "no:cacheprovider", "--tb=line"]
        for part in (tests[:FIRST_TESTS], tests[FIRST_TESTS:]):
            code = pytest.main([*run, *part]) if part else 0
            if code == pytest.ExitCode.USAGE_ERROR:
                # A test's name may hold a value that the mutant changes.
                code = pytest.main([*run, *sorted({each.split("::")[0] for each in part})])
            if code:
                break
        os._exit(int(code))
    ends = time.monotonic() + limit
    status = 0
    while time.monotonic() < ends:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    if time.monotonic() >= ends:
        os.waitpid(pid, 0)
        return None
    return os.waitstatus_to_exitcode(status)


def _found_again(entry: dict[str, Any]) -> tuple[str, str, int, int, int]:
    """A mutant whose file may have changed since: the one that makes the same of the same line."""
    import cosmic_ray.plugins as plugins
    from cosmic_ray.mutating import mutate_code

    file, name, occurrence, first, last = entry["mutant"]
    source = (TREE / file).read_text()
    for number in (occurrence, *range(1000)):
        mutated = mutate_code(source, plugins.get_operator(name)(), number)
        if mutated is not None and _changed(source, mutated) == [tuple(p) for p in entry["is"]]:
            return file, name, number, first, last
    # Its line is gone, and it is not run.
    return file, name, 10**6, first, last


def _changed(source: str, mutated: str) -> list[tuple[str, str]]:
    """The first line that differs, before and after."""
    lines = zip(source.splitlines(), mutated.splitlines(), strict=False)
    return [pair for pair in lines if pair[0] != pair[1]][:1]


def main() -> None:
    """Runs a sample and says which mutants survived."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--sample", type=int, default=320)
    parser.add_argument("--share", default="1/1", help="i/n: only each n-th mutant of the sample")
    parser.add_argument("--out", required=True, help="a line of JSON for each mutant")
    parser.add_argument("--again", help="the survivors in this file, in place of a sample")
    parser.add_argument("--also", nargs="*", default=[], help="tests to run beside those known")
    options = parser.parse_args()
    tests = Tests(os.environ["COVERAGE_FILE"], os.environ["OUTCOMES"])
    import cosmic_ray.plugins as plugins
    from cosmic_ray.mutating import mutate_code

    if options.again:
        entries = [json.loads(line) for line in Path(options.again).read_text().splitlines()]
        sample = [_found_again(entry) for entry in entries if entry["code"] == 0]
    else:
        found = places()
        generator = random.Random(options.seed)
        keys = generator.sample(sorted(found), min(options.sample, len(found)))
        sample = [generator.choice(found[key]) for key in keys]
        print(f"{len(found)} places, {len(sample)} of them, seed {options.seed}", flush=True)
    number, count = map(int, options.share.split("/"))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # What takes long to import and is not what is tested; forks have it.
    for module in LONG_IMPORTS:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    killed = ran = 0
    with tempfile.TemporaryDirectory() as folder, open(options.out, "a") as out:
        tree = Path(folder, "tree")
        ignored = shutil.ignore_patterns(".git", ".venv", "build", ".*_cache", ".hypothesis")
        shutil.copytree(TREE, tree, ignore=ignored)
        # An earlier time each, so that no compiled file is taken for that of a mutant.
        stamp = int(time.time()) - 10_000_000
        # What another run has done is not done again.
        done = len(Path(options.out).read_text().splitlines())
        own = sample[number - 1 :: count][done:]
        if own and run_tests(tree, tests.reaching(own[0][0], own[0][3], own[0][4])[0], 600.0) != 0:
            sys.exit(f"the tests fail without a mutant: see {tree}.log")
        for file, name, occurrence, first, last in own:
            source = (TREE / file).read_text()
            mutated = mutate_code(source, plugins.get_operator(name)(), occurrence)
            chosen, seconds = tests.reaching(file, first, last)
            code: int | None = 0
            if chosen and mutated is not None:
                for text in (mutated, source):
                    stamp += 7
                    (tree / file).write_text(text)
                    os.utime(tree / file, (stamp, stamp))
                    if text is mutated:
                        code = run_tests(tree, [*options.also, *chosen], 60 + 6 * seconds)
            ran += 1
            killed += code != 0
            changed = _changed(source, mutated or source)
            mutant = (file, name, occurrence, first, last)
            entry = {"mutant": mutant, "code": code, "tests": len(chosen), "is": changed}
            out.write(json.dumps(entry) + "\n")
            out.flush()
            print(f"{killed}/{ran}", "killed" if code != 0 else f"SURVIVED {entry}", flush=True)


if __name__ == "__main__":
    main()
