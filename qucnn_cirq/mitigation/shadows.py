"""Real shadows: a patch measured in several bases, for all filters at once.

Over real vectors b of a basis drawn evenly, E sum_b (b.f)^2 (b.x)^2 = (1 + 2 F)/(d + 2), so that an
outcome b counts as ((d + 2) (b.f)^2 - 1)/2 for a real filter f. The loader is all that there is
besides the basis: no filter is prepared.
"""

from __future__ import annotations

import functools
import itertools

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.loaders.merging import MergingLoader
from qucnn_cirq.circuits.observable import all_zeros
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.compiler.pipeline import passes_for, run_passes
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.devices import DeviceLike, load_device
from qucnn_cirq.engines.outcomes import unfolded
from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.estimators import Reading
from qucnn_cirq.mitigation.method import MitigationMethod, Plan, Run, linear_combination
from qucnn_cirq.mitigation.real_bases import RealBasis, real_bases, unbiased_bases
from qucnn_cirq.validation import check

FloatArray = NDArray[np.float64]

BASES = ("unbiased", "all")
_NO_FILTER = np.zeros((1, 0))


class RealShadows(MitigationMethod):
    """Classical shadows (arXiv:2002.08953) of real vectors in real stabiliser bases.

    Args:
        bases: "unbiased" for the fewest, d/2 + 1 mutually unbiased bases, for 1, 2 or 4 qubits;
            "all" for every real stabiliser basis, for up to 4.
        unfolds_readout: Whether assumed readout errors are undone.
        device: Where the circuits must be allowed; None for the one that the program names.

    Raises:
        InputError: If there are no such bases.
    """

    name = "shadows"
    assumes = "patch and filter are real vectors, and loading them and the bases have no noise"

    def __init__(
        self,
        bases: str = "unbiased",
        unfolds_readout: bool = True,
        device: DeviceLike | None = None,
    ) -> None:
        if bases not in BASES:
            raise unknown_name("set of bases", bases, BASES)
        self.bases, self.unfolds_readout, self.device = bases, unfolds_readout, device

    def plan(self, reading: Reading, states: FloatArray) -> Plan:
        """See `MitigationMethod.plan`: the loader and a basis, with equal shots for each basis."""
        vector = reading.vector
        phase = vector[np.argmax(np.abs(vector))]
        real = vector * np.conj(phase) / np.abs(phase)
        if np.abs(real.imag).max() > 1e-9:
            raise InputError("real shadows are for real filters: this one is complex.")
        size = len(vector)
        loader = loader_alone(reading.variant.loader)
        patch = loader.angles(states)
        runs = []
        chosen = self.chosen(reading)
        for number, basis in enumerate(chosen):
            template = self.template(reading, basis)
            values = ((size + 2) * (basis.vectors @ real.real) ** 2 - 1) / 2
            if self.unfolds_readout:
                values = unfolded(values, template.observable.qubits, reading.noise)
            name = f"basis {number}"
            runs.append(Run(name, template, patch, _NO_FILTER, values, 1 / len(chosen)))
        slopes = np.full(len(runs), 1 / len(runs))
        return Plan(tuple(runs), linear_combination(slopes), slopes)

    def chosen(self, reading: Reading) -> tuple[RealBasis, ...]:
        """The bases, each in the fewest CZ on the couplers of the data register.

        Args:
            reading: The circuit whose loader is taken.
        """
        data = reading.variant.template.data_qubits
        graph = load_device(self.device or reading.variant.report.device).graph
        pairs = itertools.combinations(range(len(data)), 2)
        couplers = frozenset((a, b) for a, b in pairs if graph.has_edge(data[a], data[b]))
        if self.bases == "all":
            return tuple(real_bases(len(data), couplers).values())
        return unbiased_bases(len(data), couplers)

    def template(self, reading: Reading, basis: RealBasis) -> Template:
        """The compiled circuit of a basis, on the qubits of the reading's data register.

        Args:
            reading: The circuit whose loader is taken.
            basis: The basis.

        Raises:
            InputError: If the device cannot run it.
        """
        variant = reading.variant
        template = _compiled(variant, basis)
        check(template.marked_circuit, self.device or variant.report.device)
        return template


@functools.lru_cache(maxsize=512)
def _compiled(variant: Variant, basis: RealBasis) -> Template:
    """The same object each time, for which engines keep what they prepare."""
    data = variant.template.data_qubits
    loading = loader_alone(variant.loader).circuit(data, "patch")
    measured = loading + basis.circuit(data) + cirq.measure(*data, key=MEASUREMENT_KEY)
    given = variant.template.given
    passes = passes_for(variant.report.gateset, given=() if given is None else data)
    native, _ = run_passes(measured, passes)
    return Template(native.freeze(), all_zeros(data), data, (), given=given)


def loader_alone(loader: Loader) -> Loader:
    """What loads the vector of a patch itself.

    Args:
        loader: A circuit's loader, which may undo a filter or be in a frame.
    """
    own = loader.alone() if isinstance(loader, MergingLoader) else loader
    return own.unframed()
