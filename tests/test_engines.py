"""The engines agree with each other and with Cirq's density matrix."""

import cirq
import cirq_google
import numpy as np
import pytest
import qsimcirq
from helpers import density_matrix_mean

from noise_models import as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    compile_convolution,
    load_device,
)
from qucnn_cirq.engines import ENGINES, Streams, make_engine, prepared
from qucnn_cirq.engines.arrays import NUMPY
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.engines.factoring import factor
from qucnn_cirq.engines.process import physical_process
from qucnn_cirq.engines.steps import Turn

DEPOLARIZING = {"depolarizing": {"p1": 0.01, "p2": 0.03}, "readout": {"p01": 0.02, "p10": 0.07}}
NOISES = {
    "depolarizing": DEPOLARIZING,
    "idle and coherent": {"depolarizing": {"p1": 0.004}, "idle": 0.003, "coherent": {"angle": 0.1}},
    "thermal": {"thermal": {"t1": 5.0, "t2": 4.0}, "readout": {"p10": 0.1}},
    "readout only": {"readout": {"p01": 0.05, "p10": 0.2}},
    "strong": {"depolarizing": {"p1": 0.75, "p2": 0.2}},
}


def means(program, patch, engine, noise, parameters=None):
    shape = (program.spec.n_filters, program.spec.n_parameters)
    layer = QuantumConvolution(
        program,
        engine=engine,
        noise=noise,
        shots=None,
        parameters=np.zeros(shape) if parameters is None else parameters,
    )
    return layer.run(np.asarray(patch)[None]).estimates[:, 0]


@pytest.mark.parametrize("noise", list(NOISES))
@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_exact_equals_the_density_matrix(overlap, noise):
    generator = np.random.default_rng(1)
    filters = [FixedFilter(generator.normal(size=(2, 2))) for _ in range(2)]
    spec = ConvolutionSpec(kernel=(2, 2), filters=filters, overlap=overlap)
    patch = generator.normal(size=(2, 2))
    for layout in ("auto", "routed"):
        program = compile_convolution(spec, "grid:4x5", layout=layout)
        expected = [
            density_matrix_mean(program, patch, NOISES[noise], filter_index=i) for i in (0, 1)
        ]
        found = means(program, patch, "exact", NOISES[noise])
        np.testing.assert_allclose(found, expected, atol=1e-8)
        doubled = means(program, patch, "qsim_density", NOISES[noise])
        np.testing.assert_allclose(doubled, expected, atol=2e-6)


@pytest.mark.parametrize(
    ("device", "gate_set", "noise"),
    [
        ("willow_pink", "cz", DEPOLARIZING),
        ("willow_pink", "cz", "willow_pink"),
        ("weber", "sqrt_iswap", "weber"),
        ("rainbow", "syc", "rainbow"),
    ],
)
def test_exact_equals_the_doubled_register_on_4x4(device, gate_set, noise):
    generator = np.random.default_rng(2)
    spec = ConvolutionSpec(filters=FixedFilter(generator.normal(size=(4, 4))))
    program = compile_convolution(spec, device, gate_set=gate_set)
    patch = generator.normal(size=(4, 4))
    exact = means(program, patch, "exact", noise)
    np.testing.assert_allclose(means(program, patch, "qsim_density", noise), exact, atol=3e-6)


def test_direct_gates_give_what_qsimcirq_gives():
    generator = np.random.default_rng(4)
    spec = ConvolutionSpec(filters=FixedFilter(generator.normal(size=(4, 4))))
    program = compile_convolution(spec, "willow_pink")
    patch = generator.normal(size=(4, 4))
    circuit = program.circuit(patch)[:-1]
    (qubit,) = program.filters[0].template.observable.qubits
    (expected,) = qsimcirq.QSimSimulator().simulate_expectation_values(circuit, cirq.Z(qubit))
    assert means(program, patch, "qsim", None)[0] == pytest.approx(expected.real, abs=2e-6)


@pytest.mark.parametrize("noise", list(NOISES))
def test_shots_of_qsim_agree_with_the_density_matrix_within_three_standard_errors(noise):
    # Seeded, so that the false-alarm rate of 0.3 % a case is drawn once and for all.
    generator = np.random.default_rng(5)
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(generator.normal(size=(2, 2))))
    program = compile_convolution(spec, "grid:4x5")
    patch = generator.normal(size=(2, 2))
    expected = density_matrix_mean(program, patch, NOISES[noise])
    layer = QuantumConvolution(program, engine="qsim", noise=NOISES[noise], shots=4000, seed=11)
    outcome = layer.run(patch[None])
    if noise == "readout only":
        assert outcome.exact is not None
    else:
        assert outcome.exact is None, "noisy shots must not be drawn from an exact mean"
    sigma = np.sqrt((1 - expected**2) / 4000)
    assert abs(outcome.estimates[0, 0] - expected) < 3 * sigma


def test_noise_model_of_the_user():
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(np.arange(1, 5)))
    program = compile_convolution(spec, "grid:4x5")
    patch = np.array([[1.0, 2.0], [-1.0, 0.5]])
    noise = cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.02))
    expected = density_matrix_mean(program, patch, noise)
    assert means(program, patch, "exact", noise)[0] == pytest.approx(expected, abs=1e-8)
    assert abs(expected - density_matrix_mean(program, patch, None)) > 1e-3


def test_process_factors_for_layouts():
    for overlap in ("ancilla", "destructive", "inversion"):
        spec = ConvolutionSpec(filters=FixedFilter(np.arange(1, 17)), overlap=overlap)
        template = compile_convolution(spec, "willow_pink").filters[0].template
        process = factor(physical_process(template, as_noise(DEPOLARIZING)), template)
        assert len(process.data_qubits) == 4
        assert process.is_cut
        turns = [step for step in process.meeting if isinstance(step, Turn)]
        assert not any(turn.angle.table == "patch" for turn in turns)
        assert {turn.angle.table for turn in process.patch if isinstance(turn, Turn)} == {"patch"}
        # The comparison of two known vectors has no filter register to meet: noise is all there is.
        assert bool(process.filter) == (overlap != "inversion")


def test_exact_refuses_what_does_not_fit_and_says_how_much():
    spec = ConvolutionSpec(kernel=(8, 8), filters=FixedFilter(np.arange(1, 65)))
    device = load_device("ooooo\nooooo\nooo..\n")
    program = compile_convolution(spec, device, layout="routed", loader="multiplexed")
    with pytest.raises(InputError, match=r"state of a patch has 13 qubits, which takes 0.5 GiB"):
        means(program, np.ones((8, 8)), "exact", DEPOLARIZING)


def test_exact_refuses_a_meeting_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(prepared, "_LARGEST_TENSOR", 2**6)
    program = compile_convolution(ConvolutionSpec(filters=FixedFilter(np.arange(1, 17))))
    with pytest.raises(InputError, match=r"meeting of data and filter takes .* up to 0.0 GiB"):
        means(program, np.ones((4, 4)), "exact", DEPOLARIZING)


@pytest.mark.parametrize("test", ["ancilla", "destructive", "inversion"])
def test_large_registers_are_exact_without_large_tensors(test):
    """Seven qubits a register; by qsim the ideal state vector of up to fifteen."""
    generator = np.random.default_rng(6)
    kernel = generator.normal(size=(8, 16))
    kernel /= np.linalg.norm(kernel)
    spec = ConvolutionSpec(kernel=(8, 16), filters=FixedFilter(kernel), overlap=test)
    program = compile_convolution(spec, "willow_pink")
    patch = generator.normal(size=(8, 16))
    noisy = means(program, patch, "exact", DEPOLARIZING)[0]
    ideal = means(program, patch, "exact", None)[0]
    assert ideal == pytest.approx(means(program, patch, "qsim", None)[0], abs=1e-6)
    assert ideal == pytest.approx(
        (patch.ravel() @ kernel.ravel()) ** 2 / (patch**2).sum(), abs=1e-12
    )
    assert abs(noisy - ideal) > 1e-4
    template = program.filters[0].template
    assert prepared.prepare(template, as_noise(DEPOLARIZING), NUMPY).meeting.elements <= 4**10


def test_unhashable_channels_of_cirq_googles_own_model():
    properties = cirq_google.engine.load_device_noise_properties("willow_pink")
    noise = cirq_google.NoiseModelFromGoogleNoiseProperties(properties)
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(np.arange(1, 5)))
    program = compile_convolution(spec, "willow_pink")
    patch = np.array([[1.0, 2.0], [-1.0, 0.5]])
    expected = density_matrix_mean(program, patch, noise)
    assert means(program, patch, "exact", noise)[0] == pytest.approx(expected, abs=1e-8)


def test_streams_belong_to_images_and_filters():
    probabilities = np.full((2, 6), 0.4)
    images = np.array([3, 3, 3, 8, 8, 8])
    whole = Streams(1, (0, 1), images).binomial(1000, probabilities)
    alone = Streams(1, (1,), images[3:]).binomial(1000, probabilities[:1, 3:])
    np.testing.assert_array_equal(alone[0], whole[1, 3:])
    assert len(np.unique(Streams(1, (0, 1), images).item_seeds())) == 12
    assert (Streams(2, (0, 1), images).binomial(1000, probabilities) != whole).any()


def test_engines_by_name():
    assert isinstance(make_engine("exact"), ExactEngine)
    assert {"qsim", "qsim_density", "exact", "sampler", "auto", "virtual"} <= set(ENGINES)
    with pytest.raises(InputError, match="Did you mean 'exact'"):
        make_engine("exat")


def test_an_exact_engine_does_not_confuse_noises_filters_or_circuits():
    engine = ExactEngine()
    generator = np.random.default_rng(5)
    patch = generator.normal(size=(2, 2))
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(generator.normal(size=(2, 2))))
    other = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(generator.normal(size=(2, 2))))
    programs = [compile_convolution(each, "grid:4x5") for each in (spec, other)]
    settings = [(program, noise) for program in programs for noise in (None, *NOISES.values())]
    # Twice, so that the second time all is remembered.
    for program, noise in settings * 2:
        found = means(program, patch, engine, noise)
        np.testing.assert_array_equal(found, means(program, patch, ExactEngine(), noise))
