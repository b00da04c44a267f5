"""
A learning curve
================

A filter learns a state by the shift rule, with ansatze of one to three layers: the median over
starts, and their middle half. One layer cannot reach it (dashed).
"""

from matplotlib import pyplot

import studies
from qucnn_cirq.drawing.theme import theme
from studies.learning.figures import plot_learning

results = studies.run(
    "learning",
    axes={"convolution.filters.layers": [1, 2, 3], "repeat": range(3)},
    settings={"iterations": 60, "method": "parameter_shift", "shots": 1000, "noise.scale": 0.0},
    workers=1,
)
with theme():
    figure, axes = pyplot.subplots(figsize=(5.4, 2.8), layout="constrained")
    plot_learning(axes, results.table())
    figure.legend(loc="outside right center")
