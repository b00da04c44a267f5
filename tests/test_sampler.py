"""The sampler and auto engines, and shots of qsim against exact means over many items."""

from __future__ import annotations

import attrs
import cirq
import numpy as np
import pytest
from scipy import stats

from noise_models import as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QCNNBody,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
    compile_windows,
    window_overlaps,
)
from qucnn_cirq.engines import engine_names, make_engine
from qucnn_cirq.engines.auto import AutoEngine
from qucnn_cirq.engines.qsim import final_state_means
from qucnn_cirq.engines.sampler import SamplerEngine
from qucnn_cirq.errors import InputError

NOISE = {"depolarizing": {"p1": 0.01, "p2": 0.05}, "readout": {"p01": 0.02, "p10": 0.06}}
PATCHES = np.random.default_rng(8).uniform(0.1, 1.0, (12, 2, 2))


def program_for(overlap: str = "ancilla", device: str = "grid:4x5", **more: object):
    spec = ConvolutionSpec(kernel=2, filters=XZAnsatz(layers=1), overlap=overlap, **more)
    return compile_convolution(spec, device)


def z_scores(program, engine, noise, shots, images=PATCHES, exact_noise=None, seed=1):
    """Deviations of an engine's estimates from exact means, in standard deviations."""
    parameters = np.random.default_rng(3).uniform(0, 6, (1, 4))
    settings = {"seed": seed, "parameters": parameters}
    exact = QuantumConvolution(
        program, engine="exact", noise=noise if exact_noise is None else exact_noise, shots=None,
        **settings,
    )  # fmt: skip
    sampled = QuantumConvolution(program, engine=engine, noise=noise, shots=shots, **settings)
    means = exact.run(images).estimates
    observable = program.filters[0].template.observable
    deviation = sampled.run(images).estimates - means
    return (deviation / np.sqrt(observable.variance(means, shots))).ravel()


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("noise", [None, NOISE])
def test_the_density_matrix_sampler_agrees_with_exact_means(overlap, noise):
    z = z_scores(program_for(overlap), "sampler", noise, 2000)
    assert len(z) == 12
    # One in 10,000.
    assert (z**2).sum() < stats.chi2.isf(1e-4, 12)
    assert np.abs(z).max() > 0.1


def test_a_backward_program_can_be_sampled():
    z = z_scores(program_for(backward=True), "sampler", NOISE, 1000)
    assert (z**2).sum() < stats.chi2.isf(1e-4, 12)


def test_the_same_seed_gives_the_same_counts():
    program = program_for()
    counts = [
        QuantumConvolution(program, engine="sampler", noise=NOISE, shots=100, seed=seed)
        .run(PATCHES[:3])
        .counts
        for seed in (5, 5, 6)
    ]
    np.testing.assert_array_equal(counts[0], counts[1])
    assert (counts[0] != counts[2]).any()


def test_any_sampler_can_be_given():
    class Counting(cirq.Simulator):
        calls = 0

        def run_batch(self, programs, params_list=None, repetitions=1):
            Counting.calls += 1
            return super().run_batch(programs, params_list, repetitions)

    z = z_scores(program_for(), SamplerEngine(Counting(seed=1)), None, 500)
    assert (z**2).sum() < stats.chi2.isf(1e-4, 12)
    assert Counting.calls == 1


@pytest.mark.parametrize("name", ["virtual:willow_pink", "virtual:rainbow"])
def test_a_virtual_processor_agrees_with_exact_means_of_its_calibration(name):
    processor = name.removeprefix("virtual:")
    program = program_for(device=processor)
    parameters = np.random.default_rng(3).uniform(0, 6, (1, 4))
    images = PATCHES[:4]
    exact = QuantumConvolution(
        program, engine="exact", noise=processor, shots=None, parameters=parameters
    )
    virtual = QuantumConvolution(program, engine=name, shots=400, parameters=parameters)
    means = exact.run(images).estimates
    variance = program.filters[0].template.observable.variance(means, 400)
    z = (virtual.run(images).estimates - means) / np.sqrt(variance)
    # The virtual processor cannot be seeded: one false alarm in a million.
    assert (z**2).sum() < stats.chi2.isf(1e-6, z.size)
    assert name in engine_names()


def test_what_a_sampler_cannot_do_is_refused():
    program = program_for(device="willow_pink")
    with pytest.raises(InputError, match="leave noise out"):
        QuantumConvolution(program, engine="virtual:willow_pink", noise=NOISE).run(PATCHES)
    with pytest.raises(InputError, match="takes shots"):
        QuantumConvolution(program, engine="sampler", shots=None).run(PATCHES)
    with pytest.raises(InputError, match="willow_pink"):
        make_engine("virtual:willow")
    with pytest.raises(InputError, match="virtual:rainbow"):
        make_engine("virtual")


def test_a_processor_without_feed_forward_says_so():
    body = QCNNBody(pooling="measured")
    spec = ConvolutionSpec(
        kernel=2,
        filters=body,
        encoding="amplitudes",
        measurement={"kind": "z", "qubits": [body.read_qubit(2)]},
    )
    program = compile_convolution(spec, "willow_pink")
    layer = QuantumConvolution(program, engine="virtual:willow_pink", shots=2)
    with pytest.raises(InputError, match="ValueError.* pooling = 'deferred'"):
        layer.forward(PATCHES[:1])

    class Broken(cirq.Simulator):
        def run_batch(self, *arguments, **settings):
            raise RuntimeError("the fridge is warm")

    # Where nothing is controlled the sampler's own error is all there is to say.
    plain = attrs.evolve(spec, filters=QCNNBody())
    layer = QuantumConvolution(compile_convolution(plain, "willow_pink"), Broken(), shots=2)
    with pytest.raises(RuntimeError, match="the fridge is warm"):
        layer.forward(PATCHES[:1])


def test_auto_takes_the_exact_engine_where_it_can():
    program = program_for()
    layers = {
        name: QuantumConvolution(program, engine=name, noise=NOISE, shots=50, seed=2)
        for name in ("auto", "exact")
    }
    counts = {name: layer.run(PATCHES).counts for name, layer in layers.items()}
    np.testing.assert_array_equal(counts["auto"], counts["exact"])
    reason = layers["auto"].engine.reason
    assert reason.startswith("exact: ")
    assert "\n" not in reason


def test_auto_falls_back_and_refuses_with_the_size():
    # Routed, data and filter change places, so that nothing factors.
    program = compile_convolution(
        ConvolutionSpec(kernel=(8, 16), filters=XZAnsatz(layers=1)),
        "grid:3x5",
        layout="routed",
        loader="multiplexed",
    )
    template = program.filters[0].template
    noisy = as_noise({"depolarizing": {"p1": 0.001, "p2": 0.005}})
    engine, reason = AutoEngine().choose(template, as_noise(None), None)
    assert (engine.name, reason) == (
        "qsim",
        "qsim: a state vector of 15 qubits; not exact: the state of a patch has 15 qubits, which "
        "takes 8.0 GiB; the exact engine goes up to 11 qubits",
    )
    engine, reason = AutoEngine().choose(template, noisy, 100)
    assert (engine.name, reason.startswith("qsim: shots")) == ("qsim", True)
    patch = np.eye(1, 128)
    tables = {
        "patch": program.filters[0].loader.angles(patch),
        "filter": program.filters[0].filter_table(np.zeros((1, program.spec.n_parameters))),
    }
    # 15 qubits fit as a state vector, but not twice.
    assert final_state_means(template, as_noise(None), tables).item() == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="30 qubits takes"):
        final_state_means(template, noisy, tables)
    with pytest.raises(InputError, match="8 GiB as a density matrix"):
        AutoEngine().choose(template, noisy, None)
    with pytest.raises(InputError, match="15 qubits, which takes 8.0 GiB"):
        QuantumConvolution(program, engine="exact", noise=noisy, shots=None).run(
            np.ones((1, 8, 16))
        )


def test_auto_takes_a_density_matrix_where_nothing_factors_and_it_fits():
    spec = ConvolutionSpec(kernel=(4, 4), filters=XZAnsatz(layers=1))
    program = compile_convolution(spec, "grid:1x9", layout="routed")
    template = program.filters[0].template
    assert len(template.qubits) == 9
    for shots in (None, 10):
        engine, reason = AutoEngine().choose(template, as_noise(NOISE), shots)
        assert (engine.name, reason.partition(":")[0]) == ("qsim_density", "qsim_density")


def test_every_engine_refuses_what_does_not_fit_beforehand():
    """Nothing is simulated: a process without memory to spare would be killed without a word."""
    # A data register of 24 qubits, the filter and the ancilla: 1 GiB as a state vector.
    line = cirq.LineQubit.range(24)
    chain = cirq.Circuit(cirq.H(line[0]), map(cirq.CNOT, line, line[1:]))
    program = compile_windows(
        chain, FixedFilter([1, 0, 0, 1]), "grid:6x30", size=2, windows=[line[-2:]]
    )
    for engine, noise, message in (
        ("qsim", NOISE, r"state of 27 qubits takes 1.0 GiB.*; use a smaller kernel"),
        ("qsim", None, r"state of 27 qubits takes 1.0 GiB.*; use a smaller kernel"),
        ("sampler", NOISE, r"state of 54 qubits takes 134217728.0 GiB"),
    ):
        with pytest.raises(InputError, match=message):
            window_overlaps(program, engine=engine, noise=noise, shots=1)
    shorter = compile_windows(
        chain[:13], FixedFilter([1, 0, 0, 1]), "grid:6x30", size=2, windows=[line[11:13]]
    )
    with pytest.raises(InputError, match="use engine = 'qsim' with shots or a smaller"):
        window_overlaps(shorter, engine="sampler", noise=NOISE, shots=1)


def test_pooled_shots_of_qsim_agree_with_exact_means_and_would_notice_ten_percent():
    """Chi-squared and mean z over 200 items, at the 1 % level each."""
    generator = np.random.default_rng(12)
    images = generator.uniform(0.1, 1.0, (200, 2, 2))
    program = program_for("inversion")
    noise = {"depolarizing": {"p1": 0.0, "p2": 0.15}}
    wrong = {"depolarizing": {"p1": 0.0, "p2": 0.165}}
    settings = {"seed": 1, "parameters": np.random.default_rng(3).uniform(0, 6, (1, 4))}
    layer = QuantumConvolution(program, engine="qsim", noise=noise, shots=1500, **settings)
    estimates = layer.run(images).estimates
    verdicts = {}
    for name, exact_noise in (("right", noise), ("wrong", wrong)):
        exact = QuantumConvolution(
            program, engine="exact", noise=exact_noise, shots=None, **settings
        )
        means = exact.run(images).estimates
        variance = program.filters[0].template.observable.variance(means, 1500)
        z = ((estimates - means) / np.sqrt(variance)).ravel()
        total = (z**2).sum()
        chi_squared = 2 * min(stats.chi2.sf(total, len(z)), stats.chi2.cdf(total, len(z)))
        mean = 2 * stats.norm.sf(abs(z.mean()) * np.sqrt(len(z)))
        verdicts[name] = min(chi_squared, mean)
    assert verdicts["right"] > 0.01
    assert verdicts["wrong"] < 1e-4
