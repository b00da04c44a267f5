"""
The noise of calibrated devices
===============================

How the errors of a calibration are spread over the qubits and couplers of each device, and their
medians. They are what ``noise="willow_pink"`` runs, and what a circuit is placed by.
"""

import numpy as np
import pandas as pd
from matplotlib import pyplot

from noise_models import load_calibration

figure, panels = pyplot.subplots(1, 3, figsize=(8, 2.8), sharey=True, layout="constrained")
medians = {}
for name in ("willow_pink", "rainbow", "weber"):
    c = load_calibration(name)
    columns = {
        "Pauli error of two-qubit gates": [
            e.total for k in c.two_qubit.values() for e in k.values()
        ],
        "mean readout error": np.mean(list(c.readout.values()), axis=1),
        "T1 (µs)": [1e-3 / decay for decay, _ in c.rates.values()],
    }
    for axes, (label, values) in zip(panels, columns.items(), strict=True):
        axes.ecdf(np.asarray(values), label=name)
        axes.set(xlabel=label, xscale="log")
    medians[name] = {label: np.median(values) for label, values in columns.items()}
panels[0].set_ylabel("share of qubits or couplers")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
print(pd.DataFrame(medians).to_string(float_format="{:.2g}".format))
