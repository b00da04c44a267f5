"""Blocks of images in several threads: the same results, in order, and errors at their turn."""

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from qucnn_cirq import (
    ConvolutionSpec,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
    image_blocks,
    layer,
)
from qucnn_cirq.advance import counted
from qucnn_cirq.threads import _controller, in_order, n_threads, single_threaded_blas

SPEC = ConvolutionSpec(kernel=(2, 2), filters=[XZAnsatz(layers=1)] * 2)
IMAGES = np.random.default_rng(0).random((40, 5, 5))
NOISE = {"depolarizing": {"p1": 0.01, "p2": 0.02}}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    taken: list[int] = []

    def items():
        for item in range(12):
            taken.append(item)
            yield item

    def run(item: int) -> int:
        time.sleep(0.002 * (item % 3 == 0))
        return item * item

    for place, (item, result) in enumerate(in_order(run, items(), threads)):
        assert (item, result) == (place, place * place)
        # One item is read ahead of those that threads work on.
        assert len(taken) <= place + threads + (threads > 1)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_is_raised_when_its_turn_comes(threads: int) -> None:
    def run(item: int) -> int:
        if item == 2:
            raise ValueError("the third")
        return item

    seen = []
    with pytest.raises(ValueError, match="the third"):
        seen.extend(result for _, result in in_order(run, range(9), threads))
    blocks = in_order(run, range(9), threads)
    assert [next(blocks)[1] for _ in range(2)] == [0, 1]
    blocks.close()
    assert threading.active_count() < 50


def test_threads_are_limited_by_the_usual_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert n_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert n_threads() == 1
    for unset in ("", "two", "4096"):
        monkeypatch.setenv("OMP_NUM_THREADS", unset)
        assert n_threads() >= 1


@pytest.mark.parametrize(("engine", "shots"), [("exact", 100), ("exact", None), ("qsim", 50)])
def test_threads_change_no_number(
    engine: str, shots: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_blocks, "BLOCK_ELEMENTS", 3 * 16 * 4)
    program = compile_convolution(SPEC, "willow_pink")
    upstream = np.random.default_rng(1).normal(size=(40, 2, 4, 4))
    found, gradients, circuits = [], [], []
    for threads in (1, 4):
        monkeypatch.setattr(layer, "n_threads", lambda threads=threads: threads)
        ran: list[int] = []
        names = set()

        def listen(count: int, ran: list[int] = ran, names: set[str] = names) -> None:
            ran.append(count)
            names.add(threading.current_thread().name)

        noise = NOISE if engine == "exact" else None
        with counted(listen):
            one = QuantumConvolution(program, engine, noise, shots, seed=3)
            found.append(one.run(IMAGES))
            gradients.append(one.gradient(upstream, "parameter_shift"))
        circuits.append(sum(ran))
        assert (names != {"MainThread"}) == (threads > 1 and engine == "exact")
    np.testing.assert_array_equal(found[0].estimates, found[1].estimates)
    np.testing.assert_array_equal(gradients[0].values, gradients[1].values)
    np.testing.assert_array_equal(gradients[0].variance, gradients[1].variance)
    assert circuits[0] == circuits[1]
    assert shots is None or (found[0].counts == found[1].counts).all()


def test_blas_has_one_thread_where_matrices_are_small_and_all_afterwards() -> None:
    def of_blas(_: object = None) -> set[int]:
        # Of the libraries that were there when it was first asked for.
        known = {each["filepath"] for each in _controller().info()}
        return {
            each["num_threads"]
            for each in threadpool_info()
            if each["user_api"] == "blas" and each["filepath"] in known
        }

    seen = []
    with threadpool_limits(2, "blas"):
        for _, found in in_order(of_blas, range(3), 2):
            seen.append(found)
        assert of_blas() == {2}
        with single_threaded_blas():
            seen.append(of_blas())
        assert of_blas() == {2}
        # The first to limit it may leave before another one does.
        entered, leave = threading.Event(), threading.Event()

        def other() -> None:
            with single_threaded_blas():
                entered.set()
                assert leave.wait(30)

        thread = threading.Thread(target=other)
        with single_threaded_blas():
            thread.start()
            assert entered.wait(30)
        leave.set()
        thread.join()
        assert of_blas() == {2}
    assert seen == [{1}] * 4
