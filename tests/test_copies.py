"""Every public object can be copied, pickled and sent to another process, and stays what it is."""

import copy
import io
import pickle

import attrs
import cirq
import numpy as np
import pytest

from noise_models import as_noise, load_calibration
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
from qucnn_cirq.engines import engine_names, make_engine
from qucnn_cirq.patches import Patches, extract_patches

NOISE = {"depolarizing": {"p2": 0.01}, "readout": {"p01": 0.02}}
SPEC = ConvolutionSpec(kernel=2, stride=2, filters=XZAnsatz())
IMAGES = np.random.default_rng(0).random((2, 4, 4)) + 0.1
ENGINES = [name for name in engine_names() if name != "exact:cupy" and ":" not in name]
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}


def layer(engine="exact", shots=50):
    return QuantumConvolution(compile_convolution(SPEC, "grid:4x5"), engine, NOISE, shots, 3)


def plus():
    return cirq.Circuit(cirq.H.on_each(*cirq.LineQubit.range(2)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("engine", ENGINES)
def test_layers_are_copied_before_and_after_a_pass(engine, way):
    original = layer(engine)
    before = WAYS[way](original)
    maps = original.forward(IMAGES[:1, :2])
    after = WAYS[way](original)
    np.testing.assert_array_equal(before.forward(IMAGES[:1, :2]), maps)
    np.testing.assert_array_equal(after.forward(IMAGES[:1, :2]), maps)
    after.parameters = original.parameters + 1
    assert (after.forward(IMAGES[:1, :2]) != maps).any()
    np.testing.assert_array_equal(original.forward(IMAGES[:1, :2]), maps)


def test_a_copy_still_has_the_gradient_of_its_last_pass():
    original = layer()
    upstream = np.ones_like(original.forward(IMAGES))
    for way in WAYS.values():
        np.testing.assert_array_equal(way(original).backward(upstream), original.backward(upstream))


def test_engines_of_other_libraries_and_processors_are_copied():
    pytest.importorskip("torch", reason="needs the extra [torch]")
    original = layer("exact:torch")
    maps = original.forward(IMAGES)
    for way in WAYS.values():
        np.testing.assert_array_equal(way(original).forward(IMAGES), maps)
        assert way(make_engine("virtual:weber")).name == "virtual:weber"


def test_what_an_engine_keeps_is_no_part_of_its_copy():
    original = layer()
    fresh = len(pickle.dumps(original.engine))
    original.forward(IMAGES)
    assert len(pickle.dumps(original.engine)) == fresh < 200


PUBLIC = {
    "ansatz": lambda: XZAnsatz(layers=2, entangler="ring"),
    "fixed filter": lambda: FixedFilter(np.arange(4)),
    "circuit filter": lambda: CircuitFilter(plus()),
    "specification": lambda: ConvolutionSpec(kernel=2, filters=[CircuitFilter(plus())]),
    "data": lambda: QuantumData(plus()),
    "device": lambda: load_device("grid:3x3"),
    "noise": lambda: as_noise(NOISE),
    "no noise": lambda: as_noise(None),
    "calibrated noise": lambda: as_noise("willow_pink"),
    "foreign noise": lambda: as_noise(cirq.ConstantQubitNoiseModel(cirq.depolarize(0.01))),
    "configuration": lambda: as_noise(NOISE).configuration,
    "calibration": lambda: load_calibration("willow_pink"),
    "report": lambda: compile_convolution(SPEC, "grid:4x5").report,
    "calibrated device": lambda: load_device("willow_pink"),
    "program": lambda: compile_convolution(SPEC, "grid:4x5"),
    "parallel program": lambda: compile_parallel(SPEC, "grid:6x8", copies=2),
    "windows": lambda: compile_windows(plus(), FixedFilter([1, 1]), "grid:4x5", size=1),
}
"""Objects that are compared by what they are."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PUBLIC)
def test_public_objects_equal_their_copies(name, way):
    original = PUBLIC[name]()
    copied = WAYS[way](original)
    assert type(copied) is type(original)
    assert copied == original and hash(copied) == hash(original)
    assert repr(copied) == repr(original) and len(repr(original)) < 400


def test_programs_and_devices_differ_where_they_do():
    program = compile_convolution(SPEC, "grid:4x5")
    others = [
        compile_convolution(SPEC, "grid:4x6"),
        compile_convolution(SPEC, "grid:4x5", walkers=2),
        compile_convolution(attrs.evolve(SPEC, stride=1), "grid:4x5"),
    ]
    assert all(other != program for other in others) and program != "program"
    assert load_device("grid:3x3") != load_device("grid:3x4")
    windows = [
        compile_windows(plus(), FixedFilter([1, weight]), "grid:4x5", size=1) for weight in (1, 2)
    ]
    assert windows[0] != windows[1]


@pytest.mark.parametrize("way", WAYS)
def test_programs_and_results_are_copied(way):
    made = WAYS[way]
    program = compile_convolution(SPEC, "grid:4x5")
    assert made(program).digest == program.digest
    np.testing.assert_array_equal(
        QuantumConvolution(made(program), "exact", NOISE, 50, 3).forward(IMAGES),
        layer().forward(IMAGES),
    )
    assert made(program.verify(1)).passed
    parallel = compile_parallel(SPEC, "grid:6x8", copies=2)
    assert made(parallel).report == parallel.report and len(made(parallel).copies) == 2
    data = QuantumData(plus())
    windows = compile_windows(data, FixedFilter([1, 1]), "grid:4x5", size=1)
    np.testing.assert_array_equal(
        window_overlaps(made(windows), engine="exact", shots=20),
        window_overlaps(windows, engine="exact", shots=20),
    )
    original = layer()
    found = original.run(IMAGES)
    np.testing.assert_array_equal(made(found).maps, found.maps)
    gradient = original.gradient(np.ones_like(found.maps))
    np.testing.assert_array_equal(made(gradient).values, gradient.values)


@pytest.mark.parametrize("way", WAYS)
def test_copied_patches_stay_read_only_and_leave_their_caches_behind(way):
    patches = extract_patches(IMAGES, SPEC)
    assert patches.states.any()
    copied = WAYS[way](patches)
    assert set(vars(copied)) == {
        "vectors",
        "batch",
        "rows",
        "columns",
        "register_qubits",
        "encoding",
    }
    assert isinstance(copied, Patches) and not copied.vectors.flags.writeable
    np.testing.assert_array_equal(copied.states, patches.states)
    np.testing.assert_array_equal(layer().forward(copied), layer().forward(IMAGES))


def test_errors_keep_their_message():
    error = InputError("a reason")
    for way in WAYS.values():
        assert str(way(error)) == "a reason" and type(way(error)) is type(error)


@pytest.mark.parametrize("engine", ["exact", "auto", "exact:torch", "qsim"])
def test_modules_are_copied_and_saved_whole(engine):
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    from qucnn_cirq.torch_layer import QuantumConv2d

    conv = QuantumConv2d(1, 1, 2, ansatz=XZAnsatz(), device="grid:4x5", engine=engine, shots=20)
    images = torch.from_numpy(IMAGES[:, None])
    conv(images).sum().backward()
    file = io.BytesIO()
    torch.save(conv, file)
    file.seek(0)
    copies = [copy.deepcopy(conv), torch.load(file, weights_only=False)]
    maps = conv(images)
    maps.sum().backward()
    for copied in copies:
        torch.testing.assert_close(copied(images), maps, rtol=0, atol=0)
        assert copied.angles is not conv.angles
    with torch.no_grad():
        conv.angles.add_(1)
    assert all((copied.angles != conv.angles).all() for copied in copies)
