"""A quantum convolution as a PyTorch module; needs the extra ``[torch]``."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import attrs
import cirq

from noise_models import NoiseLike
from noise_models.checks import whole_number
from qucnn_cirq.arrays import tensor_values
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.devices import DeviceLike
from qucnn_cirq.encodings import ENCODINGS, Encoding
from qucnn_cirq.engines import Engine
from qucnn_cirq.errors import InputError, missing_extra
from qucnn_cirq.filters import Filter, XZAnsatz
from qucnn_cirq.gradient_methods import AUTO, METHODS, make_method
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.measured_gradient import MeasuredOnceGradient
from qucnn_cirq.measured_once import MeasuredOnce
from qucnn_cirq.measurements import MEASUREMENTS, Measurement
from qucnn_cirq.specification import ConvolutionSpec

try:
    import torch
except ImportError:
    raise missing_extra("qucnn_cirq.torch_layer", "torch") from None


class QuantumConv2d(torch.nn.Module):
    """Feature maps of overlaps F = |<x|f>|^2, in place of ``torch.nn.Conv2d``.

    Arguments are those of ``torch.nn.Conv2d`` where they make sense: a quantum convolution has no
    bias, dilation or groups, and pads with zeros. The module runs on the CPU; tensors on other
    devices are copied there and back. Images may be of any real type: maps have the type of
    floating-point images, and PyTorch's default type for integers and booleans.

    Args:
        in_channels: Channels of the images.
        out_channels: Number of filters, each an ansatz of its own; with a measurement that gives
            several numbers, filters times numbers, those of a filter side by side.
        kernel_size: Rows and columns of a patch, or one number for both.
        stride: Step of the patches in rows and columns, or one number for both.
        padding: Zeros around the images in rows and columns, or one number for both.
        ansatz: What every filter is: an ansatz, or a circuit whose symbols are trained; by default
            an ansatz of three layers.
        overlap: As for `qucnn_cirq.ConvolutionSpec`.
        encoding: As for `qucnn_cirq.ConvolutionSpec`.
        measurement: As for `qucnn_cirq.ConvolutionSpec`.
        device: The quantum device to compile for.
        engine: As for `qucnn_cirq.QuantumConvolution`.
        noise: As for `qucnn_cirq.QuantumConvolution`.
        shots: Shots for each patch and filter; None for exact expectation values.
        gradient: How the gradient of the angles is obtained; a name in
            `qucnn_cirq.gradient_methods.METHODS`, or "auto". The gradient of the images is
            always the ideal one, without noise and shots. With "measured_once" the maps are
            measured so, too: each patch once, with these shots for all bases and filters
            together, whatever the overlap test, and the gradient is from the same counts. See
            `qucnn_cirq.measured_once`.
        load_filters: As for `qucnn_cirq.compile_convolution`.
        seed: Seed of the initial angles and of all shots. In training every forward pass has shots
            of its own; in evaluation they are always the same. Which shots an image has does not
            depend on its batch, see `qucnn_cirq.QuantumConvolution.run`.

    Attributes:
        angles: The parameters in radians, shape (out_channels, parameters), float64.
        draws: How many forward passes there were in training; part of the state.

    Raises:
        InputError: If an argument is outside its range.
    """

    draws: torch.Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        *,
        ansatz: Filter | cirq.AbstractCircuit | None = None,
        overlap: str = "ancilla",
        encoding: Encoding | str | Mapping[str, Any] = "amplitudes",
        measurement: Measurement | str | Mapping[str, Any] | None = None,
        device: DeviceLike = "willow_pink",
        engine: str | Engine | cirq.Sampler = "auto",
        noise: NoiseLike = None,
        shots: int | None = None,
        gradient: str = "parameter_shift",
        load_filters: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        maps = whole_number("out_channels", out_channels, minimum=1)
        one = ConvolutionSpec(
            kernel=kernel_size,
            stride=stride,
            padding=padding,
            channels=in_channels,
            filters=[XZAnsatz(layers=3) if ansatz is None else ansatz],
            overlap=overlap,
            encoding=ENCODINGS.read(encoding),
            measurement=None if measurement is None else MEASUREMENTS.read(measurement),
        )
        count, rest = divmod(maps, one.n_numbers)
        if rest:
            raise InputError(
                f"out_channels = {maps} is not allowed: each circuit gives {one.n_numbers} "
                "channels; give a multiple of that."
            )
        spec = attrs.evolve(one, filters=one.filter_list * count)
        named = isinstance(gradient, str) and gradient != AUTO
        if spec.allows_backward and named and METHODS[gradient].takes_reader:
            spec = attrs.evolve(spec, backward=True)
        program = compile_convolution(spec, device, load_filters=load_filters)
        self.layer = QuantumConvolution(program, engine, noise, shots, seed)
        make_method(gradient, program)
        self.gradient = gradient
        self._once: MeasuredOnce | None = None
        if gradient == MeasuredOnceGradient.name:
            self._once = MeasuredOnce(
                spec, device, self.layer.engine, noise, shots=shots, seed=seed, circuit="bases"
            )
        self.angles = torch.nn.Parameter(torch.from_numpy(self.layer.parameters))
        self.register_buffer("draws", torch.zeros((), dtype=torch.int64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Feature maps of images.

        Args:
            images: Real numbers, shape (batch, in_channels, rows, columns).

        Returns:
            Overlaps in [0, 1] up to shot noise, or numbers of the measurement, shape (batch,
            out_channels, rows, columns).

        Raises:
            InputError: If the images are no tensor of real numbers or do not fit the module.
        """
        if not isinstance(images, torch.Tensor):
            raise InputError(
                f"images is a {type(images).__name__}: give a tensor: torch.as_tensor(images)."
            )
        if self.angles.is_meta:
            raise InputError("the module is on the device 'meta', without values: load a state.")
        draw = 0
        if self.training:
            self.draws += 1
            draw = int(self.draws)
        maps: torch.Tensor = _Convolution.apply(images, self.angles, self, draw)
        return maps

    def _apply(self, fn: Any, recurse: bool = True) -> QuantumConv2d:
        """A count stays whole: `type(torch.half)`, say, would not count beyond 2,048."""
        draws = self.draws
        super()._apply(fn, recurse)
        if self.draws.dtype != draws.dtype:
            self.draws = draws.to(self.draws.device)
        return self

    def extra_repr(self) -> str:
        """The specification and how it is run."""
        spec = self.layer.program.spec
        return (
            f"{spec.channels}, {spec.n_maps}, kernel_size={spec.kernel}, stride={spec.stride}, "
            f"padding={spec.padding}, overlap={spec.overlap}, shots={self.layer.shots}, "
            f"gradient={self.gradient}"
        )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, images: torch.Tensor, angles: torch.Tensor, module: QuantumConv2d, draw: int
    ) -> torch.Tensor:
        # A copy, so that another forward pass before the backward one does not disturb it.
        layer = copy.copy(module.layer)
        layer.parameters = tensor_values("angles", angles)
        ctx.layer, ctx.method, ctx.draw = layer, module.gradient, draw
        ctx.images, ctx.angles = _kind(images), _kind(angles)
        # Another, as the layer may read images again for the gradient, which PyTorch can change.
        own = images.detach().clone()
        ctx.measured = None
        if module._once is None:
            maps = layer.forward(own, draw=draw)
        else:
            ctx.given = own
            ctx.measured = module._once.measure(own, draw=draw)
            maps = ctx.measured.overlaps(layer.parameters).values
        # An overlap is a fraction: as an integer it would be 0, and have no gradient.
        dtype = images.dtype if images.is_floating_point() else torch.get_default_dtype()
        return torch.from_numpy(maps).to(images.device, dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        given = tensor_values("upstream", upstream[0])
        pixels = angles = None
        if ctx.needs_input_grad[0]:
            if ctx.measured is not None:
                # For the ideal gradient of the images the layer only has to know them.
                ctx.layer = _ideal(ctx.layer)
                ctx.layer.forward(ctx.given)
            pixels = torch.from_numpy(ctx.layer.input_gradient(given)).to(*ctx.images)
        if ctx.needs_input_grad[1]:
            if ctx.measured is None:
                found = ctx.layer.backward(given, ctx.method, ctx.draw)
            else:
                found = ctx.measured.gradients(given, ctx.layer.parameters).values
            angles = torch.from_numpy(found).to(*ctx.angles)
        return pixels, angles, None, None


def _ideal(layer: QuantumConvolution) -> QuantumConvolution:
    """The same layer without noise and shots."""
    return QuantumConvolution(layer.program, "exact", None, None, parameters=layer.parameters)


def _kind(tensor: torch.Tensor) -> tuple[torch.device, torch.dtype]:
    return tensor.device, tensor.dtype
