"""
Error against shots, and theory
===============================

Without noise the error of an overlap falls with the root of the number of shots, as each test's
variance says (dashed). With noise it ends at the systematic error, which no number of shots
removes.
"""

import numpy as np
from matplotlib import pyplot

from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.datasets import load_classical_filter, load_mnist

images = load_mnist("test", 1).images
shots = np.logspace(2, 6, 9).astype(int)
figure, axes = pyplot.subplots(figsize=(4.6, 3.2), layout="constrained")
for overlap, color in ("ancilla", "C0"), ("inversion", "C1"):
    spec = ConvolutionSpec(filters=FixedFilter(load_classical_filter()), overlap=overlap)
    program = compile_convolution(spec, "willow_pink")
    exact = QuantumConvolution(program, shots=None).run(images).estimates
    for noise, marker in (None, "o"), ("willow_pink", "s"):
        runs = [QuantumConvolution(program, "exact", noise, shots=n).run(images) for n in shots]
        errors = [np.sqrt(np.mean((run.estimates - exact) ** 2)) for run in runs]
        axes.loglog(shots, errors, marker, color=color, label=f"{overlap}, {noise or 'no noise'}")
    variance = program.filters[0].template.observable.variance(exact, shots=1).mean()
    axes.loglog(shots, np.sqrt(variance / shots), "--", color=color, label=f"{overlap}, theory")
axes.set(xlabel="shots a patch", ylabel="RMSE of the overlap F")
axes.legend(fontsize="small")
