"""The exact engine against Cirq's density matrix: every test, every noise, any mixture.

The other side takes nothing of the engines: the bound circuit with noise as channels, and the
observable evaluated on every bit pattern.
"""

import cirq
import numpy as np
import pytest
from helpers import mean_of
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.exact import ExactEngine

TOLERANCE = 1e-8
OVERLAPS = ("ancilla", "destructive", "inversion")


def tables_of(program: Program, seed: int) -> dict[str, np.ndarray]:
    """One random patch, angles and back-propagated value."""
    generator = np.random.default_rng(seed)
    spec, compiled = program.spec, program.filters[0]
    state = np.zeros((1, 2**spec.register_qubits))
    state[0, : spec.n_elements] = generator.normal(size=spec.n_elements)
    parameters = generator.uniform(0, 2 * np.pi, (1, spec.n_parameters))
    tables = {
        "patch": compiled.loader.angles(state / np.linalg.norm(state)),
        "filter": compiled.filter_table(parameters if spec.n_parameters else None),
    }
    if spec.backward:
        tables["upstream"] = np.arccos(generator.uniform(-1, 1, (1, 1)))
    return tables


def simulated(template: Template, noise: object, tables: dict[str, np.ndarray]) -> float:
    """The recorded mean by Cirq alone."""
    noisy = as_noise(noise).noisy_circuit(template.bound_circuit(tables))
    qubits = sorted(noisy.all_qubits())
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = simulator.simulate(cirq.drop_terminal_measurements(noisy), qubit_order=qubits)
    return mean_of(template.observable, np.diag(rho.final_density_matrix).real, qubits)


def check(program: Program, noise: object, seed: int) -> float:
    """Compares the two and returns the mean."""
    template, tables = program.filters[0].template, tables_of(program, seed)
    expected = simulated(template, noise, tables)
    found = ExactEngine().means(template, as_noise(noise), tables)
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(expected, abs=TOLERANCE)
    return expected


@st.composite
def circuits(draw: st.DrawFn) -> Program:
    """Compiled layers of at most eight qubits."""
    overlap = draw(st.sampled_from(OVERLAPS))
    backward = overlap == "ancilla" and draw(st.booleans())
    kernel = draw(st.sampled_from([(1, 2), (2, 2), (2, 2), (1, 3)]))
    seed = draw(st.integers(0, 99))
    filters = draw(st.sampled_from(["fixed", "ansatz"]))
    spec = ConvolutionSpec(
        kernel=kernel,
        filters=(
            FixedFilter(np.random.default_rng(seed).normal(size=kernel))
            if filters == "fixed"
            else XZAnsatz(layers=1 + seed % 2)
        ),
        overlap=overlap,
        backward=backward,
    )
    gate_set = draw(st.sampled_from(["cz", "sqrt_iswap", "syc"]))
    layout = draw(st.sampled_from(["auto", "auto", "routed"]))
    walkers = draw(st.sampled_from([1, 1, 2])) if overlap == "ancilla" else 1
    try:
        return compile_convolution(
            spec, "grid:4x5", gate_set=gate_set, layout=layout, walkers=walkers
        )
    except InputError:
        # Not every layout knows two walkers, and a register of one qubit has room for one.
        return compile_convolution(spec, "grid:4x5", gate_set=gate_set)


@st.composite
def noises(draw: st.DrawFn, program: Program) -> dict[str, object]:
    """Mixtures of all kinds of noise, with values for single qubits and couplers."""
    keys = [f"{qubit.row},{qubit.col}" for qubit in program.filters[0].template.qubits]
    names = st.sampled_from(keys)
    # A register of one qubit has no pair; one beside it does no harm.
    pairs = st.permutations([*keys, "9,9"]).map(lambda order: ":".join(sorted(order[:2])))

    def some(places: st.SearchStrategy[str], values: st.SearchStrategy) -> st.SearchStrategy:
        return st.dictionaries(places, values, max_size=2)

    small, decay = st.floats(0, 0.1), st.floats(0.2, 50)
    kinds = {
        "depolarizing": st.fixed_dictionaries(
            {
                "p1": small,
                "p2": small,
                "qubits": some(names, st.floats(0, 0.5)),
                "couplers": some(pairs, st.floats(0, 0.5)),
            }
        ),
        "idle": small,
        "coherent": st.fixed_dictionaries({"angle": st.floats(-1, 1)}),
        "thermal": decay.flatmap(
            lambda t1: st.fixed_dictionaries(
                {
                    "t1": st.just(t1),
                    "t2": st.floats(0.1, 1.9).map(lambda part: part * t1),
                    "two_qubit": st.floats(0, 200),
                    "measurement": st.floats(0, 4000),
                }
            )
        ),
        "readout": st.fixed_dictionaries(
            {
                "p01": st.floats(0, 0.3),
                "p10": st.floats(0, 0.3),
                "qubits": some(names, st.fixed_dictionaries({"p01": st.floats(0, 0.4)})),
            }
        ),
        "correlated_readout": st.fixed_dictionaries(
            {"both": small, "couplers": some(pairs, small)}
        ),
        "crosstalk": st.fixed_dictionaries(
            {
                "p": small,
                "angle": st.floats(-1, 1),
                "couplers": some(pairs, st.fixed_dictionaries({"p": small})),
            }
        ),
        "preparation": st.fixed_dictionaries(
            {"p": small, "qubits": some(names, st.floats(0, 0.5))}
        ),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(kinds)), min_size=1))
    noise = {kind: draw(kinds[kind]) for kind in sorted(chosen)}
    scales = st.floats(0, 2)
    noise["scale"] = draw(st.sampled_from([1.0, 0.0, 1.9]))
    noise["scales"] = {"idle": draw(scales), "readout": draw(st.floats(0, 1))}
    return noise


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=35)
def test_any_mixture_on_any_circuit(data: st.DataObject, seed: int) -> None:
    program = data.draw(circuits())
    noise = data.draw(noises(program))
    check(program, noise, seed)


@pytest.mark.parametrize(
    ("overlap", "backward"),
    [("ancilla", False), ("ancilla", True), ("destructive", False), ("inversion", False)],
)
def test_three_qubit_registers(overlap: str, backward: bool) -> None:
    spec = ConvolutionSpec(
        kernel=(2, 3), filters=XZAnsatz(layers=1), overlap=overlap, backward=backward
    )
    program = compile_convolution(spec, "willow_pink")
    noise = {"depolarizing": {"p1": 0.01, "p2": 0.03}, "correlated_readout": {"both": 0.02}}
    ideal = check(program, None, 3)
    assert abs(check(program, noise, 3) - ideal) > 1e-4


@pytest.mark.parametrize(
    ("device", "gate_set", "overlap"),
    [
        ("willow_pink", "cz", "ancilla"),
        ("weber", "sqrt_iswap", "ancilla"),
        ("rainbow", "syc", "ancilla"),
        ("weber", "cz", "destructive"),
        ("rainbow", "sqrt_iswap", "destructive"),
        ("weber", "syc", "destructive"),
        ("willow_pink", "cz", "inversion"),
        ("weber", "syc", "inversion"),
    ],
)
def test_calibrated_noise_on_native_circuits(device: str, gate_set: str, overlap: str) -> None:
    for backward in (False, True) if overlap == "ancilla" else (False,):
        spec = ConvolutionSpec(
            kernel=(2, 2), filters=XZAnsatz(layers=2), overlap=overlap, backward=backward
        )
        program = compile_convolution(spec, device, gate_set=gate_set)
        mixture = {
            "calibrated": device,
            "idle": 0.001,
            "correlated_readout": {"both": 0.01},
            "crosstalk": {"p": 0.01, "angle": 0.1},
            "preparation": {"p": 0.02},
            "scales": {"gate": 0.7},
        }
        for noise in (device, mixture):
            check(program, noise, 5)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_foreign_models(overlap: str) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1), overlap=overlap)
    program = compile_convolution(spec, "grid:4x5")
    for channel in (cirq.amplitude_damp(0.05), cirq.phase_damp(0.1), cirq.bit_flip(0.02)):
        check(program, cirq.ConstantQubitNoiseModel(channel), 7)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_4x4_kernels(overlap: str) -> None:
    """Nine qubits in the ancilla test, which is why there is one patch of each."""
    filters = FixedFilter(np.random.default_rng(8).normal(size=(4, 4)))
    program = compile_convolution(ConvolutionSpec(filters=filters, overlap=overlap), "willow_pink")
    noise: dict[str, object] = {"correlated_readout": {"both": 0.005}}
    if overlap == "ancilla":
        # Noise on pairs takes Cirq ten times as long here, and is checked by the others.
        noise |= {
            "depolarizing": {"p1": 0.005},
            "coherent": {"angle": 0.1},
            "readout": {"p01": 0.01},
        }
    else:
        noise["calibrated"] = "willow_pink"
    check(program, noise, 9)


@pytest.mark.parametrize(
    "noise", [{"thermal": {"t1": 20.0, "t2": 15.0}}, {"coherent": {"angle": 0.1}}]
)
def test_registers_of_which_a_part_has_no_zero_coefficient(noise: object) -> None:
    """Two filter qubits that are kept whole meet a third one whose coefficients are listed."""
    spec = ConvolutionSpec(kernel=(2, 3), filters=XZAnsatz(layers=2), overlap="destructive")
    check(compile_convolution(spec, "grid:4x5"), noise, seed=3)
