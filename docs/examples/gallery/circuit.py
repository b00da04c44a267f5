"""
A compiled circuit
==================

The ancilla test of a 2x2 patch and a trainable filter, in the native gates of willow_pink.
Colours are the parts of the layer; ``x0`` is the first angle of the patch's loader, ``f0`` the
first of the filter.
"""

from pathlib import Path

from qucnn_cirq import ConvolutionSpec, XZAnsatz, compile_convolution
from qucnn_cirq.drawing.circuit_svg import circuit_svg

program = compile_convolution(ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(1)), "willow_pink")
circuit = program.filters[0].template.circuit
Path("circuit.svg").write_text(circuit_svg(circuit, program.device, width=800), encoding="utf-8")
print(program.report.two_qubit_gates, "CZ in", program.report.moments, "moments")
