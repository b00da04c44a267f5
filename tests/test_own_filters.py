"""A kind of filter is one class, the package's own and anybody's alike."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cirq
import numpy as np
import pytest
import sympy

import qucnn_cirq
from noise_models import extensions
from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    DualAnsatz,
    FixedFilter,
    InputError,
    QCNNBody,
    QuantumConvolution,
    RandomCircuit,
    RingBody,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.filters import FILTER_KINDS, ActingFilter, Filter, Unentangled, filter_from_mapping

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "examples" / "own_filter.py"
NAMED = "own_filter.py:BrickWall"
BUILT_IN = tuple(FILTER_KINDS)
A, B = cirq.LineQubit.range(2)
SYMBOLS = cirq.Circuit(cirq.ry(sympy.Symbol("t"))(A), cirq.CZ(A, B) ** sympy.Symbol("u"))
IMAGES = np.random.default_rng(1).normal(size=(1, 2, 3))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of the documentation's example, outside the package; forgotten afterwards."""
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(FILTER_KINDS, "_members", dict(FILTER_KINDS._members))
    monkeypatch.setattr(extensions, "_NAMED", set())
    yield importlib.import_module(EXAMPLE.stem)
    sys.modules.pop(EXAMPLE.stem, None)


@pytest.mark.parametrize("kind", [*BUILT_IN, "brick_wall"])
def test_every_kind_is_trained(own: ModuleType, kind: str) -> None:
    assert own.__file__ is not None and not Path(own.__file__).is_relative_to(ROOT)
    assert qucnn_cirq.register_filter(own.BrickWall) is own.BrickWall
    filter_ = {
        "ansatz": XZAnsatz(2),
        "fixed": FixedFilter([1, 2, 3, 4]),
        "circuit": CircuitFilter(SYMBOLS),
        "acting": ActingFilter(XZAnsatz(2)),
        "dual": DualAnsatz("sde"),
        "qcnn": QCNNBody(),
        "random_circuit": RandomCircuit(6, trainable=True),
        "ring": RingBody(),
        "unentangled": Unentangled(DualAnsatz("sde")),
        "brick_wall": own.BrickWall(2),
    }[kind]
    assert type(filter_) is FILTER_KINDS[kind]
    assert filter_from_mapping(json.loads(json.dumps(filter_.to_mapping()))) == filter_
    program = compile_convolution(ConvolutionSpec(kernel=(2, 2), filters=filter_), "willow_pink")
    layer = QuantumConvolution(program, "exact", shots=None, seed=2)
    parameters = layer.parameters
    upstream = np.array([[[[1.0, -2.0]]]])
    layer.forward(IMAGES)
    gradient = layer.backward(upstream)

    def loss(values: np.ndarray) -> float:
        state = filter_.states(2, values)[0]
        patches = [IMAGES[0][:, place : place + 2].ravel() for place in (0, 1)]
        overlaps = [abs(state.conj() @ patch) ** 2 / (patch @ patch) for patch in patches]
        return float(np.dot(upstream.ravel(), overlaps))

    steps = 1e-5 * np.eye(parameters.size)
    expected = [(loss(parameters + step) - loss(parameters - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(gradient.ravel(), expected, atol=1e-8)
    if parameters.size:
        layer.parameters = parameters - 0.01 * gradient
        assert loss(layer.parameters) < loss(parameters)


def test_a_kind_of_ones_own_is_named_by_its_file_and_its_source_counts(own: ModuleType) -> None:
    text = f'[convolution]\nkernel = [2, 2]\nfilters = {{kind = "{NAMED}", layers = 2}}\n'
    spec = ConvolutionSpec.from_toml(text)
    assert spec.to_mapping()["filters"] == [{"kind": NAMED, "layers": 2}]
    assert ConvolutionSpec.from_toml(spec.to_toml()) == spec
    qucnn_cirq.register_filter(own.BrickWall)
    registered = ConvolutionSpec(kernel=(2, 2), filters=own.BrickWall(2))
    assert registered != spec and registered.n_parameters == spec.n_parameters == 4
    before = spec.identity
    with open(EXAMPLE.name, "a") as file:
        file.write("# changed\n")
    assert ConvolutionSpec.from_toml(text).identity == before
    extensions._DIGESTS.clear()
    assert ConvolutionSpec.from_toml(text).identity != before


def test_what_is_stored_never_imports_a_kind(own: ModuleType) -> None:
    qucnn_cirq.register_filter(own.BrickWall)
    mapping = {"kind": NAMED, "layers": 1}
    for number, filter_ in enumerate((own.BrickWall(), filter_from_mapping(mapping))):
        spec = ConvolutionSpec(kernel=(2, 2), filters=filter_)
        compile_convolution(spec).save(f"{number}.json")
        assert Program.load(f"{number}.json").spec == spec
    # As in another process.
    del FILTER_KINDS._members["brick_wall"], sys.modules[EXAMPLE.stem]
    extensions._NAMED.clear()
    for number, advice in enumerate(("register it first", "name it yourself")):
        with pytest.raises(InputError, match=advice) as refused:
            Program.load(f"{number}.json")
        assert len(str(refused.value)) <= 200
        assert EXAMPLE.stem not in sys.modules


def _with(**settings: object) -> type[Filter]:
    own = {"kind": "other", "circuit_on": lambda self, qubits: cirq.Circuit(map(cirq.H, qubits))}
    return type("Other", (Filter,), {"__module__": __name__, **own, **settings})


def test_what_is_no_kind_of_filter_is_not_registered(own: ModuleType) -> None:
    for given, reason in (
        (3, "give a subclass"),
        (XZAnsatz(), "give a subclass"),
        (_with(kind="ansatz"), "'ansatz' is taken"),
        (_with(kind="two words"), "without spaces"),
        (_with(kind=3), "is no name"),
        (type("Empty", (Filter,), {"kind": "empty"}), "neither circuit_on nor fixed_vector"),
        (_with(__hash__=None), "is not hashable"),
    ):
        with pytest.raises(InputError, match=reason) as refused:
            qucnn_cirq.register_filter(given)  # type: ignore[arg-type]
        assert len(str(refused.value)) <= 200
    assert tuple(FILTER_KINDS) == BUILT_IN


def test_a_circuit_of_a_kind_that_is_none_is_refused_in_a_sentence() -> None:
    def fails(self: Filter, qubits: object) -> None:
        raise KeyError("no")

    for circuit_on, reason in (
        (fails, "raises KeyError"),
        (lambda self, qubits: 3, "needs a cirq.Circuit"),
        (lambda self, qubits: cirq.Circuit(cirq.X(cirq.q(9))), "not in its qubits"),
        (lambda self, qubits: cirq.Circuit(cirq.measure(qubits)), "measurement"),
    ):
        with pytest.raises(InputError, match=reason) as refused:
            ConvolutionSpec(kernel=(2, 2), filters=_with(circuit_on=circuit_on)())
        assert len(str(refused.value)) <= 200
    counts = _with(n_parameters=lambda self, n_qubits: 2)()
    with pytest.raises(InputError, match="n_parameters = 2 on 2 qubits and its circuit 0 symbols"):
        ConvolutionSpec(kernel=(2, 2), filters=counts)
