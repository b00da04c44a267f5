"""The specification (validation, equality, round trips) and the classical references."""

import json
import pickle

import attrs
import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.convolution import (
    ConvolutionSpec,
    classical_convolution,
    extract_patches,
    filter_states,
    ideal_overlaps,
    squared_cosine_similarity,
)
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter, FixedFilter, XZAnsatz

KERNELS = [(2, 2), (3, 3), (4, 4), (3, 5), (8, 8)]


def circuit_on(n_qubits):
    return cirq.Circuit(cirq.ry(0.3 + i)(cirq.q(i)) for i in range(n_qubits))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(
    ("kernel", "padding"), [(k, p) for k in KERNELS for p in (0, 1, 2) if p < min(k)]
)
def test_references_against_scipy(kernel, stride, padding, channels):
    generator = np.random.default_rng(5)
    images = generator.normal(size=(2, channels, 11, 10))
    images[1, :, :9, :9] = 0
    kernels = generator.normal(size=(2, channels, *kernel))
    spec = ConvolutionSpec(kernel, stride, padding, channels)
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))

    def correlate(stack, weights):
        maps = sum(correlate2d(a, b, mode="valid") for a, b in zip(stack, weights, strict=True))
        return maps[::stride, ::stride]

    dots = np.array([[correlate(image, k) for k in kernels] for image in padded])
    lengths = np.array(
        [[correlate(image**2, np.ones_like(k)) for k in kernels] for image in padded]
    )
    np.testing.assert_allclose(classical_convolution(images, kernels, spec), dots, atol=1e-12)

    squares = np.sum(kernels**2, axis=(1, 2, 3))[:, None, None]
    blank = lengths < 1e-12
    cosines = np.where(blank, 0, dots**2 / np.where(blank, 1, lengths) / squares)
    measured = squared_cosine_similarity(images, kernels, spec)
    np.testing.assert_allclose(measured, cosines, atol=1e-12)
    assert measured.shape == (2, 2, *spec.output_shape(11, 10))

    fixed = attrs.evolve(spec, filters=[FixedFilter(k) for k in kernels])
    patches = extract_patches(images, fixed)
    overlaps = ideal_overlaps(patches, fixed)
    assert overlaps.shape == (2, patches.n_occupied)
    np.testing.assert_allclose(patches.to_maps(overlaps), cosines, atol=1e-12)


def test_kernels_without_channel_axis():
    generator = np.random.default_rng(2)
    images, kernels = generator.normal(size=(2, 5, 5)), generator.normal(size=(3, 2, 2))
    spec = ConvolutionSpec(kernel=2)
    np.testing.assert_array_equal(
        classical_convolution(images, kernels, spec),
        classical_convolution(images, kernels[:, None], spec),
    )


def test_blank_patch_has_no_similarity_and_a_parallel_one_has_all():
    images = np.zeros((1, 2, 4))
    images[0, :, 2:] = [[1, 2], [3, 4]]
    kernel = np.array([[[1e-200, 2e-200], [3e-200, 4e-200]]])
    maps = squared_cosine_similarity(images, kernel, ConvolutionSpec(kernel=2, stride=2))
    np.testing.assert_allclose(maps, [[[[0, 1]]]])


@pytest.mark.parametrize(
    ("kernels", "message"),
    [
        (np.ones((2, 2)), r"give \(filters, 1, 2, 2\) or \(filters, 2, 2\)"),
        (np.ones((0, 2, 2)), "shape"),
        (np.ones((1, 2, 3)), "shape"),
        (np.array(1.0), "shape"),
        (np.full((1, 2, 2), np.nan), r"nan at \(0, 0, 0\)"),
        ([[[1, 0], [0, 0]], [[0, 0], [0, 0]]], r"kernels\[1\] is all zero"),
    ],
)
def test_kernels_that_do_not_fit_are_refused(kernels, message):
    with pytest.raises(InputError, match=message):
        squared_cosine_similarity(np.ones((1, 4, 4)), kernels, ConvolutionSpec(kernel=2))


@pytest.mark.parametrize("kernel", KERNELS)
def test_ideal_overlaps_against_cirq(kernel):
    spec = ConvolutionSpec(kernel, stride=3, filters=[XZAnsatz(2), XZAnsatz(2, entangler="ring")])
    generator = np.random.default_rng(8)
    parameters = generator.uniform(0, 6, size=(2, spec.n_parameters))
    images = generator.random((1, 12, 12))
    patches = extract_patches(images, spec)
    n_qubits = spec.register_qubits
    qubits = cirq.LineQubit.range(n_qubits)
    expected = np.zeros((2, len(patches)))
    for f, ansatz in enumerate(spec.filter_list):
        angles = parameters[f].reshape(2, 2, n_qubits)
        circuit = cirq.Circuit()
        for layer in range(2):
            circuit += [cirq.rx(t)(q) for t, q in zip(angles[layer, 0], qubits, strict=True)]
            circuit += [cirq.rz(t)(q) for t, q in zip(angles[layer, 1], qubits, strict=True)]
            pairs = list(zip(qubits, qubits[1:], strict=False))
            if ansatz.entangler == "ring" and n_qubits > 2:
                pairs.append((qubits[-1], qubits[0]))
            circuit += [cirq.CNOT(a, b) for a, b in pairs]
        state = circuit.final_state_vector(qubit_order=qubits, dtype=np.complex128)
        for p, vector in enumerate(patches.vectors):
            padded = np.zeros(2**n_qubits)
            padded[: len(vector)] = vector
            expected[f, p] = abs(np.vdot(state, padded)) ** 2 / (vector @ vector)
    np.testing.assert_allclose(ideal_overlaps(patches, spec, parameters), expected, atol=1e-12)


def test_ideal_overlaps_of_a_circuit_filter_with_complex_state():
    circuit = cirq.Circuit(cirq.H(cirq.q(0)), cirq.S(cirq.q(0)), cirq.X(cirq.q(1)))
    spec = ConvolutionSpec(kernel=2, filters=circuit)
    patches = extract_patches([[[0, 3], [0, 4]]], spec)
    # <f| = (0, 1, 0, -i)/sqrt(2) on x = (0, 3, 0, 4)/5.
    np.testing.assert_allclose(ideal_overlaps(patches, spec), [[0.5]])


def test_overlaps_never_exceed_one():
    values = np.random.default_rng(0).normal(size=(50, 4, 4))
    spec = ConvolutionSpec(filters=[FixedFilter(v) for v in values])
    overlaps = ideal_overlaps(extract_patches(values, spec), spec)
    assert overlaps.max() <= 1
    np.testing.assert_allclose(np.diag(overlaps), 1)


def test_parameters_are_asked_for_and_checked():
    spec = ConvolutionSpec(kernel=2, filters=[XZAnsatz(), XZAnsatz()])
    patches = extract_patches(np.ones((1, 2, 2)), spec)
    with pytest.raises(InputError, match=r"missing: give an array of shape \(2, 4\)"):
        ideal_overlaps(patches, spec)
    with pytest.raises(InputError, match=r"shape \(1, 4\): the filters take \(2, 4\)"):
        ideal_overlaps(patches, spec, np.zeros((1, 4)))
    with pytest.raises(InputError, match="finite"):
        filter_states(spec, np.full((2, 4), np.nan))
    with pytest.raises(InputError, match="cut them with the same"):
        ideal_overlaps(patches, ConvolutionSpec(), np.zeros((1, 8)))


def test_defaults_and_derived_numbers():
    spec = ConvolutionSpec(filters=XZAnsatz(layers=3))
    assert (spec.kernel, spec.stride_pair, spec.padding_pair) == ((4, 4), (1, 1), (0, 0))
    assert (spec.n_elements, spec.register_qubits, spec.n_filters) == (16, 4, 1)
    assert spec.n_parameters == 24
    assert spec.output_shape(28, 28) == (25, 25)
    assert (spec.overlap, spec.backward) == ("ancilla", False)


@pytest.mark.parametrize(
    ("kernel", "channels", "qubits"),
    [(1, 1, 1), ((1, 2), 1, 1), (2, 1, 2), ((1, 5), 1, 3), (3, 1, 4), (2, 3, 4), (4, 3, 6)],
)
def test_register_is_the_smallest_that_holds_a_patch(kernel, channels, qubits):
    assert ConvolutionSpec(kernel, channels=channels).register_qubits == qubits


def test_kernel_as_large_as_the_padded_image_is_the_limit():
    spec = ConvolutionSpec(kernel=(5, 3), padding=(1, 0))
    assert spec.output_shape(3, 3) == (1, 1)
    with pytest.raises(InputError, match=r"kernel 5x3 is larger than the image 2x9 \(4x9 padded\)"):
        spec.output_shape(2, 9)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"kernel": 0}, "kernel = 0 "),
        ({"kernel": (4, -1)}, r"kernel\[1\] = -1"),
        ({"kernel": (4, 4, 4)}, r"kernel = \(4, 4, 4\)"),
        ({"kernel": "44"}, "kernel = '44'"),
        ({"kernel": 2.5}, "kernel = 2.5"),
        ({"kernel": None}, "kernel = None"),
        ({"stride": 0}, "stride = 0 is not allowed: give a whole number within 1..2147483647"),
        ({"stride": True}, "stride = True"),
        ({"padding": -1}, "padding = -1"),
        ({"padding": float("nan")}, "padding = nan"),
        ({"padding": (0, 4)}, "less than 4 columns"),
        ({"channels": 0}, "channels = 0"),
        ({"overlap": "ancila"}, "unknown overlap test 'ancila'. Did you mean 'ancilla'"),
        ({"backward": 1}, "backward = 1"),
        ({"backward": True, "overlap": "inversion"}, "use overlap = 'ancilla'"),
        ({"filters": []}, "at least one filter"),
        ({"filters": np.ones(16)}, r"filters holds a ndarray: give .*FixedFilter\(array\)"),
        ({"filters": [XZAnsatz, 3]}, "filters holds a"),
        ({"filters": FixedFilter(np.ones(15))}, r"shape \(15,\).* needs shape \(16,\) or"),
        ({"filters": FixedFilter(np.ones((2, 8)))}, r"or \(4, 4\)"),
        ({"kernel": (3, 5), "filters": FixedFilter(np.ones((5, 3)))}, r"shape \(5, 3\)"),
        ({"channels": 2, "filters": FixedFilter(np.ones((4, 4)))}, r"\(2, 4, 4\)"),
        ({"filters": circuit_on(3)}, "3 qubits and the patch register has 4"),
        ({"filters": [XZAnsatz(1), XZAnsatz(2)]}, r"numbers of parameters \(8, 16\)"),
    ],
)
def test_specification_refuses(settings_, message):
    with pytest.raises(InputError, match=message) as caught:
        ConvolutionSpec(**settings_)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(16,), (4, 4), (1, 4, 4)])
def test_fixed_filter_may_be_flat_or_in_the_shape_of_the_kernel(shape):
    ConvolutionSpec(filters=FixedFilter(np.ones(shape)))


def test_specifications_that_mean_the_same_are_equal():
    plain = ConvolutionSpec(kernel=4, stride=1, padding=0, filters=XZAnsatz(3))
    other = ConvolutionSpec(
        kernel=np.array([4, 4]),
        stride=(np.int64(1), 1.0),
        padding=np.uint8(0),
        channels=np.int32(1),
        filters=[XZAnsatz(np.int64(3))],
        backward=np.bool_(False),
    )
    assert plain == other and hash(plain) == hash(other) and plain.identity == other.identity
    json.dumps(other.to_mapping())
    assert plain.stride == 1 and other.stride == (1, 1)
    assert plain.filters == XZAnsatz(3) and other.filters == (XZAnsatz(3),)
    assert plain != "a specification"


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": (2, 8)},
        {"stride": 2},
        {"padding": 1},
        {"channels": 2},
        {"filters": XZAnsatz(2)},
        {"filters": [XZAnsatz(), XZAnsatz()]},
        {"filters": XZAnsatz(rotations=("z", "x"))},
        {"filters": FixedFilter(np.ones(16))},
        {"filters": circuit_on(4)},
        {"overlap": "destructive"},
        {"backward": True},
    ],
)
def test_every_setting_changes_the_identity(change):
    spec = ConvolutionSpec()
    changed = attrs.evolve(spec, **change)
    assert changed != spec and changed.identity != spec.identity


def test_bare_circuit_is_wrapped_and_a_list_is_copied():
    filters = [circuit_on(4), circuit_on(4).freeze()]
    spec = ConvolutionSpec(filters=filters)
    filters.clear()
    assert spec.filter_list == (CircuitFilter(circuit_on(4)),) * 2
    assert ConvolutionSpec(filters=circuit_on(4)).filters == CircuitFilter(circuit_on(4))


@st.composite
def specifications(draw):
    kernel = draw(st.one_of(st.integers(1, 4), st.tuples(st.integers(1, 4), st.integers(1, 4))))
    rows, columns = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    channels = draw(st.integers(1, 3))
    size = rows * columns * channels
    n_qubits = max(1, int(np.ceil(np.log2(size))))
    layers = draw(st.integers(1, 3))
    ansatz = st.builds(
        XZAnsatz,
        layers=st.just(layers),
        rotations=st.lists(st.sampled_from("xyz"), min_size=2, max_size=2).map(tuple),
        entangler=st.sampled_from(["chain", "ring", "none"]),
    )
    number = st.floats(-1e9, 1e9).filter(lambda value: abs(value) > 1e-9)
    fixed = st.lists(number, min_size=size, max_size=size).map(FixedFilter)
    shaped = fixed.map(lambda f: FixedFilter(f.values.reshape(channels, rows, columns)))
    circuit = st.floats(-3, 3).map(
        lambda angle: CircuitFilter(
            cirq.Circuit(cirq.ry(angle)(cirq.q(i)) for i in range(n_qubits))
        )
    )
    constant = st.one_of(fixed, shaped, circuit)
    filters = draw(
        st.one_of(
            ansatz,
            constant,
            st.lists(ansatz, min_size=1, max_size=3),
            st.lists(constant, min_size=1, max_size=3),
        )
    )
    padding = st.one_of(
        st.integers(0, min(rows, columns) - 1),
        st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1)),
    )
    overlap = draw(st.sampled_from(tuple(OVERLAP_TESTS)))
    return ConvolutionSpec(
        kernel=kernel,
        stride=draw(st.one_of(st.integers(1, 4), st.tuples(st.integers(1, 4), st.integers(1, 4)))),
        padding=draw(padding),
        channels=channels,
        filters=filters,
        overlap=overlap,
        backward=OVERLAP_TESTS[overlap].takes_reader and draw(st.booleans()),
    )


@given(specifications())
@settings(max_examples=60, deadline=None)
def test_round_trips(spec):
    through_json = json.loads(json.dumps(spec.to_mapping()))
    reordered = dict(reversed(through_json.items()))
    for restored in (
        ConvolutionSpec.from_mapping(reordered),
        ConvolutionSpec.from_toml("[noise]\nscale = 1\n\n" + spec.to_toml()),
        pickle.loads(pickle.dumps(spec)),
        attrs.evolve(spec),
    ):
        assert restored == spec
        assert hash(restored) == hash(spec)
        assert restored.identity == spec.identity


def test_toml_written_by_hand(tmp_path):
    text = """
[convolution]
kernel = 3
padding = [1, 0]
filters = { kind = "ansatz", layers = 2 }
"""
    path = tmp_path / "layer.toml"
    path.write_text(text)
    expected = ConvolutionSpec(kernel=3, padding=(1, 0), filters=XZAnsatz(2))
    for source in (text, path, str(path)):
        assert ConvolutionSpec.from_toml(source) == expected

    several = text.replace("filters = {", "filters = [{").replace(
        "2 }", "2.0 }, { kind='ansatz', layers=2 }]"
    )
    assert ConvolutionSpec.from_toml(several).filter_list == (XZAnsatz(2), XZAnsatz(2))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no_such_file.toml", "cannot read no_such_file.toml"),
        ("[convolution\nkernel=1", "not valid TOML"),
        ("[noise]\nscale = 1", r"no table \[convolution\] .found: noise"),
        ("convolution = 3", r"no table \[convolution\]"),
        ("[convolution]\nkernal = 3", "Did you mean 'kernel'"),
        ("[convolution]\nfilters = 3", "a filter must be a table"),
        ("[convolution]\nfilters = {kind='fixed', values=[1,2]}", r"shape \(2,\)"),
        ("[convolution]\nfilters = {kind='fixed', values=[1,'a']}", "real numbers"),
    ],
)
def test_toml_that_is_refused(source, message):
    with pytest.raises(InputError, match=message):
        ConvolutionSpec.from_toml(source)


def test_from_mapping_wants_a_mapping():
    with pytest.raises(InputError, match="must be a table"):
        ConvolutionSpec.from_mapping([("kernel", 3)])


def test_text_with_awkward_characters_survives_toml():
    qubits = [cirq.NamedQubit('a"\\\n\t\x7f\x01é😀')]
    spec = ConvolutionSpec(kernel=1, filters=CircuitFilter(cirq.Circuit(cirq.H(qubits[0]))))
    assert ConvolutionSpec.from_toml(spec.to_toml()) == spec
