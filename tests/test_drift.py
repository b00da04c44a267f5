"""Rates that drift from image to image."""

import cirq
import numpy as np
import pytest

from noise_models import DriftNoise, NoiseConfiguration, NoiseError, as_noise
from noise_models.drift import MOST_DEVIATIONS
from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.budget import error_budget
from qucnn_cirq.engines.drifting import chebyshev_nodes
from qucnn_cirq.layer import QuantumConvolution

NOISE = {
    "depolarizing": {"p1": 0.002, "p2": 0.01},
    "coherent": {"angle": 0.1},
    "thermal": {"t1": 20, "t2": 15},
    "preparation": {"p": 0.01},
    "readout": {"p01": 0.01, "p10": 0.03},
}
IMAGES = np.random.default_rng(3).random((5, 4, 4))
SPEC = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1.0, -2.0, 0.5, 3.0]), stride=2)


@pytest.fixture(scope="module")
def program():
    return compile_convolution(SPEC, "grid:3x4")


def layer(program, drift, engine="exact", shots=None, **settings):
    noise = NOISE if drift is None else {**NOISE, "drift": drift}
    return QuantumConvolution(program, engine, noise, shots, seed=7, **settings)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.95])
def test_factors_have_their_moments(correlation):
    drift = DriftNoise(0.2, correlation)
    each = [drift.deviations(seed, np.arange(8)) for seed in range(1500)]
    x = np.array(each)
    for lag in (0, 1, 4):
        expected = correlation**lag if lag else 1.0
        found = float(np.mean(x[:, 0] * x[:, lag]))
        assert found == pytest.approx(expected, abs=0.12)
    factors = np.array([drift.factor(value) for value in x[:, 3]])
    assert factors.mean() == pytest.approx(1, abs=0.02)
    assert factors.std() == pytest.approx(0.2, abs=0.015)
    assert np.abs(x).max() <= MOST_DEVIATIONS


def test_factors_belong_to_seed_and_image():
    drift = DriftNoise(0.2, 0.9)
    whole = drift.deviations(5, np.arange(20))
    some = drift.deviations(5, np.array([7, 3, 7, 19]))
    assert np.array_equal(some, whole[[7, 3, 7, 19]])
    assert not np.any(whole == drift.deviations(6, np.arange(20)))
    assert len(set(drift.deviations(5, np.array([2**62 + 1, 2**62 + 2**40])))) == 2


def expected(program, drift, **settings):
    """Image by image, with rates that were multiplied beforehand."""
    own = DriftNoise(**drift)
    (deviations,) = [own.deviations(7, np.arange(len(IMAGES)))]
    maps = []
    for number, value in enumerate(deviations):
        noise = as_noise(NOISE).times(own.factor(value))
        plain = QuantumConvolution(
            program, settings.get("engine", "exact"), noise, settings.get("shots"), seed=7
        )
        maps.append(plain.forward(IMAGES[number : number + 1], image_ids=[number]))
    return np.concatenate(maps)


@pytest.mark.parametrize(
    ("drift", "tolerance"),
    [
        ({"sd": 0.1}, 1e-9),
        ({"sd": 0.2, "correlation": 0.9}, 1e-9),
        ({"sd": 0.5}, 1e-8),
    ],
)
@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_means_are_those_of_every_image(overlap, drift, tolerance):
    spec = ConvolutionSpec(kernel=(2, 2), filters=SPEC.filters, stride=2, overlap=overlap)
    program = compile_convolution(spec, "grid:3x4")
    found = layer(program, drift).forward(IMAGES, image_ids=range(5))
    wanted = expected(program, drift)
    assert np.abs(found - wanted).max() < tolerance
    plain = layer(program, None).forward(IMAGES, image_ids=range(5))
    assert np.abs(found - plain).max() > 1e-4
    alone = layer(program, drift).forward(IMAGES[3:4], image_ids=[3])
    np.testing.assert_allclose(alone, found[3:4], atol=1e-13)


@pytest.mark.parametrize("engine", ["qsim", "sampler", "qsim_density", "auto"])
def test_shots_are_those_of_every_image(program, engine):
    drift = {"sd": 0.3, "correlation": 0.5}
    shots = 200
    found = layer(program, drift, engine, shots).forward(IMAGES[:3], image_ids=range(3))
    wanted = expected(program, drift, engine=engine, shots=shots)[:3]
    if engine in ("qsim_density", "auto"):
        # Interpolated means differ in the last digits, and hardly ever a count.
        assert np.mean(found == wanted) > 0.9
    else:
        assert np.array_equal(found, wanted)


def test_shots_of_exact_means_scatter_about_them(program):
    drift = {"sd": 0.3}
    means = layer(program, drift).forward(IMAGES, image_ids=range(5))
    found = layer(program, drift, shots=100_000).forward(IMAGES, image_ids=range(5))
    assert np.abs(found - means).max() < 0.02
    kept = layer(program, drift, shots=100_000, keep_outcomes=True)
    again = kept.forward(IMAGES, image_ids=range(5))
    assert np.abs(again - means).max() < 0.02


def test_gradients_know_it():
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1), stride=2)
    program = compile_convolution(spec, "grid:3x4")
    own = layer(program, {"sd": 0.2})
    maps = own.forward(IMAGES, image_ids=range(5))
    step = 1e-4
    shifted = own.parameters.copy()
    shifted[0, 0] += step
    moved = layer(program, {"sd": 0.2}, parameters=shifted)
    difference = (moved.forward(IMAGES, image_ids=range(5)) - maps).sum() / step
    gradient = own.backward(np.ones_like(maps))
    assert np.ravel(gradient)[0] == pytest.approx(difference, abs=1e-3)


def test_what_does_not_know_images_refuses_it(program):
    noise = as_noise({**NOISE, "drift": {"sd": 0.1}})
    circuit = cirq.Circuit(cirq.X(cirq.GridQubit(0, 0)))
    for use in (
        lambda: noise.noisy_circuit(circuit),
        lambda: circuit.with_noise(noise.gate_model),
        lambda: noise.readout(cirq.GridQubit(0, 0)),
        lambda: noise.joint_readout([]),
        lambda: error_budget(program, noise, IMAGES),
        lambda: layer(program, {"sd": 0.1}, keep_outcomes=True).forward(IMAGES),
        lambda: layer(program, {"sd": 0.1}, mitigation="readout", shots=10).forward(IMAGES),
        lambda: layer(program, {"sd": 0.1}, mitigation="pec", shots=100).forward(IMAGES),
        lambda: layer(program, {"sd": 0.1}, mitigation="zne", shots=100).forward(IMAGES),
    ):
        with pytest.raises(InputError, match="drift"):
            use()
    assert noise.nominal == as_noise(NOISE)
    assert noise.nominal.noisy_circuit(circuit) == as_noise(NOISE).noisy_circuit(circuit)


def test_it_is_plain_data():
    noise = NoiseConfiguration(**NOISE, drift={"sd": 0.1, "correlation": 0.9})
    assert noise.drift == DriftNoise(0.1, 0.9)
    assert NoiseConfiguration.from_toml(noise.to_toml()) == noise
    assert as_noise(noise).times(2.0).configuration.scale == 2.0
    for mapping, message in (
        ({"sd": 0.6}, "drift.sd = 0.6 is not allowed"),
        ({}, "drift.sd is missing"),
        ({"sd": 0.1, "correlation": 1}, "drift.correlation = 1 is not allowed"),
    ):
        with pytest.raises(NoiseError, match=message):
            as_noise({"drift": mapping})
    assert len(chebyshev_nodes(DriftNoise(0.1))) == 11
    still = as_noise({**NOISE, "drift": {"sd": 0.0, "correlation": 0.9}})
    assert still.drift is None and still.readout(cirq.LineQubit(0)) == (0.01, 0.03)


def test_means_over_all_drifts_are_those_of_many(program):
    noise = as_noise({**NOISE, "drift": {"sd": 0.2}})
    parts = noise.over_drift()
    assert sum(weight for _, weight in parts) == pytest.approx(1)
    maps = [QuantumConvolution(program, "exact", own, None).forward(IMAGES[:1]) for own, _ in parts]
    moments = [
        sum(weight * each**power for each, (_, weight) in zip(maps, parts, strict=True))
        for power in (1, 2)
    ]
    # The same by integrating numerically over the cut normal distribution.
    x = np.linspace(-MOST_DEVIATIONS, MOST_DEVIATIONS, 41)
    density = np.exp(-(x**2) / 2)
    density /= density.sum()
    drift = DriftNoise(0.2)
    fine = np.array(
        [
            QuantumConvolution(program, "exact", noise.times(drift.factor(each)), None).forward(
                IMAGES[:1]
            )
            for each in x
        ]
    )
    for power, found in zip((1, 2), moments, strict=True):
        wanted = np.tensordot(density, fine**power, 1)
        assert np.abs(found - wanted).max() < 2e-6
    # And by many images that are alike.
    repeated = np.repeat(IMAGES[:1], 4000, axis=0)
    many = layer(program, {"sd": 0.2}).forward(repeated, image_ids=range(4000))
    spread = np.sqrt(moments[1] - moments[0] ** 2)
    assert np.all(np.abs(many.mean(axis=0) - moments[0][0]) < 4 * spread / np.sqrt(4000))
    assert as_noise(NOISE).over_drift() == [(as_noise(NOISE), 1.0)]


def test_a_realisation_takes_the_place_of_the_seed(program):
    drift = {"sd": 0.2, "correlation": 0.5}
    maps = [
        QuantumConvolution(
            program, "exact", {**NOISE, "drift": {**drift, **own}}, None, seed=seed
        ).forward(IMAGES, image_ids=range(5))
        for seed, own in ((7, {}), (1, {"realisation": 7}), (2, {"realisation": 7}), (1, {}))
    ]
    for other in maps[1:3]:
        np.testing.assert_allclose(other, maps[0], atol=1e-13)
    assert np.abs(maps[3] - maps[0]).max() > 1e-5
    with pytest.raises(NoiseError, match="drift.realisation = -1 is not allowed"):
        as_noise({"drift": {"sd": 0.1, "realisation": -1}})
