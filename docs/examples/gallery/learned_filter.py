"""
What a filter has learned
=========================

A filter of three layers learns the shipped 4x4 kernel by exact gradients of their overlap F. Its
state is 16 amplitudes, up to one phase of all: drawn are their real parts at the start, on the
way and at the end.
"""

import numpy as np
from matplotlib import pyplot

from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.datasets import load_classical_filter
from qucnn_cirq.optimizers import Adam

kernel = load_classical_filter() / np.linalg.norm(load_classical_filter())
spec = ConvolutionSpec(kernel=(4, 4), filters=XZAnsatz(layers=3))
layer = QuantumConvolution(compile_convolution(spec), shots=None, seed=4)
adam, drawn = Adam(0.1), {"the kernel": kernel}
for step in range(201):
    overlap = layer.forward(kernel[None]).item()
    if step in (0, 10, 200):
        state = filter_states(spec, layer.parameters)[0]
        turned = state * np.exp(-1j * np.angle(kernel.ravel() @ state))
        drawn[f"{step} steps: F = {overlap:.2f}"] = turned.real.reshape(4, 4)
    layer.parameters = layer.parameters + adam.step(layer.backward(-np.ones((1, 1, 1, 1))))
figure, panels = pyplot.subplots(1, 4, figsize=(8, 2.4), layout="constrained")
for axes, (title, values) in zip(panels, drawn.items(), strict=True):
    picture = axes.imshow(values, "RdBu_r", vmin=-0.6, vmax=0.6)
    axes.set(title=title, xticks=[], yticks=[])
figure.colorbar(picture, ax=panels, label="amplitude", shrink=0.8)
