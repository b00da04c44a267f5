"""
Error against the scale of the noise
====================================

The three overlap tests while all noise of a configuration is scaled. Any column of the results
can stand on either axis, and tell lines and panels apart.
"""

import studies

results = studies.run(
    "noise",
    axes={
        "convolution.overlap": ["ancilla", "destructive", "inversion"],
        "noise.scale": [0.1, 0.3, 1.0, 3.0, 10.0],
        "repeat": range(3),
    },
    settings={"images": 1, "shots": 10_000},
    workers=1,
)
figure = results.plot(x="noise.scale", y="rmse", hue="convolution.overlap")
figure.savefig("noise_scale.png")
