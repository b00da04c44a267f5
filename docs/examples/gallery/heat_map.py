"""
Error over noise and shots
==========================

Where more shots no longer help: above the line the variance of the shots is below the squared
systematic error. The study draws it with its own function, on axes of yours.
"""

from matplotlib import pyplot

import studies
from qucnn_cirq.drawing.theme import theme
from studies.noise.heat_map import plot_noise_and_shots

results = studies.run(
    "noise",
    axes={
        "noise.scale": [0.1, 0.3, 1.0, 3.0, 10.0],
        "shots": [100, 1_000, 10_000, 100_000, 1_000_000],
    },
    settings={"images": 1, "convolution.overlap": "inversion", "repeat": 0},
    workers=1,
)
with theme():
    figure, axes = pyplot.subplots(figsize=(4.2, 3), layout="constrained")
    plot_noise_and_shots(axes, results.table())
    figure.legend(loc="outside upper center")
