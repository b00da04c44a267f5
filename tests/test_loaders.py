"""A loader is one class in one file, the package's own and anybody's alike."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import cirq
import numpy as np
import pytest
from helpers import density_matrix_mean, random_states, state_of

import qucnn_cirq
from noise_models import extensions
from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, XZAnsatz
from qucnn_cirq.circuits.loaders import (
    LOADERS,
    LineLoader,
    Loader,
    MultiplexedLoader,
    SymplecticLoader,
    made,
    make_loader,
)
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.layouts import fitting_loaders, layouts_for
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.program_files import _is_readable
from qucnn_cirq.drawing.circuit_svg import circuit_svg
from qucnn_cirq.errors import InputError
from studies.compilation import peers

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "examples" / "own_loader.py"
NAMED = "own_loader:SingularValues"
OWN = "singular_values"
BUILT_IN = tuple(LOADERS)
NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
VECTORS = [np.random.default_rng(seed).normal(size=4) for seed in (1, 2)]
PATCH, KERNEL = (vector.reshape(2, 2) for vector in VECTORS)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of the documentation's example, outside the package; forgotten afterwards."""
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(LOADERS, "_members", dict(LOADERS._members))
    monkeypatch.setattr(LOADERS, "_found", {})
    monkeypatch.setattr(extensions, "_NAMED", set())
    yield importlib.import_module(EXAMPLE.stem)
    sys.modules.pop(EXAMPLE.stem, None)


def spec_of(size: int, overlap: str = "inversion", seed: int = 3) -> ConvolutionSpec:
    values = np.random.default_rng(seed).normal(size=(1, size))
    return ConvolutionSpec(kernel=(1, size), filters=FixedFilter(values), overlap=overlap)


@pytest.mark.parametrize("name", [*BUILT_IN, OWN])
def test_every_loader_loads_vectors_or_refuses_the_size(own: ModuleType, name: str) -> None:
    qucnn_cirq.register_loader(own.SingularValues)
    sizes = []
    for n_qubits in range(1, 7):
        states = random_states(n_qubits, 3, seed=n_qubits)
        kind, known = LOADERS[name], states[1]
        try:
            gate_set = "sqrt_iswap" if name == "native" else "cz"
            loader = made(kind, n_qubits, gate_set, known if kind.merges_filter else None)
        except InputError as refused:
            assert kind.purpose in str(refused)
            assert len(str(refused)) <= 200 and "\n" not in str(refused)
            continue
        sizes.append(n_qubits)
        qubits = cirq.LineQubit.range(n_qubits)
        circuit, angles = loader.circuit(qubits, "patch"), loader.angles(states)
        assert angles.shape == (3, loader.n_angles)
        for state, row in zip(states, angles, strict=True):
            prepared = state_of(circuit, qubits, {"patch": row[None]})
            found = prepared[0] if kind.merges_filter else prepared @ state
            wanted = known @ state if kind.merges_filter else 1
            assert abs(found) ** 2 == pytest.approx(wanted**2, abs=1e-12)
    assert sizes


def test_a_loader_of_ones_own_is_compiled_without_routing_drawn_and_run(own: ModuleType) -> None:
    assert own.__file__ is not None and not Path(own.__file__).is_relative_to(ROOT)
    own_loader = qucnn_cirq.register_loader(own.SingularValues)
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(KERNEL), overlap="destructive")
    program = compile_convolution(spec, "willow_pink", loader=OWN)
    assert isinstance(program.filters[0].filter_loader, own_loader)
    assert (program.report.layout, program.report.two_qubit_gates) == ("ladder", 4)
    assert program.digest != compile_convolution(spec, loader="multiplexed").digest
    assert "loader" in circuit_svg(program.circuit(PATCH))
    # Its code decides the angles.
    with open(EXAMPLE.name, "a") as file:
        file.write("# changed\n")
    extensions._DIGESTS.clear()
    assert replace(program).digest != program.digest
    layer = QuantumConvolution(program, "exact", NOISE, None)
    mean = float(layer.forward(PATCH[None])[0, 0, 0, 0])
    assert mean == pytest.approx(density_matrix_mean(program, PATCH, NOISE), abs=1e-9)


def test_what_is_stored_never_imports_a_loader(own: ModuleType) -> None:
    qucnn_cirq.register_loader(own.SingularValues)
    compile_convolution(spec_of(4), loader=OWN).save("0.json")
    del LOADERS._members[OWN]
    compile_convolution(spec_of(4), loader=NAMED).save("1.json")
    assert Program.load("1.json").report.loader == OWN
    # As in another process.
    del sys.modules[EXAMPLE.stem]
    extensions._NAMED.clear()
    for number, advice in enumerate(("register it first", "name it yourself")):
        # The process that bounds time and memory may not know it either, and has no say in it.
        assert _is_readable(Path(f"{number}.json"))
        with pytest.raises(InputError, match=advice) as refused:
            Program.load(f"{number}.json")
        assert len(str(refused.value)) <= 200
        assert EXAMPLE.stem not in sys.modules


def test_a_layout_takes_the_loaders_whose_couplers_it_has_best_first(own: ModuleType) -> None:
    def names(layout: str, n_qubits: int, *others: Loader) -> list[str]:
        layouts = layouts_for(n_qubits, OVERLAP_TESTS["ancilla"])
        found = [*others]
        for kind in LOADERS.values():
            try:
                found.append(made(kind, n_qubits, "cz"))
            except InputError:
                continue
        return [each.name for each in fitting_loaders(layouts[layout], found, layouts.values())]

    assert names("plaquettes", 4) == ["schmidt", "multiplexed"]
    assert names("ladder", 4) == ["symplectic", "line", "multiplexed"]
    assert names("ladder", 2) == names("ladder", 9) == ["multiplexed"]
    assert names("ladder", 2, own.SingularValues(2)) == [OWN, "multiplexed"]
    vector = random_states(4, 3, seed=1)[1]
    merged = [made(LOADERS[name], 4, "cz", vector) for name in ("comparison", "ring_comparison")]
    assert names("plaquettes", 4, *merged) == ["ring_comparison", "schmidt", "multiplexed"]
    assert names("ladder", 4, *merged) == ["comparison", "symplectic", "line", "multiplexed"]


@pytest.mark.parametrize(
    ("loader", "layout", "size", "words"),
    [
        ("line", "plaquettes", 16, "does not go with layout = 'plaquettes'"),
        ("schmidt", "ladder", 16, "does not go with layout = 'ladder'"),
        ("schmidt", "auto", 8, "registers of 4 qubits, not 3"),
        ("comparison", "auto", 8, "is for the inversion test of fixed filters"),
        (NAMED, "auto", 8, "is for registers of 2 qubits, not 3"),
        (NAMED, "ladder", 8, "does not go with layout = 'ladder'"),
        ("shmidt", "auto", 16, "Did you mean 'schmidt'"),
        ("own_loader:Nothing", "auto", 16, "has no attribute"),
        ("own_loader:Sequence", "auto", 16, "give a subclass of"),
    ],
)
def test_an_explicit_loader_that_does_not_fit_is_refused_and_never_replaced(
    own: ModuleType, loader: str, layout: str, size: int, words: str
) -> None:
    with pytest.raises(InputError, match=words) as refused:
        compile_convolution(spec_of(size), layout=layout, loader=loader)
    assert len(str(refused.value)) <= 200


def _with(base: type[Loader], **settings: object) -> type[Loader]:
    return type("Other", (base,), {"__module__": __name__, "name": "other", **settings})


def _fails(self: Loader, n_qubits: int) -> None:
    raise KeyError("mine")


def test_what_is_no_loader_is_not_registered_and_what_fails_is_told(own: ModuleType) -> None:
    base = own.SingularValues
    for given, reason in (
        (3, "give a subclass of"),
        (base(2), "give a subclass of"),
        (Loader, "no name|does not implement"),
        (_with(Loader, angles=base.angles), "does not implement circuit"),
        (_with(base, name="line"), "'line' is taken"),
        (_with(base, name="two words"), "without spaces"),
        (_with(base, name="auto"), "has name = 'auto'"),
    ):
        with pytest.raises(InputError, match=reason) as refused:
            qucnn_cirq.register_loader(given)  # type: ignore[arg-type]
        assert len(str(refused.value)) <= 200
    assert tuple(LOADERS) == BUILT_IN
    for other, reason in (
        (_with(base, __init__=_fails), "loader 'other' raises KeyError"),
        (_with(base, n_angles=None), "a whole number n_angles"),
        (_with(base, for_register=classmethod(lambda *given: base(2))), "made <|made "),
    ):
        qucnn_cirq.register_loader(other)
        size = 8 if "for_register" in vars(other) else 4
        with pytest.raises(InputError, match=reason) as refused:
            compile_convolution(spec_of(size), loader="other")
        assert len(str(refused.value)) <= 200


def test_auto_takes_a_shorter_loader_once_it_is_registered(own: ModuleType) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(1))
    before = compile_convolution(spec).report.loader
    cheaper = _with(own.SingularValues, cost=property(lambda self: (0, 0)))
    qucnn_cirq.register_loader(cheaper)
    assert (before, compile_convolution(spec).report.loader) == ("multiplexed", "other")
    assert isinstance(make_loader("other", 2), cheaper)


def test_the_documentation_shows_the_example() -> None:
    assert f"```python\n{EXAMPLE.read_text()}```" in (ROOT / "docs" / "compiler.md").read_text()


def test_the_textbook_circuit_has_the_shortest_loader_in_closed_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [type(peers._shortest(n_qubits)) for n_qubits in (1, 2, 3, 4, 5)]
    assert found == [
        *[MultiplexedLoader] * 2,
        *(LineLoader, SymplecticLoader, MultiplexedLoader),
    ]
    shorter = type("Shorter", (MultiplexedLoader,), {"cost": (0, 0)})
    monkeypatch.setattr(peers, "BUILT_IN", (*peers.BUILT_IN, shorter))
    assert type(peers._shortest(4)) is shorter
