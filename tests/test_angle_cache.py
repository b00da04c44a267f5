import numpy as np
import pytest

from qucnn_cirq.circuits import angle_cache
from qucnn_cirq.circuits.angle_cache import cache_folder, cached
from qucnn_cirq.circuits.line_loader import LineLoader

STATES = np.random.default_rng(2).normal(size=(20, 16))
STATES /= np.linalg.norm(STATES, axis=1, keepdims=True)


class Solver:
    """Counts how often it is asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self, states):
        self.calls += 1
        return 2 * states, states.sum(axis=1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(angle_cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_second_request_reads_the_same_bits(folder):
    solver = Solver()
    first, second = cached("a", STATES, solver), cached("a", STATES, solver)
    assert solver.calls == 1
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_decides_the_result_decides_the_file(folder):
    solver = Solver()
    cached("a", STATES, solver)
    cached("b", STATES, solver)
    cached("a", STATES + 1e-15, solver)
    assert solver.calls == 3 == len(list(folder.iterdir()))


def test_blocks_come_back_in_order_and_others_may_have_solved_them(folder, monkeypatch):
    monkeypatch.setattr(angle_cache, "_BLOCK", 16)
    states = np.random.default_rng(3).normal(size=(16 * 6 + 3, 4))
    other, solver = Solver(), Solver()
    cached("a", states[:48], other)
    doubled, sums = cached("a", states, solver)
    np.testing.assert_array_equal(doubled, 2 * states)
    np.testing.assert_array_equal(sums, states.sum(axis=1))
    assert other.calls == 3 and solver.calls == 4
    assert len(list(folder.iterdir())) == 6


def test_the_order_of_blocks_differs_from_process_to_process(folder, monkeypatch):
    """Else processes that start together would solve the same block at the same time."""
    monkeypatch.setattr(angle_cache, "_BLOCK", 16)
    states = np.arange(16.0 * 40)[:, None]

    def firsts(name):
        seen = []

        def solve(rows):
            seen.append(rows[0, 0])
            return (rows,)

        cached(name, states, solve)
        return seen

    assert firsts("a") != firsts("b")


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"\x00" * 64])
def test_a_damaged_file_is_solved_again(folder, damage):
    solver = Solver()
    cached("a", STATES, solver)
    (path,) = folder.iterdir()
    path.write_bytes(damage)
    np.testing.assert_array_equal(cached("a", STATES, solver)[0], 2 * STATES)
    assert solver.calls == 2
    cached("a", STATES, solver)
    assert solver.calls == 2


def test_a_torn_file_is_solved_again(folder):
    solver = Solver()
    cached("a", STATES, solver)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-200])
    np.testing.assert_array_equal(cached("a", STATES, solver)[0], 2 * STATES)


def test_an_empty_variable_switches_it_off(monkeypatch):
    monkeypatch.setenv(angle_cache.VARIABLE, "")
    solver = Solver()
    cached("a", STATES, solver)
    cached("a", STATES, solver)
    assert cache_folder() is None and solver.calls == 2


def test_a_folder_that_cannot_be_made_does_not_matter(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(angle_cache.VARIABLE, str(tmp_path / "file" / "cache"))
    np.testing.assert_array_equal(cached("a", STATES, Solver())[0], 2 * STATES)


def test_the_folder_stays_bounded(folder, monkeypatch):
    monkeypatch.setattr(angle_cache, "_LARGEST_FOLDER", 10_000)
    for number in range(6):
        cached(str(number), STATES, Solver())
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10_000
    assert list(folder.iterdir())


def test_a_new_loader_finds_what_another_solved(folder, monkeypatch):
    angles = LineLoader().angles(STATES)
    monkeypatch.setattr("qucnn_cirq.circuits.line_loader.solve_line_angles", None)
    np.testing.assert_array_equal(LineLoader().angles(STATES), angles)
