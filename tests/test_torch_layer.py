"""The PyTorch module against the layer it wraps and against numerical derivatives."""

import sys

import cirq
import numpy as np
import pytest
import sympy

torch = pytest.importorskip("torch", reason="needs the extra [torch]")

from qucnn_cirq import InputError, XZAnsatz  # noqa: E402
from qucnn_cirq.torch_layer import QuantumConv2d  # noqa: E402


def module(**options):
    settings = {"ansatz": XZAnsatz(layers=1), "device": "grid:4x5", "seed": 3, **options}
    return QuantumConv2d(1, 2, 2, **settings)


def images(shape=(2, 1, 3, 4)):
    return torch.from_numpy(np.random.default_rng(1).random(shape) + 0.05)


def test_maps_are_those_of_the_layer():
    conv = module(noise={"depolarizing": {"p2": 0.01}})
    maps = conv(images())
    assert maps.shape == (2, 2, 2, 3) and maps.dtype == torch.float64
    np.testing.assert_array_equal(maps.detach().numpy(), conv.layer.forward(images().numpy()))
    assert conv(images().float()).dtype == torch.float32
    assert "kernel_size=(2, 2)" in repr(conv)


INTEGERS = [torch.bool, torch.uint8, torch.int64]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_maps_and_gradients_are_right_for_images_of_every_real_type(dtype):
    pixels = (255 * images() > 128).to(dtype)
    conv, plain = module(), module()
    maps, expected = conv(pixels), plain(pixels.double())
    assert maps.dtype == (dtype if dtype in FLOATS else torch.get_default_dtype())
    accuracy = 2 * torch.finfo(maps.dtype).eps
    torch.testing.assert_close(maps.double(), expected, rtol=accuracy, atol=accuracy)
    assert float(maps.detach().double().std()) > 0.1
    upstream = torch.ones_like(expected)
    maps.backward(upstream.to(maps.dtype))
    expected.backward(upstream)
    torch.testing.assert_close(conv.angles.grad, plain.angles.grad)
    assert conv.angles.grad.abs().max() > 0.1


def test_images_in_any_form_of_a_tensor_give_their_numbers():
    conv = module()
    pixels = images()
    expected = conv(pixels)
    negative = torch.complex(pixels, -pixels).conj().imag
    for given in (pixels.to_sparse(), negative, pixels.clone().requires_grad_()):
        torch.testing.assert_close(conv(given), expected)
    with torch.inference_mode():
        torch.testing.assert_close(conv(pixels), expected)
    gradient = pixels[:0].clone().requires_grad_()
    maps = conv(gradient)
    assert maps.shape == (0, 2, 2, 3)
    maps.sum().backward()
    assert gradient.grad.shape == (0, 1, 3, 4)
    torch.testing.assert_close(conv.angles.grad, torch.zeros_like(conv.angles))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_modules_of_every_floating_type_train(dtype):
    conv = module().to(dtype)
    conv(images()).sum().backward()
    plain = module()
    with torch.no_grad():
        plain.angles.copy_(conv.angles)
    plain(images()).sum().backward()
    assert conv.angles.grad.dtype == dtype
    torch.testing.assert_close(conv.angles.grad, plain.angles.grad.to(dtype))


def test_tensors_without_real_values_are_refused_in_one_sentence():
    conv = module()
    for given, message in (
        (images().to(torch.complex64), "images has entries of type torch.complex64"),
        (images().to("meta"), "values cannot be read"),
        (images().numpy(), "images is a ndarray: give a tensor"),
        (images()[0, 0], "images have shape"),
        (images().permute(0, 2, 3, 1), "np.moveaxis"),
    ):
        with pytest.raises(InputError, match=message) as refused:
            conv(given)
        assert len(str(refused.value)) <= 200
    with pytest.raises(InputError, match="device 'meta'"):
        module().to("meta")(images())
    with pytest.warns(UserWarning, match="[Cc]omplex"):
        imaginary = module().to(torch.complex128)
    with pytest.raises(InputError, match="angles has entries of type torch.complex128"):
        imaginary(images())


def test_the_layer_takes_tensors_but_no_gradient_through_them():
    layer = module().layer
    expected = layer.forward(images().numpy())
    for given in (images(), images().to_sparse(), torch.nn.Parameter(images(), False)):
        np.testing.assert_array_equal(layer.forward(given), expected)
    pixels = images().to(torch.bfloat16)
    np.testing.assert_array_equal(layer.forward(pixels), layer.forward(pixels.double().numpy()))
    with pytest.raises(InputError, match="requires a gradient"):
        layer.forward(images().requires_grad_())


def test_mini_batches_share_no_shots_in_evaluation_and_in_training():
    conv, whole = module(shots=50), module(shots=50)
    pixels = images((8, 1, 3, 4))
    for train in (False, True):
        conv.train(train), whole.train(train)
        together = whole(pixels)
        if train:
            # Each pass of training has shots of its own: the first half is in pass 1 of both.
            torch.testing.assert_close(conv(pixels[:4]), together[:4], rtol=0, atol=0)
            assert (conv(pixels[:4]) != together[:4]).any()
        else:
            parts = [conv(pixels[:3]), conv(pixels[3:])]
            torch.testing.assert_close(torch.cat(parts), together, rtol=0, atol=0)


@pytest.mark.parametrize("gradient", ["parameter_shift", "exact"])
@pytest.mark.parametrize("overlap", ["ancilla", "inversion"])
def test_gradients_pass_gradcheck(gradient, overlap):
    conv = module(gradient=gradient, overlap=overlap)
    pixels = images((1, 1, 2, 3)).requires_grad_()

    def function(pixels, angles):
        return torch.func.functional_call(conv, {"angles": angles}, (pixels,))

    assert torch.autograd.gradcheck(function, (pixels, conv.angles), atol=1e-5, rtol=1e-5)


def test_gradients_made_on_the_processor_are_the_same():
    found = []
    for gradient in ("in_circuit", "parameter_shift"):
        conv = module(gradient=gradient)
        (3 * conv(images()) ** 2).sum().backward()
        found.append(conv.angles.grad)
    torch.testing.assert_close(*found)
    with pytest.raises(InputError, match="ancilla"):
        module(gradient="in_circuit", overlap="inversion")


def test_two_forward_passes_before_one_backward_do_not_mix():
    conv = module()
    first = conv(images()).sum()
    conv(2 - images())
    first.backward()
    alone = module()
    alone(images()).sum().backward()
    torch.testing.assert_close(conv.angles.grad, alone.angles.grad)


def test_layers_stack_and_train():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        module(),
        QuantumConv2d(2, 1, 2, ansatz=XZAnsatz(layers=1), device="willow_pink", seed=4),
        torch.nn.Flatten(),
        torch.nn.Linear(2, 1, dtype=torch.float64),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    target = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = ((network(images()) - target) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert losses[-1] < 0.3 * losses[0]


def test_shots_are_fresh_in_training_and_fixed_in_evaluation():
    conv = module(shots=50)
    first, second = conv(images()), conv(images())
    assert (first != second).any()
    conv.eval()
    torch.testing.assert_close(conv(images()), conv(images()), rtol=0, atol=0)


@pytest.mark.parametrize("cast", [torch.nn.Module.half, lambda conv: conv.type(torch.half)])
def test_casting_a_module_does_not_make_it_repeat_shots(cast):
    conv = module(shots=50)
    conv.draws += 3000
    cast(conv)
    first, second = conv(images()), conv(images())
    assert conv.draws == 3002 and (first != second).any()


def test_state_is_saved_and_restored():
    conv = module(shots=50)
    conv(images())
    restored = module(shots=50, seed=3)
    with torch.no_grad():
        restored.angles.zero_()
    restored.load_state_dict(conv.state_dict())
    torch.testing.assert_close(conv.angles, restored.angles, rtol=0, atol=0)
    torch.testing.assert_close(conv(images()), restored(images()), rtol=0, atol=0)


def test_bad_arguments_are_named():
    with pytest.raises(InputError, match="out_channels"):
        QuantumConv2d(1, 0, 2)
    for wrong in ("shift", None, 3):
        with pytest.raises(InputError, match="gradient method"):
            module(gradient=wrong)
    assert module(gradient="auto").gradient == "auto"
    for wrong in (0, "", []):
        with pytest.raises(InputError, match="filters holds a"):
            module(ansatz=wrong)
    with pytest.raises(InputError, match="channel"):
        module()(images((1, 3, 4, 4)))


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "qucnn_cirq.torch_layer")
    with pytest.raises(InputError, match=r"\[torch\]"):
        __import__("qucnn_cirq.torch_layer")


def test_a_circuit_with_symbols_is_trained():
    a, b = cirq.LineQubit.range(2)
    symbol = sympy.Symbol("t")
    circuit = cirq.Circuit(cirq.ry(2 * symbol)(a), cirq.CNOT(a, b), cirq.rx(symbol + 1)(b))
    module = QuantumConv2d(1, 1, 2, ansatz=circuit, device="grid:4x5", seed=3)
    assert module.angles.shape == (1, 1)
    images = torch.rand(1, 1, 2, 3, dtype=torch.float64, generator=torch.manual_seed(1))
    losses = []
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        losses.append(module(images).sum())
        losses[-1].backward()
        optimizer.step()
    assert losses[0] > losses[1] > losses[2]
