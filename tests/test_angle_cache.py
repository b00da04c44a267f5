import io
import os
import random
import tempfile
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from qucnn_cirq.circuits import angle_cache
from qucnn_cirq.circuits.angle_cache import cache_folder
from qucnn_cirq.circuits.line_search import line_infidelities
from qucnn_cirq.circuits.loaders.line import LineLoader

STATES = np.random.default_rng(2).normal(size=(20, 16))
STATES /= np.linalg.norm(STATES, axis=1, keepdims=True)


def holds(states, result):
    """Believes whatever is as it was written."""
    return True


def cached(description, states, solve, check=holds):
    return angle_cache.cached(description, states, solve, check)


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
    monkeypatch.setattr("qucnn_cirq.circuits.loaders.line.solve_line_angles", None)
    np.testing.assert_array_equal(LineLoader().angles(STATES), angles)


# What others left in the folder


@pytest.fixture(scope="module")
def solved():
    """The file that the line loader writes for STATES, with its name, angles and infidelities."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as name:
        patch.setenv(angle_cache.VARIABLE, name)
        angles, infidelities = LineLoader().solve(STATES)
        (path,) = Path(name).iterdir()
        return path.name, path.read_bytes(), angles, infidelities


@pytest.fixture
def again(folder, solved, monkeypatch):
    """Solves STATES with a new loader; returns how many times the search ran."""
    _, _, angles, infidelities = solved
    folder.mkdir()

    def solve():
        calls = []

        def search(states, *_, **__):
            calls.append(len(states))
            return angles, infidelities

        monkeypatch.setattr("qucnn_cirq.circuits.loaders.line.solve_line_angles", search)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = LineLoader().solve(STATES)
        np.testing.assert_array_equal(found[0], angles)
        np.testing.assert_array_equal(found[1], infidelities)
        return len(calls)

    return solve


def write(path, digest=True, **arrays):
    """A file whose checksum, if it has one, says that it is as it was written."""
    if digest:
        result = tuple(value for name, value in arrays.items() if name.startswith("arr_"))
        arrays["digest"] = angle_cache._digest(path.stem, result)
    np.savez(path, **arrays)


SHUFFLED = np.roll(np.arange(len(STATES)), 1)
FALSE = {
    "zeros": lambda a, i: {"arr_0": 0 * a, "arr_1": i},
    "shuffled rows": lambda a, i: {"arr_0": a[SHUFFLED], "arr_1": i[SHUFFLED]},
    "one wrong angle": lambda a, i: {"arr_0": np.where(a == a[2, 3], a + 1e-3, a), "arr_1": i},
    "infidelities too high": lambda a, i: {"arr_0": a, "arr_1": i + 0.1},
    "infidelities too low": lambda a, i: {"arr_0": 0.999 * a, "arr_1": i},
    "negative infidelities": lambda a, i: {"arr_0": a, "arr_1": i - 1e-3},
    "a turn too many": lambda a, i: {"arr_0": a + 2 * np.pi, "arr_1": i},
    "nan": lambda a, i: {"arr_0": np.where(a == a[0, 0], np.nan, a), "arr_1": i},
    "infinite": lambda a, i: {"arr_0": a, "arr_1": np.full_like(i, np.inf)},
    "huge": lambda a, i: {"arr_0": np.full_like(a, 1e308), "arr_1": i},
    "single precision": lambda a, i: {"arr_0": a.astype(np.float32), "arr_1": i},
    "complex": lambda a, i: {"arr_0": a + 0j, "arr_1": i},
    "texts": lambda a, i: {"arr_0": a.astype(str), "arr_1": i},
    "objects": lambda a, i: {"arr_0": a.astype(object), "arr_1": i},
    "a row less": lambda a, i: {"arr_0": a[1:], "arr_1": i[1:]},
    "an angle less": lambda a, i: {"arr_0": a[:, 1:], "arr_1": i},
    "transposed": lambda a, i: {"arr_0": a.T, "arr_1": i},
    "one array": lambda a, i: {"arr_0": a},
    "three arrays": lambda a, i: {"arr_0": a, "arr_1": i, "arr_2": i},
    "swapped arrays": lambda a, i: {"arr_0": i, "arr_1": a},
    "other names": lambda a, i: {"angles": a, "infidelities": i},
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_angles_that_do_not_make_the_states_are_solved_again(name, folder, solved, again):
    path = folder / solved[0]
    write(path, **FALSE[name](*solved[2:]))
    assert again() == 1
    # And written anew.
    assert again() == 0


def test_angles_that_make_the_states_are_believed(folder, solved, again):
    write(folder / solved[0], arr_0=solved[2], arr_1=solved[3])
    assert again() == 0


def test_a_file_without_its_checksum_or_of_other_states_is_not_believed(folder, solved, again):
    path = folder / solved[0]
    write(path, digest=False, arr_0=solved[2], arr_1=solved[3])
    assert again() == 1
    # Zeros that own up to their infidelity load the states badly, yet consistently.
    zeros = 0 * solved[2]
    honest = line_infidelities(STATES, zeros)
    write(path, digest=False, arr_0=zeros, arr_1=honest, note=np.zeros(32))
    assert again() == 1
    LineLoader().solve(STATES[::-1])
    (other,) = (each for each in folder.iterdir() if each != path)
    other.replace(path)
    assert again() == 1


def test_every_flipped_bit_is_noticed_or_does_not_matter(folder, solved, again):
    name, content, *_ = solved
    draw = random.Random(5)
    # The archive's own structures are at the ends; the arrays are between.
    offsets = {*range(0, 160, 3), *range(len(content) - 160, len(content), 3)}
    offsets |= {draw.randrange(len(content)) for _ in range(100)}
    for offset in sorted(offsets):
        damaged = bytearray(content)
        damaged[offset] ^= 1 << draw.randrange(8)
        (folder / name).write_bytes(damaged)
        assert again() <= 1
    for length in (0, 1, 30, len(content) // 2, len(content) - 1):
        (folder / name).write_bytes(content[:length])
        assert again() == 1


def test_what_is_no_file_is_not_read(folder, solved, again):
    path = folder / solved[0]
    os.mkfifo(path)
    assert again() == 1
    assert again() == 0
    path.unlink()
    path.symlink_to("/dev/zero")
    assert again() == 1
    assert again() == 0
    path.unlink()
    path.mkdir()
    assert again() == 1
    assert again() == 1
    path.rmdir()
    path.symlink_to(folder / "nowhere.npz")
    assert again() == 1
    assert again() == 0


def test_claims_larger_than_the_file_allocate_nothing(folder, solved, again):
    path = folder / solved[0]
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", bytes(40 * 2**20))
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }"
    npy = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    lying = io.BytesIO()
    with zipfile.ZipFile(lying, "w") as archive:
        archive.writestr("arr_0.npy", npy)
        archive.writestr("arr_1.npy", npy)
    for content in (bomb.getvalue(), lying.getvalue(), npy):
        path.write_bytes(content)
        tracemalloc.start()
        assert again() == 1
        assert tracemalloc.get_traced_memory()[1] < 2**23
        tracemalloc.stop()


def test_links_and_folders_in_the_cache_do_not_stop_its_cleaning(folder, monkeypatch):
    monkeypatch.setattr(angle_cache, "_LARGEST_FOLDER", 10_000)
    folder.mkdir()
    (folder / "a.npz").symlink_to("nowhere")
    (folder / "b.npz").mkdir()
    for number in range(6):
        cached(str(number), STATES, Solver())
    files = [path for path in folder.iterdir() if path.is_file()]
    assert 0 < sum(path.stat().st_size for path in files) <= 10_000


def test_angles_of_other_states_are_solved_again_though_their_infidelities_are_told(folder):
    angles, infidelities = LineLoader().solve(STATES)
    (path,) = folder.iterdir()
    others = np.roll(angles, 1, axis=0)
    told = line_infidelities(STATES, others, LineLoader().pattern, "cz")
    path.unlink()
    angle_cache._keep(path, path.stem, (others, told))
    again = LineLoader().solve(STATES)
    np.testing.assert_array_equal(again[0], angles)
    np.testing.assert_array_equal(again[1], infidelities)
