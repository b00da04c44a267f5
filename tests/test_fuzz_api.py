"""Values of every kind for every public argument: a right result, or one sentence of refusal."""

import datetime
import decimal
import fractions
import functools
import warnings

import cirq
import numpy as np
import pytest

from noise_models import as_noise
from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    QuantumData,
    XZAnsatz,
    compile_convolution,
    compile_parallel,
    compile_windows,
    load_device,
    window_overlaps,
)
from qucnn_cirq.convolution import (
    classical_convolution,
    extract_patches,
    filter_states,
    ideal_overlaps,
    squared_cosine_similarity,
)
from qucnn_cirq.datasets import Images, load_mnist
from qucnn_cirq.engines import make_engine
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.engines.qsim import QsimEngine
from qucnn_cirq.engines.sampler import SamplerEngine
from qucnn_cirq.filters import filter_from_mapping
from qucnn_cirq.patches import Patches

SPEC = ConvolutionSpec(kernel=2, stride=2, filters=[XZAnsatz(), XZAnsatz()])
DEVICE = "grid:4x5"
IMAGES = np.random.default_rng(0).random((2, 4, 4)) + 0.1
CIRCUIT = cirq.Circuit(cirq.H.on_each(*cirq.LineQubit.range(2)))


class Unruly:
    """Fails whatever it is asked for."""

    def __array__(self, *_, **__):
        raise RuntimeError("no\narray")

    def __repr__(self):
        raise RuntimeError("no\ntext")

    def __iter__(self):
        raise RuntimeError("no items")

    def __len__(self):
        raise RuntimeError("no length")


def nested(depth):
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value


SCALARS = [
    None, True, False, np.True_, 0, 1, 2, 3, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**5000,
    0.0, -0.0, 0.5, 1.5, 2.0, 1e30, 1e308, -1e308, 5e-324, np.nan, np.inf, -np.inf, 1j,
    np.int8(-1),
    np.uint64(2**64 - 1), np.float16(0.5), np.longdouble(0.5), np.float32(np.nan), np.array(3),
    decimal.Decimal("0.5"), fractions.Fraction(1, 2), datetime.date(2024, 1, 1),
    np.datetime64("2024"), "", "x", "auto", "exact", "1", "a\nb\tc", "x" * 5000, "\0",
    "é\u2028\u202e",
    "missing.toml", "kernel = [", "[convolution]\nkernel = 1e999", b"bytes", bytearray(3),
    range(3), set(), {1, 2},
    {}, {"kind": "ansatz", "layers": "x"}, {"kind": []}, {1: 2}, {"p2": 1},
    {"depolarizing": {"p2": np.nan}},
    [], [[]], [None], [1, 2], (1, 2), (0, -1), (2, "2"), [1, [2, 3]], ["x", "y"], nested(40),
    nested(5000),
    object, object(), Unruly(), len, lambda *_: None, iter([1, 2]), cirq.LineQubit(0), cirq.X,
    cirq.Circuit(), CIRCUIT, cirq.Circuit(cirq.measure(cirq.LineQubit(0))), cirq.NO_NOISE, SPEC,
    XZAnsatz(),
    ValueError("x"), np.dtype("f8"), type, ..., NotImplemented, slice(1),
]  # fmt: skip
SHAPES = [
    (),
    (0,),
    (2,),
    (2, 2),
    (2, 4),
    (0, 4, 4),
    (2, 4, 4),
    (2, 1, 4, 4),
    (2, 4, 4, 1),
    (2, 2, 2, 2),
]
DTYPES = [
    "?",
    "i1",
    "u1",
    ">i2",
    "i8",
    "u8",
    "f2",
    ">f4",
    "f8",
    "g",
    "c8",
    "O",
    "U3",
    "M8[s]",
    "m8[s]",
    "V3",
    "i4,f8",
]
SPECIAL = [np.nan, np.inf, 1e308, -1e308, 5e-324, -0.0]


def array(generator):
    """An array of a random type, shape and layout, with a special value now and then."""
    shape = SHAPES[generator.integers(len(SHAPES))]
    dtype = np.dtype(DTYPES[generator.integers(len(DTYPES))])
    values = generator.integers(0, 3, shape)
    made = np.zeros(shape, dtype) if dtype.kind in "VMm" else values.astype(dtype)
    if dtype.kind == "f" and made.size and generator.random() < 0.5:
        with np.errstate(all="ignore"):
            made.flat[generator.integers(made.size)] = generator.choice(SPECIAL)
    kind = generator.integers(6)
    if kind == 0:
        return np.asfortranarray(made)
    if kind == 1:
        made.flags.writeable = False
    if kind == 2 and dtype.names is None:
        return np.ma.masked_array(made, mask=generator.random(shape) < 0.3)
    if kind == 3:
        return made.tolist()
    return made


def program():
    return compile_convolution(SPEC, DEVICE)


def layer(**options):
    return QuantumConvolution(program(), **{"engine": "exact", "shots": 10, **options})


def after_a_pass():
    made = layer()
    made.forward(IMAGES)
    return made


def compiled(**options):
    return compile_convolution(SPEC, **{"device": DEVICE, **options})


@functools.cache
def compiled_windows():
    return windows()


def windows(**options):
    settings = {"filters": FixedFilter([1, 1]), "size": 1, "device": DEVICE, **options}
    return compile_windows(QuantumData(CIRCUIT), **settings)


TARGETS = {
    **{
        f"ConvolutionSpec({name})": lambda value, name=name: ConvolutionSpec(**{name: value})
        for name in ("kernel", "stride", "padding", "channels", "filters", "overlap", "backward")
    },
    **{
        f"XZAnsatz({name})": lambda value, name=name: XZAnsatz(**{name: value})
        for name in ("layers", "rotations", "entangler")
    },
    "FixedFilter": FixedFilter,
    "CircuitFilter": CircuitFilter,
    "CircuitFilter(qubits)": lambda value: CircuitFilter(CIRCUIT, value),
    "QuantumData": QuantumData,
    "QuantumData(qubits)": lambda value: QuantumData(CIRCUIT, value),
    "windows(size)": lambda value: QuantumData(CIRCUIT).windows(value),
    "windows(stride)": lambda value: QuantumData(CIRCUIT).windows(1, value),
    "cone": lambda value: QuantumData(CIRCUIT).cone(value),
    "from_mapping": ConvolutionSpec.from_mapping,
    "from_toml": ConvolutionSpec.from_toml,
    "filter_from_mapping": filter_from_mapping,
    "extract_patches": lambda value: extract_patches(value, SPEC).vectors,
    "extract_patches(spec)": lambda value: extract_patches(IMAGES, value),
    "classical_convolution": lambda value: classical_convolution(value, np.ones((1, 2, 2)), SPEC),
    "classical_convolution(kernels)": lambda value: classical_convolution(IMAGES, value, SPEC),
    "similarity": lambda value: squared_cosine_similarity(value, np.ones((1, 2, 2)), SPEC),
    "similarity(kernels)": lambda value: squared_cosine_similarity(IMAGES, value, SPEC),
    "filter_states": lambda value: filter_states(SPEC, value),
    "ideal_overlaps": lambda value: ideal_overlaps(extract_patches(IMAGES, SPEC), SPEC, value),
    "ideal_overlaps(patches)": lambda value: ideal_overlaps(value, SPEC, np.ones((2, 4))),
    "Patches": lambda value: Patches(value, 2, 2, 2, 2),
    "Patches(batch)": lambda value: Patches(np.ones((8, 4)), value, 2, 2, 2),
    "Patches(qubits)": lambda value: Patches(np.ones((8, 4)), 2, 2, 2, value),
    "to_maps": lambda value: extract_patches(IMAGES, SPEC).to_maps(value),
    "from_maps": lambda value: extract_patches(IMAGES, SPEC).from_maps(value),
    "load_mnist(split)": lambda value: load_mnist(value, 1),
    "load_mnist(count)": lambda value: load_mnist("test", value),
    "Images": lambda value: Images(value, np.zeros(2, np.uint8)),
    "Images(labels)": lambda value: Images(np.zeros((2, 4, 4), np.uint8), value),
    "QuantumConvolution": QuantumConvolution,
    **{
        f"QuantumConvolution({name})": lambda value, name=name: layer(**{name: value}).shots
        for name in ("engine", "noise", "shots", "seed", "parameters")
    },
    "forward": lambda value: layer().forward(value),
    "forward(image_ids)": lambda value: layer().forward(IMAGES, image_ids=value),
    "forward(draw)": lambda value: layer().forward(IMAGES, draw=value),
    "backward": lambda value: after_a_pass().backward(value),
    "backward(method)": lambda value: after_a_pass().backward(np.ones((2, 2, 2, 2)), value),
    "backward(draw)": lambda value: after_a_pass().backward(np.ones((2, 2, 2, 2)), draw=value),
    "input_gradient": lambda value: after_a_pass().input_gradient(value),
    "make_engine": make_engine,
    "ExactEngine": ExactEngine,
    "QsimEngine": QsimEngine,
    "SamplerEngine": SamplerEngine,
    "as_noise": as_noise,
    "load_device": load_device,
    **{
        f"compile_convolution({name})": lambda value, name=name: compiled(**{name: value})
        for name in (
            "device", "layout", "loader", "gate_set", "walkers", "infidelity", "noise",
            "dynamical_decoupling", "placement", "load_filters",
        )
    },
    "compile_convolution": lambda value: compile_convolution(value, DEVICE),
    "compile_parallel(copies)": lambda value: compile_parallel(SPEC, DEVICE, copies=value),
    **{
        f"compile_windows({name})": lambda value, name=name: windows(**{name: value})
        for name in (
            "filters", "size", "stride", "windows", "overlap", "layout", "gate_set",
            "walkers",
        )
    },
    **{
        f"window_overlaps({name})": lambda value, name=name: window_overlaps(
            compiled_windows(), **{"engine": "exact", "shots": 10, name: value}
        )
        for name in ("parameters", "engine", "noise", "shots", "seed", "draw")
    },
    "window_overlaps": lambda value: window_overlaps(value, engine="exact"),
    "circuit": lambda value: program().circuit(value, np.ones((1, 4))),
    "circuit(parameters)": lambda value: program().circuit(np.ones((2, 2)), value),
    "circuit(index)": lambda value: program().circuit(
        np.ones((2, 2)), np.ones((1, 4)), filter_index=value
    ),
    "circuit(upstream)": lambda value: program().circuit(
        np.ones((2, 2)), np.ones((1, 4)), upstream=value
    ),
    "variant": lambda value: program().variant(value),
    "estimate": lambda value: program().estimate(value),
    # As many patches as are asked for are simulated.
    "verify": lambda value: program().verify(
        1 if isinstance(value, int) and 0 < value < 2**63 else value
    ),
    "verify(seed)": lambda value: program().verify(1, value),
}  # fmt: skip


def fault(target, value):
    """What is wrong with what a call does, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = TARGETS[target](value)
    except InputError as error:
        text = str(error)
        if len(text) > 200 or not text.isprintable():
            return f"a message of {len(text)} characters: {text!r}"
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if (
        isinstance(result, np.ndarray)
        and result.dtype.kind in "fc"
        and not np.isfinite(result).all()
    ):
        return "a result that is not finite"
    return None


@pytest.mark.parametrize("target", TARGETS)
def test_every_value_gives_a_result_or_one_sentence(target):
    generator = np.random.default_rng([18, *target.encode()])
    values = [*SCALARS, *(array(generator) for _ in range(30))]
    faults = {}
    for number, value in enumerate(values):
        found = fault(target, value)
        if found is not None:
            faults[f"{number}: {type(value).__name__}"] = found
    assert not faults
