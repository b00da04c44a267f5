"""
A ladder of mitigations
=======================

What estimators make of the same shots of the destructive test: from the plain mean at the top to
weights learned from other images, beside the least that any unbiased one can reach.
"""

from matplotlib import pyplot

import studies
from qucnn_cirq.drawing.theme import theme
from studies.mitigation.figures import plot_ladder

methods = ["raw", "readout", "readout+two_point", "mixed+readout+two_point", "optimal", "bound"]
results = studies.run(
    "mitigation",
    axes={"method": methods, "shots": [1_000, 10_000, 100_000]},
    settings={
        "images": 4,
        "training": 2,
        "convolution.overlap": "destructive",
        "noise": "depolarizing_readout",
    },
    workers=1,
)
with theme():
    figure, axes = pyplot.subplots(figsize=(5.4, 2.6), layout="constrained")
    plot_ladder(axes, results.table())
    figure.legend(loc="outside upper center", ncols=2)
