"""Bits of elements' numbers on other qubits: the same overlaps from other circuits."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.arrays import bits_in_order
from qucnn_cirq.budget import compile_by_error, error_budget, place_by_error
from qucnn_cirq.convolution import squared_cosine_similarity
from qucnn_cirq.encodings import Amplitudes

NOISE = {"depolarizing": {"p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.05}}


def spec_of(rows: int, columns: int, overlap: str = "inversion", seed: int = 4) -> ConvolutionSpec:
    values = np.random.default_rng(seed).normal(size=(rows, columns))
    return ConvolutionSpec(kernel=(rows, columns), filters=FixedFilter(values), overlap=overlap)


@given(st.permutations(range(3)), st.integers(0, 99))
def test_bits_are_where_the_order_says(order, seed):
    vector = np.random.default_rng(seed).normal(size=8)
    moved = bits_in_order(vector, tuple(order))
    for number, value in enumerate(moved):
        bits = [number >> (2 - qubit) & 1 for qubit in range(3)]
        element = sum(bit << (2 - order[qubit]) for qubit, bit in enumerate(bits))
        assert value == vector[element]
    back = tuple(int(at) for at in np.argsort(order))
    assert np.array_equal(bits_in_order(moved, back), vector)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 4)])
@given(st.permutations(range(3)))
@settings(max_examples=3, deadline=None)
def test_overlaps_are_the_same_in_every_order(overlap, shape, order):
    spec = spec_of(*shape, overlap)
    images = np.random.default_rng(1).normal(size=(2, 4, 5))
    program = compile_convolution(spec.in_order(order), "grid:4x5")
    maps = QuantumConvolution(program, "exact", shots=None).forward(images)
    kernels = spec.filter_list[0].values[None]
    assert np.allclose(maps, squared_cosine_similarity(images, kernels, spec), atol=1e-10)
    assert program.verify().passed


def test_the_gradient_of_the_input_is_that_of_the_plain_order():
    spec, images = spec_of(2, 4), np.random.default_rng(2).normal(size=(1, 3, 6))
    gradients = []
    for own in (spec, spec.in_order((2, 0, 1))):
        layer = QuantumConvolution(compile_convolution(own, "grid:3x4"), "exact", shots=None)
        upstream = np.cos(np.arange(layer.forward(images).size)).reshape(1, 1, 2, 3)
        gradients.append(layer.input_gradient(upstream))
    assert np.allclose(*gradients, atol=1e-10)


def test_specifications_in_other_orders_are_stored_and_told_apart(tmp_path):
    spec = spec_of(2, 4)
    own = spec.in_order((2, 0, 1))
    assert own != spec and hash(own) != hash(spec)
    assert ConvolutionSpec.from_toml(own.to_toml()) == own
    assert pickle.loads(pickle.dumps(own)) == own
    assert own.in_order(None) == spec == spec.in_order((0, 1, 2))
    program = compile_convolution(own, "grid:3x4")
    program.save(tmp_path / "program.json")
    assert type(program).load(tmp_path / "program.json").spec == own


@pytest.mark.parametrize("order", [(0, 0), (1, 2, 3), "01", 3, (True, False), (0.5, 1), ()])
def test_what_is_no_order_is_refused(order):
    with pytest.raises(InputError, match="order"):
        Amplitudes(order)
    with pytest.raises(InputError, match="order"):
        FixedFilter([1, 2, 3, 4], order)


def test_orders_that_do_not_fit_are_refused():
    values = np.arange(1, 9).reshape(2, 4)
    plain = FixedFilter(values)
    with pytest.raises(InputError, match="give both the same"):
        ConvolutionSpec(kernel=(2, 4), filters=plain, encoding=Amplitudes((2, 0, 1)))
    with pytest.raises(InputError, match="give both the same"):
        ConvolutionSpec(kernel=(2, 4), filters=FixedFilter(values, (2, 0, 1)))
    with pytest.raises(InputError, match="is of 2 qubits"):
        spec_of(2, 4).in_order((1, 0))
    with pytest.raises(InputError, match="of 2 qubits"):
        spec_of(2, 4).in_order((0, 1))
    ansatz = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(1))
    with pytest.raises(InputError, match="acts on qubits"):
        ansatz.in_order((1, 0))


def test_compiling_by_error_finds_the_best_of_all_orders():
    spec = spec_of(2, 2, "destructive", seed=6)
    images = np.random.default_rng(0).uniform(size=(2, 4, 4))
    best = compile_by_error(spec, "grid:3x3", noise=NOISE, images=images)
    errors = {
        order: error_budget(
            compile_convolution(spec.in_order(order), "grid:3x3"), NOISE, images
        ).rms
        for order in itertools.permutations(range(2))
    }
    assert error_budget(best, NOISE, images).rms <= min(errors.values()) * (1 + 1e-9)
    maps = QuantumConvolution(best, "exact", shots=None).forward(images)
    plain = squared_cosine_similarity(images, spec.filter_list[0].values[None], spec)
    assert np.allclose(maps, plain, atol=1e-10)


def test_what_is_best_on_one_patch_alone_is_not_taken():
    spec = spec_of(2, 2, "inversion", seed=2)
    images = np.random.default_rng(2).uniform(size=(2, 5, 5))
    program = compile_convolution(spec, "grid:3x3")
    couplers = {"0,1:0,2": 0.05, "1,0:1,1": 0.03, "1,1:2,1": 0.002}
    qubits = {"1,1": {"p01": 0.06, "p10": 0.01}, "0,0": {"p01": 0.0, "p10": 0.09}}
    noise = {"depolarizing": {"p2": 0.01, "couplers": couplers}, "readout": {"qubits": qubits}}
    found = (
        compile_by_error(spec, "grid:3x3", noise=noise, images=images, patches=1),
        place_by_error(program, noise, images, patches=1),
        program,
    )
    errors = [error_budget(each, noise, images).rms for each in found]
    assert errors[0] <= errors[1] * (1 + 1e-9) and errors[1] <= errors[2] * (1 + 1e-9)


@pytest.mark.parametrize(
    ("spec", "options", "words"),
    [
        (spec_of(5, 5), {}, "5 qubits, whose 120 orders"),
        (spec_of(2, 2), {"placement": ["0_0"]}, "leave it out"),
        (ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(1)), {}, "acts on qubits"),
        ("spec", {}, "spec"),
    ],
)
def test_compiling_by_error_refuses(spec, options, words):
    with pytest.raises(InputError, match=words):
        compile_by_error(spec, "grid:3x3", noise=NOISE, images=np.ones((1, 5, 5)), **options)
