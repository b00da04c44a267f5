"""Phases of a chain of spins, told apart by a QCNN that has learnt from a single line.

The cluster Ising chain of Cong, Choi and Lukin, Nature Physics 15, 1273,

    H = -J sum Z X Z - h1 sum X - h2 sum X X,   J = 1,

is in a symmetry-protected phase, paramagnetic or antiferromagnetic. The QCNN learns from ground
states with h2 = 0, where it is solved: protected for h1 < 1. It is then asked about all of the
plane, ideally and with noise. A state is handed over; only the QCNN's circuit has noise.

Run it as ``python docs/examples/cluster_chain.py FOLDER``: a few minutes, a figure and its numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import eigsh

from qucnn_cirq import ConvolutionSpec, QCNNBody, QuantumConvolution, compile_convolution
from qucnn_cirq.heads import BodyClassifier
from studies.drawing import PAGE, save_drawn

Array = NDArray[np.float64]

SPINS = 8
LONGER = 12
"""Spins of the chain whose energy shows where phases end."""
LEARNT = 40
"""Points with h2 = 0."""
H1 = np.linspace(0.05, 1.6, 32)
H2 = np.linspace(-1.6, 1.6, 65)
NOISES = {
    "ideal": None,
    "as willow_pink": "willow_pink",
    "depolarising, readout": "depolarizing_readout",
}
_SECTOR = 20.0
"""Energy by which states of another symmetry are lifted."""


class Chain:
    """The open chain in the sector where both symmetries, the flips of every other spin, are 1.

    At its ends the protected phase has four ground states that are as good as degenerate; one of
    them is in this sector.

    Args:
        n_spins: How many.
    """

    def __init__(self, n_spins: int) -> None:
        self._every = np.arange(1 << n_spins)
        self._bit = [1 << n_spins - 1 - spin for spin in range(n_spins)]
        middle = range(1, n_spins - 1)
        self._cluster = sum(
            self._flips(self._bit[i], self._bit[i - 1] | self._bit[i + 1]) for i in middle
        )
        self._field = sum(self._flips(bit) for bit in self._bit)
        pairs = zip(self._bit, self._bit[1:], strict=False)
        self._pairs = sum(self._flips(first | second) for first, second in pairs)
        self._symmetry = sum(self._flips(sum(self._bit[start::2])) for start in (0, 1))

    def _flips(self, flipped: int, signed: int = 0) -> csr_array:
        """X on some spins and Z on others."""
        signs = 1.0 - 2 * (np.bitwise_count(self._every & signed) % 2)
        matrix = csr_array((np.ones(len(self._every)), (self._every ^ flipped, self._every)))
        return csr_array(matrix @ diags_array(signs))

    def ground(self, h1: float, h2: float) -> tuple[float, Array]:
        """The energy of the ground state, and its real amplitudes, shape (2^n,).

        Args:
            h1: The field, in units of J.
            h2: The coupling of neighbours, in units of J.
        """
        hamiltonian = -self._cluster - h1 * self._field - h2 * self._pairs
        lifted = hamiltonian - _SECTOR * self._symmetry
        energies, states = eigsh(lifted, k=1, which="SA", v0=np.ones(len(self._every)))
        return float(energies[0]) + 2 * _SECTOR, states[:, 0]


def ends_of_phases(energies: Array) -> Iterator[tuple[float, float]]:
    """(h1, h2) where the energy curves most along h2.

    Args:
        energies: Shape (h1, h2).
    """
    curved = -np.diff(energies, 2, axis=1)
    for h1, row in zip(H1, curved, strict=True):
        inner = row[1:-1]
        for place in np.flatnonzero((inner > row[:-2]) & (inner >= row[2:])):
            yield float(h1), float(H2[2 + place])


def main(folder: Path) -> None:
    """Learns, asks, draws.

    Args:
        folder: Takes the figure and its numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chain = Chain(SPINS)
    fields = np.linspace(0, 2, LEARNT)
    learnt = np.array([chain.ground(h1, 0.0)[1] for h1 in fields])
    body = QCNNBody("su4")
    read = body.read_qubit(SPINS)
    classifier = BodyClassifier(body, (read,), loss="mean_square", epochs=300, batch=10, rate=0.05)
    # The first class reads |0>: <Z> is 1 in the protected phase.
    classifier.fit(learnt, fields_of(fields))
    print(f"right of {LEARNT} it learnt from: {classifier.score(learnt, fields_of(fields)):.3f}")
    spec = ConvolutionSpec(
        (1, 1 << SPINS),
        filters=[body],
        encoding="given",
        measurement={"kind": "z", "qubits": [read]},
    )
    program = compile_convolution(spec, "willow_pink")
    plane = np.array([[chain.ground(h1, h2)[1] for h2 in H2] for h1 in H1])
    longer = Chain(LONGER)
    energies = np.array([[longer.ground(h1, h2)[0] for h2 in H2] for h1 in H1])
    ends = np.array(list(ends_of_phases(energies)))
    figure = Figure(figsize=(PAGE, 3.2), layout="constrained")
    panels = figure.subplots(1, len(NOISES), sharey=True)
    rows = []
    for axes, (name, noise) in zip(panels, NOISES.items(), strict=True):
        layer = QuantumConvolution(
            program, "exact", noise, None, parameters=classifier.parameters_[None]
        )
        found = layer.forward(plane.reshape(-1, 1, 1 << SPINS)).reshape(plane.shape[:2])
        drawn = axes.pcolormesh(H1, H2, found.T, cmap="RdBu", vmin=-1, vmax=1, rasterized=True)
        axes.contour(H1, H2, found.T, [0.0], colors="black", linewidths=1.2)
        axes.plot(*ends.T, "o", color="gold", mec="black", mew=0.4, ms=3.5)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("h1 / J")
        rows += [
            {"noise": name, "h1": h1, "h2": h2, "z": found[i, j]}
            for i, h1 in enumerate(H1)
            for j, h2 in enumerate(H2)
        ]
        line = found[:, np.abs(H2).argmin()]
        print(
            f"{name}: <Z> = 0 at h2 = 0, h1 = {crossing(line):.2f}; {line[0]:.2f} to {line[-1]:.2f}"
        )
    panels[0].set_ylabel("h2 / J")
    figure.colorbar(drawn, ax=panels, label="<Z>: 1 protected, -1 not")
    save_drawn(figure, pd.DataFrame(rows), folder, "cluster_chain")


def fields_of(fields: Array) -> NDArray[np.str_]:
    """The phase on the line h2 = 0.

    Args:
        fields: Values of h1, shape (states,).
    """
    return np.where(fields < 1, "protected", "trivial")


def crossing(line: Array) -> float:
    """The first h1 at which <Z> on the line h2 = 0 changes its sign; NaN if none.

    Args:
        line: <Z> for each h1, shape (h1,).
    """
    places = np.flatnonzero(np.diff(np.sign(line)))
    if not len(places):
        return float("nan")
    first = places[0]
    share = line[first] / (line[first] - line[first + 1])
    return float(H1[first] + share * (H1[first + 1] - H1[first]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
