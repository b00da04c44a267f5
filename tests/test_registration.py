"""What is a user's own is one file outside the package and one name: none of ours is edited."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import pickle
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import cirq
import numpy as np
import pandas as pd
import pytest
from helpers import here_and_now

import qucnn_cirq
import studies
from noise_models import NoiseConfiguration, NoiseError, as_noise, extensions
from noise_models.configuration import NOISE_KINDS
from noise_models.errors import InputError
from noise_models.extensions import load_object, reading_stored, source_digest
from noise_models.files import read_json
from noise_models.registry import Registry
from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.circuits.loaders import LOADERS
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.cli import main
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.engines import (
    ENGINES,
    engine_class,
    engine_label,
    engine_names,
    expected_seconds,
    make_engine,
)
from qucnn_cirq.filters import FILTER_KINDS
from qucnn_cirq.gradient_methods import METHODS
from studies.gradient.study import GradientPoint
from studies.performance import study as performance
from studies.performance.study import PerformancePoint
from studies.settings import put
from studies.sweep import job as sweep_job
from studies.sweep.catalogue import OWN, study_named
from studies.sweep.workers import Report, Task, Workers, run_chunk

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
REGISTRIES = (ENGINES, FILTER_KINDS, LOADERS, METHODS, NOISE_KINDS, OVERLAP_TESTS, OWN)
IMAGES = np.random.default_rng(3).normal(size=(1, 2, 3))


@pytest.fixture(scope="module")
def program() -> Program:
    spec = ConvolutionSpec(kernel=(2, 2), filters=[XZAnsatz(1), XZAnsatz(1)])
    return compile_convolution(spec, "willow_pink")


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside the package with the examples of the documentation."""
    for file in EXAMPLES.glob("own_*.py"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(monkeypatch: pytest.MonkeyPatch, name: str, *settings: str) -> pd.Series:
    """The only point of a study; processes and figures are left out, to save seconds."""
    monkeypatch.setattr("studies.sweep.job.local_workers", here_and_now)
    monkeypatch.setattr(f"studies.{name}.figures.draw", lambda table, folder: [])
    monkeypatch.setattr("studies.sweep.job.draw_device_map", lambda *arguments: [])
    sets = [word for each in settings for word in ("--set", each)]
    assert main(["study", name, "--quiet", "--out", name, *sets]) == 0
    assert main(["export", name, "--out", f"{name}.csv"]) == 0
    (row,) = pd.read_csv(f"{name}.csv").to_dict("records")
    return pd.Series(row)


def test_an_engine_of_ones_own_runs_in_a_layer(program: Program, outside: Path) -> None:
    own = load_object("engine", "own_engine.py:DensityMatrix")
    assert qucnn_cirq.register_engine(own) is own
    estimates = {}
    for engine in ("density_matrix", "own_engine.py:DensityMatrix", own(), "exact"):
        layer = QuantumConvolution(program, engine=engine, noise=NOISE, shots=None, seed=1)
        estimates[str(engine)] = layer.run(IMAGES).estimates
        assert repr(make_engine(layer.engine.name)) == repr(layer.engine)
    first, *others = estimates.values()
    for other in others:
        np.testing.assert_allclose(first, other, atol=1e-12)
    assert engine_label("density_matrix") == "Cirq density matrix"


def test_noise_of_ones_own_acts_on_every_engine(program: Program, outside: Path) -> None:
    qucnn_cirq.register_noise(load_object("noise kind", "own_noise.py:GateDephasing"))
    noise = {"gate_dephasing": {"p": 0.05}, "scale": 0.5}
    found = {}
    for engine in ("exact", "qsim_density", "own_engine.py:DensityMatrix", "auto"):
        layer = QuantumConvolution(program, engine=engine, noise=noise, shots=None, seed=1)
        found[engine] = layer.run(IMAGES).estimates
        np.testing.assert_allclose(found[engine], found["exact"], atol=1e-6)
    ideal = QuantumConvolution(program, engine="exact", shots=None, seed=1).run(IMAGES).estimates
    assert np.abs(found["exact"] - ideal).max() > 0.01
    layer = QuantumConvolution(program, engine="qsim", noise=noise, shots=2000, seed=1)
    z = (layer.run(IMAGES).estimates - found["exact"]) / np.sqrt((1 - ideal**2) / 2000 + 1e-9)
    assert np.abs(z).max() < 5


@pytest.mark.parametrize("key", ["gate_dephasing", "own_noise.py:GateDephasing"])
def test_noise_of_ones_own_is_data_as_any_other(
    outside: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    mapping = {"scale": 0.5, "readout": {"p01": 0.1, "p10": 0.2}, key: {"p": 0.25}}
    with pytest.raises(InputError, match="key of noise|no attribute"):
        NoiseConfiguration.from_mapping({key.replace("hasing", ""): {"p": 0.25}})
    own = load_object("noise kind", "own_noise.py:GateDephasing")
    qucnn_cirq.register_noise(own)
    noise = NoiseConfiguration.from_mapping(mapping)
    assert noise.to_mapping() == mapping
    assert NoiseConfiguration.from_toml(noise.to_toml()) == noise
    assert NoiseConfiguration.from_json(noise.to_json()) == noise
    assert pickle.loads(pickle.dumps(noise)) == noise == copy.deepcopy(noise)
    assert (
        len({noise, attrs.evolve(noise, others={key: own(0.25)}), attrs.evolve(noise, others={})})
        == 2
    )
    assert list(noise.source_digests()) == [f"noise.{key}"]
    with pytest.raises(NoiseError, match="a scale of 5 takes gate_dephasing.p = 0.25 to 1.25"):
        attrs.evolve(noise, scale=5.0)
    with pytest.raises(NoiseError, match="unknown key of gate_dephasing 'q'"):
        NoiseConfiguration.from_mapping({key: {"q": 0.25}})
    assert main(["noise"]) == 0
    assert "[noise.gate_dephasing]" in capsys.readouterr().out


def test_noise_whose_key_is_that_of_another_is_refused(outside: Path) -> None:
    for key in ("readout", "scale"):
        Path(f"{key}.py").write_text(
            Path("own_noise.py").read_text().replace('"gate_dephasing"', repr(key))
        )
        own = load_object("noise kind", f"{key}.py:GateDephasing")
        with pytest.raises(InputError, match="taken by another|the key 'scale' of a setting"):
            qucnn_cirq.register_noise(own)
        with pytest.raises(NoiseError, match=f"has the key {key!r} of another kind"):
            NoiseConfiguration(others={f"{key}.py:GateDephasing": {"p": 0.1}})


def test_stored_noise_that_nobody_named_is_kept_as_data_and_not_applied(outside: Path) -> None:
    mapping = {"readout": {"p01": 0.1, "p10": 0.2}, "not_here.py:Mine": {"p": [0.25, {"q": 1}]}}
    with reading_stored():
        noise = NoiseConfiguration.from_mapping(mapping)
    assert noise.to_mapping() == mapping and hash(noise)
    with pytest.raises(InputError, match="nothing is imported: name it yourself"):
        as_noise(noise).noisy_circuit(cirq.Circuit(cirq.X(cirq.q(0))))
    with pytest.raises(InputError, match="there is no file"):
        NoiseConfiguration.from_mapping(mapping)


def test_an_engine_and_noise_of_ones_own_run_in_a_study(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = study(
        monkeypatch,
        "noise",
        "engine=own_engine.py:DensityMatrix",
        "convolution.kernel=2",
        "convolution.filters={kind='ansatz', layers=1}",
        "convolution.stride=13",
        "convolution.overlap=inversion",
        "images=1",
        "shots=50",
        "repeat=0",
        'axes.noise."own_noise.py:GateDephasing".p=[0.1]',
        "noise.scale=1",
        "check_fraction=0",
    )
    assert row["engine"] == "own_engine.py:DensityMatrix"
    assert 0 < row["systematic_rmse"] < 0.1
    (chunk,) = Path("noise").glob("*/*.json")
    (point,) = json.loads(chunk.read_text())["content"]["points"]
    own = {"engine", "noise.own_noise.py:GateDephasing"}
    assert own < point["resolved"]["digests"].keys()
    # A folder of results imports nothing, whoever wrote it and wherever it is read.
    for file in ("own_engine.py", "own_noise.py"):
        Path(file).write_text("raise SystemExit('imported')")
        key = next(name for name in sys.modules if name.startswith(f"_{file[:-3]}_"))
        monkeypatch.delitem(sys.modules, key)
    monkeypatch.setattr("noise_models.extensions._NAMED", set())
    for command in ("status", "plot", "report"):
        assert main([command, "noise"]) == 0


def test_the_performance_study_takes_every_engine(outside: Path) -> None:
    settings = PerformancePoint.from_mapping(
        {
            "study": {"engine": "own_engine.py:DensityMatrix", "patches": 2, "runs": 1},
            "convolution": {"kernel": 2, "overlap": "inversion"},
            "noise": NOISE,
        }
    )
    assert performance.STUDY.cost(settings).seconds > 0
    assert list(performance.STUDY.digest(settings)) == ["circuits", "engine"]
    (row,) = performance.STUDY.measure(settings, np.random.SeedSequence(1)).rows
    assert row["largest_deviation"] < 1e-12


@pytest.mark.parametrize("name", [*METHODS, "one_sided", "own_gradient.py:OneSided"])
def test_every_gradient_method_agrees_with_the_exact_gradient(
    program: Program, outside: Path, name: str
) -> None:
    qucnn_cirq.register_gradient(load_object("gradient method", "own_gradient.py:OneSided"))
    layer = QuantumConvolution(program, engine="exact", shots=None, seed=1)
    upstream = np.ones(layer.forward(IMAGES).shape)
    exact = layer.gradient(upstream, "exact").values
    found = layer.gradient(upstream, name)
    assert found.values.shape == found.variance.shape == exact.shape
    assert METHODS[name].label and (found.circuits > 0) == METHODS[name].runs_circuits
    if METHODS[name].variance_is_whole:
        np.testing.assert_allclose(found.values, exact, atol=0.02)
    counted = QuantumConvolution(program, engine="exact", shots=100, seed=1)
    counted.forward(IMAGES)
    found = counted.gradient(upstream, name)
    assert (found.shots == 100 * found.circuits) if found.circuits else found.shots is None
    assert (found.variance > 0).all() == METHODS[name].runs_circuits


def test_the_gradient_study_refuses_what_it_cannot_measure() -> None:
    with pytest.raises(InputError, match="method = 'exact' runs no circuits"):
        GradientPoint(method="exact")
    with pytest.raises(InputError, match="Did you mean 'parameter_shift'"):
        GradientPoint(method="parameter_shit")


@pytest.mark.parametrize("name", engine_names())
def test_every_engine_says_what_it_is_called_and_what_it_takes(program: Program, name: str) -> None:
    engine, template = engine_class(name), program.filters[0].template
    assert engine.label and engine_label(name).startswith(engine.label)
    noise = as_noise(NOISE)
    few, many = (expected_seconds(name, template, noise, shots) for shots in (100, 10_000))
    assert 0 < few <= many < 60
    assert (few < many) <= engine.samples


@pytest.mark.parametrize(
    ("registry", "member"), [(ENGINES, "qsim"), (METHODS, "exact"), (NOISE_KINDS, "idle")]
)
def test_a_name_that_is_taken_stays_with_its_owner(
    registry: Registry[type[object]], member: str
) -> None:
    before = registry[member]
    other = next(each for each in registry.values() if each is not before)
    with pytest.raises(InputError, match=f"{member!r} is taken"):
        registry.register(member, other)
    assert registry[member] is before


@pytest.mark.parametrize("value", [3, None, [1], {}, "auot", object, np.arange(3)], ids=str)
def test_what_is_no_name_and_no_class_is_refused_in_a_sentence(value: object) -> None:
    for take in (
        lambda: qucnn_cirq.register_engine(value),
        lambda: qucnn_cirq.register_noise(value),
        lambda: qucnn_cirq.register_gradient(value),
        lambda: PerformancePoint(engine=value),
        lambda: GradientPoint(method=value),
    ):
        with pytest.raises(InputError):
            take()


def test_an_engine_that_cannot_be_made_is_refused_in_a_sentence(outside: Path) -> None:
    needs = "\nclass Needs(DensityMatrix):\n    def __init__(self, what): pass\n"
    Path("mine.py").write_text(Path("own_engine.py").read_text() + needs)
    with pytest.raises(InputError, match="cannot be made without arguments"):
        make_engine("mine.py:Needs")


# Code of the user's that fails.


@pytest.mark.parametrize(
    ("study", "setting", "base", "failing"),
    [
        ("performance", "engine=mine.py:Mine", "DensityMatrix", "def __init__(self)"),
        (
            "performance",
            "engine=mine.py:Mine",
            "DensityMatrix",
            "def seconds(template, noise, shots)",
        ),
        ("gradient", "method=mine.py:Mine", "OneSided", "def __init__(self)"),
        ("noise", "loader=mine.py:Mine", "SingularValues", "def __init__(self, n_qubits)"),
        ("noise", "convolution.overlap=mine.py:Mine", "CrossedTest", "def __init__(self)"),
        ("noise", "convolution.filters={kind='mine.py:Mine'}", "BrickWall", "def __init__(self)"),
        (
            "noise",
            "convolution.filters={kind='mine.py:Mine'}",
            "BrickWall",
            "def fixed_vector(self, n_qubits)",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_once_before_anything_is_run(
    outside: Path,
    capsys: pytest.CaptureFixture[str],
    study: str,
    setting: str,
    base: str,
    failing: str,
) -> None:
    (file,) = (each for each in outside.glob("own_*.py") if f"class {base}(" in each.read_text())
    static = "" if "self" in failing else "    @staticmethod\n"
    own = f"class Mine({base}):\n{static}    {failing}: raise ValueError('no licence')\n"
    Path("mine.py").write_text(f"{file.read_text()}\n\n{own}")
    # The presets of the performance study time more than engines, and filters without angles.
    Path("performance.toml").write_text("[study]\nname = 'performance'\n")
    command = ["study", f"{study}.toml" if study == "performance" else study, "--dry-run"]
    usual = ["kernel=2", "overlap=inversion", "filters={kind='ansatz', layers=1}"]
    for each in usual[: 2 if study == "performance" else 3]:
        command += ["--set", f"convolution.{each}"]
    assert main([*command, "--set", setting]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "raises ValueError: no licence in mine.py" in line and len(line) <= 200


RAISING = """
import dataclasses
from noise_models import NoiseKind

class Mute(Exception):
    def __str__(self): raise KeyError

@dataclasses.dataclass(frozen=True)
class Base(NoiseKind):
    p: float = 0.0
    def has_gate_noise(self, strength): return True
    def layers(self, step, strength): return []

class Keyless(Base): pass

@dataclasses.dataclass(frozen=True)
class Raises(Base):
    key = "raises"
    def __post_init__(self): raise Mute

@dataclasses.dataclass(frozen=True)
class Fine(Base):
    key = "fine"

def __getattr__(name): raise RuntimeError(name)
"""


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('noise."raising.py:Keyless".p=0.1', "text `key`"),
        ('noise."raising.py:Raises".p=0.1', "raises Mute"),
        ('noise."raising.py:Nothing".p=0.1', "RuntimeError"),
        ('noise."raising.py:Fine".p=2020-01-01', "neither a number, a text"),
        ('noise."mute.py:E".p=0.1', "fails in line 3 when imported: Mute"),
    ],
)
def test_whatever_code_of_the_users_raises_is_one_sentence(
    setting: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raising.py").write_text(RAISING)
    (tmp_path / "mute.py").write_text(
        "class Mute(Exception):\n    def __str__(self): raise KeyError\nraise Mute\n"
    )
    document = '[study]\nname = "noise"\nimages = 1\n[noise]\n'
    key, _, value = setting.removeprefix("noise.").partition(".p=")
    (tmp_path / "own.toml").write_text(f"{document}{key} = {{ p = {value} }}\n")
    assert main(["study", "own.toml", "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line and len(line) <= 200


def test_code_that_was_changed_after_it_was_imported_is_not_taken_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "changing.py"
    path.write_text(RAISING)
    kind = load_object("noise kind", "changing.py:Fine")
    before = source_digest(kind)
    path.write_text(RAISING + "# changed\n")
    assert source_digest(kind) == before is not None


# Worker processes.


class OtherProcess(Workers):
    """A worker that has not registered what this process has."""

    def __init__(self) -> None:
        super().__init__(1)
        self.found: list[Report] = []

    free = 1

    def hand_out(self, study: str, tasks: Sequence[Task]) -> None:
        assert all(task.only_read for task in tasks)
        with pytest.MonkeyPatch.context() as patch:
            for registry in REGISTRIES:
                here = registry.registered_here()
                known = {name: each for name, each in registry.items() if name not in here}
                patch.setattr(registry, "_members", known)
            outcomes = run_chunk(study, tasks)
        self.found = [Report([task.identity for task in tasks], outcomes, died=False)]

    def reports(self) -> Iterator[Report]:
        yield from self.found


@pytest.mark.parametrize(
    ("file", "attribute", "name", "table"),
    [
        ("own_noise", "GateDephasing", "noise kind 'gate_dephasing'", "noise"),
        ("own_engine", "DensityMatrix", "engine 'density_matrix'", "study.engine"),
        ("own_loader", "SingularValues", "loader 'singular_values'", "study.loader"),
        ("own_overlap_test", "CrossedTest", "overlap test 'crossed'", "convolution.overlap"),
        ("own_filter", "BrickWall", "filter kind 'brick_wall'", "convolution.filters"),
        ("own_study", "STUDY", "study 'random_patches'", "study.name"),
    ],
)
def test_what_only_this_process_registered_is_refused_before_workers_measure(
    outside: Path, monkeypatch: pytest.MonkeyPatch, file: str, attribute: str, name: str, table: str
) -> None:
    kind, own = name.split(" '")[0], name.split("'")[1]
    register = getattr(qucnn_cirq, f"register_{kind.split()[0].replace('overlap', 'overlap_test')}")
    register(load_object(kind, f"{file}.py:{attribute}"))
    value = {"noise": {own: {"p": 0.1}}, "convolution.filters": {"kind": own}}.get(table, own)
    document: dict[str, dict[str, object]] = {"study": {"name": "noise", "images": 1}}
    document["convolution"] = {"kernel": 2, "filters": {"kind": "ansatz", "layers": 1}}
    put(document, table.split("."), value)
    study = study_named(document["study"]["name"])
    if kind == "study":
        document = {"study": document["study"]}
    monkeypatch.setattr(sweep_job, "_crew", lambda *rest: contextlib.nullcontext(OtherProcess()))
    with pytest.raises(InputError, match=f"do not know {name}, which this process .*: name it as"):
        sweep_job.run_sweep(study, document, Path("out"), sweep_job.RunOptions(), quiet=True)
    assert not Path("out").exists()


def test_a_study_that_no_worker_finds_by_its_name_is_refused_at_once(tmp_path: Path) -> None:
    unknown = dataclasses.replace(study_named("noise"), name="nowhere")
    with pytest.raises(InputError, match="none is 'nowhere': add it by qucnn_cirq.register_study"):
        sweep_job.run_sweep(unknown, {}, tmp_path / "out", sweep_job.RunOptions(), quiet=True)
    assert not (tmp_path / "out").exists()


# A study with a figure.


def test_a_study_of_ones_own_is_swept_drawn_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLES / "own_study.py", tmp_path)
    settings = ["noise=depolarizing", "noise.scale=[0.5, 1.0, 2.0]", "device=grid:4x4"]
    command = ["study", "own_study.py:STUDY", "--out", "out", "--workers", "2"]
    for setting in settings:
        command += ["--set", setting]
    assert main(command) == 0
    assert "largest error" in capsys.readouterr().out
    table = studies.load("out")
    assert table["noise.scale"].tolist() == [0.5, 1.0, 2.0]
    assert table["error"].is_monotonic_increasing
    assert studies.load_arrays("out", table["point"][0])["exact"].shape == (4, 1, 1, 1)
    for name in ("error", "device_map"):
        assert (tmp_path / "out" / f"{name}.png").exists()
    # Its code decides its numbers.
    (plan,) = {
        tuple(each["digests"]) for each in read_json(tmp_path / "out/plan.json")["decided_by"]
    }
    assert "study" in plan
    # In the same process it was named; a folder by itself imports nothing.
    assert main(["report", "out"]) == 0
    extensions._NAMED.clear()
    capsys.readouterr()
    assert main(["plot", "out"]) == 2
    assert "a folder imports nothing" in capsys.readouterr().err
    assert main(["export", "out", "--out", "table.csv"]) == 0


def test_a_registered_study_is_found_by_its_name() -> None:
    own = load_object("study", f"{EXAMPLES / 'own_study.py'}:STUDY")
    assert qucnn_cirq.register_study(own) is own
    assert study_named("random_patches") is own
    with pytest.raises(InputError, match="taken by a study of the package"):
        qucnn_cirq.register_study(dataclasses.replace(own, name="noise"))
    with pytest.raises(InputError, match="give an object of a subclass"):
        qucnn_cirq.register_study(3)
