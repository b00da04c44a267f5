"""
Feature maps of a digit, ideal and noisy
========================================

One digit, its exact map of overlaps, and what 10,000 shots a patch make of it without noise, as a
calibrated willow_pink, and under ten times its noise. Grey patches are blank: they have no state.
"""

import numpy as np
from matplotlib import pyplot

from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.datasets import load_classical_filter, load_mnist

image = load_mnist("test", 1).images
spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(load_classical_filter()))
program = compile_convolution(spec, "willow_pink")
noises = {
    "exact": None,
    "no noise": None,
    "willow_pink": "willow_pink",
    "ten times that": {"calibrated": "willow_pink", "scale": 10},
}
figure, panels = pyplot.subplots(1, 5, figsize=(8, 2.1), layout="constrained")
panels[0].imshow(image[0], "gray")
panels[0].set_title("the digit")
for axes, (title, noise) in zip(panels[1:], noises.items(), strict=True):
    shots = None if title == "exact" else 10_000
    result = QuantumConvolution(program, noise=noise, shots=shots, seed=1).run(image)
    drawn = axes.imshow(np.ma.masked_equal(result.maps[0, 0], 0), "viridis", vmin=0, vmax=0.6)
    axes.set(title=title, facecolor="0.8")
for axes in panels:
    axes.set(xticks=[], yticks=[])
figure.colorbar(drawn, ax=panels, label="overlap F", shrink=0.8)
