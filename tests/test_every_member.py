"""Every member of every registry, and every example of the documentation, does what all must do.

What is added to a registry, or beside the examples, is tested here without a line of its own.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest
import sympy
from helpers import sweep_in_process

from noise_models import NoiseConfiguration, extensions
from noise_models.configuration import NOISE_KINDS
from noise_models.fields import field_names, fields_of
from noise_models.registry import Registry
from qucnn_cirq import CircuitFilter, DualAnsatz, FixedFilter, InputError, XZAnsatz
from qucnn_cirq.circuits.loaders import LOADERS, made
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.drawing.circuit_svg import circuit_svg
from qucnn_cirq.engines import ENGINES
from qucnn_cirq.filters import FILTER_KINDS, ActingFilter, Unentangled
from qucnn_cirq.gradient_methods import METHODS
from studies import load
from studies.point import program_of
from studies.sweep.catalogue import OWN, STUDIES, study_named
from studies.sweep.job import finish
from studies.sweep.plan import make_plan
from studies.sweep.results import status

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
REGISTRIES: dict[str, Registry[Any]] = {
    "engine": ENGINES,
    "filter": FILTER_KINDS,
    "gradient": METHODS,
    "loader": LOADERS,
    "noise": NOISE_KINDS,
    "overlap_test": OVERLAP_TESTS,
    "study": OWN,
}
"""By the word that an example's file has in its name."""


def example_name(file: Path) -> str:
    """How a configuration names what a file of the documentation defines last."""
    *_, last = (
        node.name if isinstance(node, ast.ClassDef) else node.targets[0].id  # type: ignore
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef | ast.Assign)
    )
    return f"{file.name}:{last}"


MEMBERS = [
    *((kind, name) for kind, registry in REGISTRIES.items() for name in registry),
    *(("study", name) for name in STUDIES),
    *(
        (file.stem.removeprefix("own_"), example_name(file))
        for file in sorted(EXAMPLES.glob("own_*.py"))
    ),
]

# Of each setting the least that is allowed, or less than the default.
SMALL = {"images": 1, "shots": 20, "check_fraction": 0, "patches": 2, "runs": 1, "draws": 2,
         "iterations": 1, "starts": 1, "target": "random", "samples": 10, "test_images": 10,
         "epochs": 1, "seeds": 1}  # fmt: skip
OF_STUDIES: dict[str, dict[str, Any]] = {
    "loading": {"images": 2},
    "learning": {"shots": 0},
    "mitigation": {"images": 2, "training": 1},
    "training": {"images": 10, "shots": 0, "data": "digits.npz"},
    "trainability": {"data": "isotropic"},
    "systems": {"images": 10, "shots": 0, "data": "digits.npz"},
}
ANSATZ = {"kind": "ansatz", "layers": 1}
FIXED = {"kind": "fixed", "values": [1, 2, 3, 4]}
SYMBOLS = cirq.Circuit(
    cirq.ry(sympy.Symbol("t"))(cirq.q(0)), cirq.CZ(*cirq.LineQubit.range(2)) ** sympy.Symbol("u")
)
FILTERS: dict[str, Callable[[], Any]] = {
    "fixed": lambda: FixedFilter(FIXED["values"]),
    "circuit": lambda: CircuitFilter(SYMBOLS),
    "acting": lambda: ActingFilter(XZAnsatz(1)),
    "unentangled": lambda: Unentangled(DualAnsatz("sd")),
}
"""Filters of kinds that cannot be made without arguments."""
SEEN: set[str] = set()
"""Programs that other members had before."""
NOT_NUMBERS = {"device": "willow_pink"}
"""Settings of noise that are no small numbers."""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside the package with the examples and images; what it names is forgotten."""
    for file in EXAMPLES.glob("own_*.py"):
        shutil.copy(file, tmp_path)
    draws = np.random.default_rng(3)
    np.save(tmp_path / "images.npy", draws.random((2, 4, 8)))
    digits = {f"{part}_images": draws.random((10, 4, 4)) for part in ("train", "test")}
    labels = dict.fromkeys(("train_labels", "test_labels"), np.arange(10))
    np.savez(tmp_path / "digits.npz", **digits, **labels)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(LOADERS, "_found", {})
    monkeypatch.setattr(extensions, "_NAMED", set())
    return tmp_path


def of_study(name: str) -> dict[str, Any]:
    """The smallest point of a study."""
    wanted = {**SMALL, "data": "images.npy", **OF_STUDIES.get(name, {})}
    settings_of = study_named(name).settings
    keys, default = settings_of.study_keys(), settings_of.default_filter
    if name == "performance":
        # Of the tasks that it times, running circuits takes random patches.
        wanted.pop("images")
    return {
        "study": {"name": name, **{key: wanted[key] for key in keys if key in wanted}},
        "convolution": {
            "kernel": [2, 2],
            "stride": 2,
            "filters": ANSATZ if default == "ansatz" else FIXED,
        },
        **({"noise": {"depolarizing": {"p2": 0.01}}} if name in ("loading", "budget") else {}),
        "axes": {"device": ["willow_pink"]},
    }


def smallest(kind: str, name: str) -> dict[str, Any]:
    """The smallest sweep over one name."""
    document = of_study("noise")
    if kind == "study":
        return of_study(name)
    if kind == "gradient":
        document = of_study("gradient" if METHODS[name].runs_circuits else "learning")
        document["axes"] = {"method": [name]}
    elif kind == "engine":
        engine = ENGINES[name]
        variants = engine.variants()
        document["axes"] = {"engine": [name if "" in variants else f"{name}:{variants[-1]}"]}
    elif kind == "overlap_test":
        document["axes"] = {"convolution.overlap": [name]}
    elif kind == "filter":
        made_of = FILTERS.get(name, FILTER_KINDS[name])()
        document["axes"] = {"convolution.filters": [{**made_of.to_mapping(), "kind": name}]}
    elif kind == "noise":
        given = {
            each.name: NOT_NUMBERS.get(each.name, 0.01)
            for each in fields_of(NOISE_KINDS[name])
            if each.is_required
        }
        noise = {name: NOISE_KINDS[name](**given)}
        own = field_names(NoiseConfiguration)
        whole = NoiseConfiguration(**noise) if name in own else NoiseConfiguration(others=noise)
        assert NoiseConfiguration.from_toml(whole.to_toml()) == whole
        document["axes"] = {"noise": [whole.to_mapping()]}
    elif kind == "loader":
        half = divmod(next(n for n in range(1, 6) if takes(name, n)), 2)
        kernel = np.random.default_rng(1).normal(size=(2 ** half[0], 2 ** sum(half)))
        document["convolution"] = {
            "kernel": list(kernel.shape),
            "overlap": "inversion",
            "filters": {"kind": "fixed", "values": kernel.tolist()},
        }
        document["axes"] = {"loader": [name]}
        if name == "native":
            document["study"]["device"] = "sycamore"
    return document


def takes(loader: str, n_qubits: int) -> bool:
    """Whether a loader has a form for a register."""
    try:
        gate_set = "sqrt_iswap" if loader == "native" else "cz"
        return bool(made(LOADERS[loader], n_qubits, gate_set, np.eye(2**n_qubits)[0]))
    except InputError:
        return False


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_every_member_is_compiled_verified_stored_drawn_and_swept_by_name(
    kind: str, name: str, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = smallest(kind, name)
    study = study_named(document["study"]["name"])
    sweep_in_process(study, document, outside / "out")
    state, table = status(outside / "out"), load(outside / "out")
    assert (state.done, state.failed) == (1, ())
    ((axis, (value,)),) = document["axes"].items()
    if isinstance(value, str):
        assert set(table[axis]) == {value}
    if kind == "study":
        # How figures look has tests of its own, and takes most of the time.
        monkeypatch.setattr("studies.drawing.lay_out", lambda figure: None)
        monkeypatch.setattr("studies.drawing.save_figure_as", lambda _, path, dpi: path.touch())
        monkeypatch.setattr("studies.sweep.job.draw_device_map", lambda *arguments: [])
        assert finish(study, outside / "out")["not_drawn"] == []
    (point,) = make_plan(study, document).points
    if ":" in name and kind not in ("loader", "overlap_test"):
        # Of those two the digest of the circuits has it.
        code = extensions.load_object(kind, name)
        digest = extensions.source_digest(getattr(code, "measure", code))
        assert digest is not None and digest in point.digests.values()
    spec, program = point.settings.convolution, program_of(point.settings)
    if program.digest in SEEN:
        return
    SEEN.add(program.digest)
    assert program.report.layout != "routed"
    if kind == "loader":
        assert program.report.loader == LOADERS[name].name
    assert program.verify().passed
    program.save(outside / "program.json")
    assert Program.load(outside / "program.json") == program
    circuit = program.circuit(np.ones(spec.kernel_pair), np.zeros(spec.n_parameters))
    assert "overlap" in circuit_svg(circuit)


def test_what_became_of_a_value_never_hides_the_value(outside: Path) -> None:
    document = of_study("noise")
    document["axes"] = {"engine": ["exact", "auto"]}
    sweep_in_process(study_named("noise"), document, outside / "out")
    assert load(outside / "out")["engine"].tolist() == ["exact", "auto"]
