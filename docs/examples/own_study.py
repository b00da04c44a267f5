"""A study of one's own: how far the mean overlap of random patches is off, against anything."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from matplotlib.figure import Figure

from noise_models import NoiseConfiguration
from qucnn_cirq import ConvolutionSpec, QuantumConvolution
from qucnn_cirq.configuration import read_convolution
from studies.drawing import save_drawn
from studies.point import PlainData, program_of
from studies.sweep.study import Measured, Study


@dataclass(frozen=True)
class RandomPatches(PlainData):
    """Settings of one point: keys of [study], and the tables [convolution] and [noise]."""

    name: ClassVar[str] = "random_patches"

    device: str = "willow_pink"
    images: int = 4
    convolution: ConvolutionSpec = field(default_factory=lambda: read_convolution({}))
    noise: NoiseConfiguration = NoiseConfiguration()


def measure(settings, seed):
    """One row for each point; every random number comes from the seed.

    Args:
        settings: Those of the point.
        seed: The point's `numpy.random.SeedSequence`.
    """
    program = program_of(settings)
    rows, columns = program.spec.kernel_pair
    images = np.random.default_rng(seed).random((settings.images, rows, columns))
    exact, noisy = (
        QuantumConvolution(program, engine="exact", noise=noise, shots=None).forward(images)
        for noise in (None, settings.noise)
    )
    row = {"mean_overlap": float(exact.mean()), "error": float(np.abs(noisy - exact).mean())}
    return Measured([row], {"exact": exact, "noisy": noisy})


def draw(results, folder):
    """A figure against the noise, if its scale is swept over.

    Args:
        results: Those of all points measured so far.
        folder: An existing folder, which takes the figure and its numbers.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    if "noise.scale" not in table:
        return []
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot(table["noise.scale"], table["error"], "o")
    axes.set(xlabel="noise scale", ylabel="mean |F - exact F|")
    save_drawn(figure, table, folder, "error")
    return ["error"]


def text(results):
    """What the terminal and the report say.

    Args:
        results: Those of all points measured so far.
    """
    return f"largest error: {results.table()['error'].max():.4f}"


STUDY = Study(
    settings=RandomPatches,
    title="How far is the overlap of random patches off?",
    columns={"mean_overlap": "mean of the exact overlap", "error": "mean |F - exact F|"},
    measure=measure,
    program=program_of,
)
