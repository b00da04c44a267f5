"""
Error of the gradient
=====================

QuCNN's in-circuit gradient beside the shift rule, for a large and a small upstream value g.
Dashed is what the formulas of the variance predict.
"""

from matplotlib import pyplot

import studies
from qucnn_cirq.drawing.theme import theme
from studies.gradient.figures import plot_gradient_error

results = studies.run(
    "gradient",
    axes={
        "method": ["in_circuit", "parameter_shift"],
        "upstream": [1.0, 0.1],
        "shots": [100, 1_000, 10_000, 100_000],
    },
    settings={"state": "superposition", "noise.scale": 0.0, "repeat": 0, "draws": 5},
    workers=1,
)
with theme():
    figure, axes = pyplot.subplots(figsize=(5.4, 2.8), layout="constrained")
    plot_gradient_error(axes, results.table())
    figure.legend(loc="outside right center")
