"""
Its place on the device
=======================

Where the compiler puts the test of a 4x4 patch and filter on willow_pink: where the calibrated
errors make it least likely that anything errs. The ancilla walks along the arrows.
"""

from qucnn_cirq import ConvolutionSpec, FixedFilter, compile_convolution
from qucnn_cirq.datasets import load_classical_filter
from qucnn_cirq.drawing.device_figure import device_figure
from qucnn_cirq.drawing.placement import placement_of
from qucnn_cirq.drawing.theme import theme

spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(load_classical_filter()))
program = compile_convolution(spec, "willow_pink")
with theme():
    figure = device_figure(program.device, placement_of(program.filters[0].template.circuit))
    figure.savefig("placement.png")
