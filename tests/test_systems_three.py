"""QuClassi, QuGAN and QuantumFlow in the systems study, against linear algebra."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq import ConvolutionSpec, DualAnsatz, compile_convolution
from qucnn_cirq.encodings import DenseAngle
from qucnn_cirq.engines import PauliTwirl
from qucnn_cirq.errors import InputError
from qucnn_cirq.heads import PrincipalComponents
from qucnn_cirq.heads.adversarial import shares_of_ones
from studies.systems.data import Data, selected
from studies.systems.figures import accuracy_data, plot_accuracy
from studies.systems.models import SYSTEMS, Model
from studies.systems.models.classical import flat
from studies.systems.running import Run

WILLOW = as_noise("willow_pink").configuration
assert WILLOW is not None


@functools.lru_cache(maxsize=2)
def some(key: str) -> Data:
    """A few threes and sixes."""
    return selected(key, 200, None, (3, 6))


def learnt(**settings: object) -> dict[str, Model]:
    """The models of a system by their roles, the last of each, after learning."""
    models = SYSTEMS.read(settings).models(1, (3, 6))
    for model in models:
        model.fit(some("images"), 1)
    return {model.role: model for model in models}


@pytest.mark.parametrize(
    ("overlap", "layers", "gates", "depth"),
    [
        ("ancilla", "s", 40, None),
        ("ancilla", "sd", 54, None),
        ("ancilla", "sde", 68, None),
        ("destructive", "s", 8, 1),
        ("destructive", "sd", 22, 15),
        ("inversion", "s", 0, 0),
        ("inversion", "sd", 14, 14),
    ],
)
def test_two_registers_of_eight_take_no_more_gates_than_their_parts(
    overlap: str, layers: str, gates: int, depth: int | None
) -> None:
    """Five CZ for each pair and the ancilla or one without, two for each pair of a layer."""
    spec = ConvolutionSpec(
        kernel=(1, 16), encoding="dense_angle", filters=DualAnsatz(layers), overlap=overlap
    )
    report = compile_convolution(spec, "willow_pink").report
    assert report.two_qubit_gates <= gates
    assert depth is None or report.two_qubit_depth <= depth


def test_classes_of_compiled_circuits_are_those_of_linear_algebra() -> None:
    model = learnt(kind="quclassi", architecture="sd", epochs=15, batch=5, rate=0.05)["model"]
    test = some("test_images")
    components = PrincipalComponents(16).fit(flat(some("images").images))
    states = DenseAngle().states(components.transform(flat(test.images)))
    classes = model.specs[0].filter_list[0].states(8, model.parameters[0])
    wanted = np.abs(states.conj() @ classes.T) ** 2
    for run in (Run(), Run(noise=as_noise({"readout": {"p01": 1e-12}}).configuration)):
        maps = run.maps(model.specs[0], model.parameters[0], model.inputs(test.images)[0])
        np.testing.assert_allclose(maps[:, :, 0, 0], wanted, atol=1e-9)
    assert model.tested(test, Run(noise=WILLOW))["correct"] > 0.8 * len(test.labels)


def test_the_authors_rule_keeps_the_class_of_the_largest_overlap() -> None:
    settings = {"architecture": "s", "training": "own_class", "epochs": 3, "rate": 0.01}
    models = learnt(kind="quclassi", **settings)
    assert "unentangled" not in models  # It has no entanglers itself.
    test, model = some("test_images"), models["model"]
    seen = model.inputs(test.images)[0]
    overlaps = Run().maps(model.specs[0], model.parameters[0], seen)[:, :, 0, 0]
    named = np.array([3, 6])[overlaps.argmax(axis=1)]
    assert model.tested(test, Run())["correct"] == (named == test.labels).sum()


def test_what_a_generator_makes_has_the_mean_of_its_state() -> None:
    models = learnt(kind="qugan", architecture="sd", epochs=2, samples=4000)
    model = models["model"]
    (angles,), body = model.parameters, model.specs[0].filter_list[0]
    chances = np.abs(body.states(4, angles)) ** 2
    for made, own in zip(model.made(Run(seed=3)), chances, strict=True):
        bits = np.arange(16)[:, None] >> np.arange(4)[::-1] & 1
        np.testing.assert_allclose(made.mean(axis=0), own @ bits, atol=0.01)
        drawn = shares_of_ones(own, 4000, 20, np.random.default_rng(0))
        np.testing.assert_allclose(np.cov(made.T), np.cov(drawn.T), atol=2e-3)
    ideal, noisy = (model.made(Run(noise=noise, seed=3)) for noise in (Run().noise, WILLOW))
    assert all((one != other).any() for one, other in zip(ideal, noisy, strict=True))


def test_of_classical_samples_the_images_themselves_are_nearest() -> None:
    system = SYSTEMS.read({"kind": "qugan", "epochs": 1})
    found = {}
    for model in system.models(0, (3, 6)):
        if model.role == "classical":
            model.fit(some("images"), 0)
            found[model.label] = float(model.tested(some("images"), Run())["hellinger"] or 0)
    assert 0 < found["training images"] < found["normal"] < found["binomial at the mean"] < 0.5


@pytest.mark.parametrize("number", [0, 1])
def test_a_digit_of_one_image_has_no_distribution(number: int) -> None:
    images = np.random.default_rng(0).random((5, 4, 4))
    model = SYSTEMS.read({"kind": "qugan", "components": 2}).models(0, (3, 6))[-number]
    with pytest.raises(InputError, match="show 6 once"):
        model.fit(Data(images, np.array([3, 3, 3, 3, 6])), 0)


@pytest.mark.filterwarnings("error")
def test_neurons_learn_of_one_image_a_digit() -> None:
    images = np.random.default_rng(0).random((2, 8, 8))
    data = Data(images, np.array([3, 6]))
    for model in SYSTEMS.read({"kind": "quantumflow", "epochs": 2}).models(0, (3, 6)):
        model.fit(data, 0)


def test_circuits_are_those_that_have_shots() -> None:
    spec = ConvolutionSpec((1, 2), filters=DualAnsatz("sd"), encoding="angle", measurement="z")
    coherent = NoiseConfiguration.from_mapping({"coherent": {"angle": 0.1}})
    readout = NoiseConfiguration.from_mapping({"readout": {"p01": 0.1}})
    run = Run(noise=coherent, twirl=PauliTwirl(16))
    (compiled,) = run.program(spec).filters
    assert run.circuits(compiled) == 16
    assert replace(run, shots=5).circuits(compiled) == 5
    assert replace(run, noise=readout).circuits(compiled) == 1
    assert replace(run, twirl=None).circuits(compiled) == 1


def test_neurons_have_weights_of_one_size_and_outputs_of_their_formula() -> None:
    models = learnt(kind="quantumflow", epochs=5, neurons=3)
    (small,) = models["model"].inputs(some("test_images").images)
    rows = small.reshape(len(small), 16)
    for role in ("model", "unentangled"):
        (spec,) = models[role].specs
        weights = np.array([each.fixed_vector(4) for each in spec.filter_list])
        np.testing.assert_allclose(np.abs(weights), 0.25)
        maps = Run().maps(spec, models[role].parameters[0], small)[:, :, 0, 0]
        wanted = (rows @ np.sign(weights).T) ** 2 / 16 / (rows**2).sum(axis=1)[:, None]
        np.testing.assert_allclose(maps, wanted, atol=1e-12)
        ranks = [np.linalg.matrix_rank(each.reshape(4, 4)) for each in weights]
        assert role == "model" or set(ranks) == {1}
    for model in models.values():
        assert model.tested(some("test_images"), Run())["correct"] > 20


def test_distances_are_drawn_where_no_images_are_named() -> None:
    rows = [
        {"noise.scale": scale, "repeat": repeat, "role": role, "control": role, "model": "m",
         "hellinger": 0.2 + 0.1 * repeat + 0.01 * scale, "tested": 30, "circuits": 3}
        for scale in (0.0, 1.0) for repeat in (0, 1) for role in ("model", "classical")
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    data = accuracy_data(table)
    one = data[(data["role"] == "model") & (data["noise.scale"] == 1.0)]
    assert one["mean"].iloc[0] == pytest.approx(0.26)
    assert (one["low"].iloc[0], one["high"].iloc[0]) == pytest.approx((0.21, 0.31))
    axes = plot_accuracy(Figure().subplots(), table)
    assert axes.get_ylabel() == "Hellinger distance, 30 test images"
