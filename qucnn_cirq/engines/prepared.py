"""Processes made ready for the exact engine: factored, with what evolves and what carries back.

They are kept, for the same circuit under the same noise. What does not fit the memory is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cirq

from noise_models import GuardedNoiseModel, Noise, NoiseConfiguration, as_noise
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.arrays import NUMPY, Array, ArrayLibrary
from qucnn_cirq.engines.evolution import Evolution
from qucnn_cirq.engines.factoring import Factored, factor
from qucnn_cirq.engines.given import real_matrices
from qucnn_cirq.engines.meeting import Meeting
from qucnn_cirq.engines.process import Element, physical_process
from qucnn_cirq.engines.steps import GateStep
from qucnn_cirq.errors import InputError

_LARGEST_STATE = 11
"""Qubits whose 4^n Pauli coefficients (32 MiB) are evolved for each patch."""
_LARGEST_TENSOR = 2**26
"""Numbers in a tensor of the meeting: half a GiB, and as much again while it is made."""
_MOST_PREPARED = 256
"""Processes that are kept ready: a dozen rates of a drift, for each of several loaders."""
_SECONDS_OF_STEP = 1e-9
"""Of each number of a state that is evolved whole."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A process that is ready to be computed with one array library.

    Attributes:
        process: The process in its parts.
        patch: Evolves the data register.
        filter: Evolves the filter register.
        meet: Makes the meeting of what is measured.
        observable: What is measured.
        is_given: Whether the patch's state is handed over, as its table.
    """

    process: Factored
    patch: Evolution
    filter: Evolution
    meet: Callable[[Observable | tuple[cirq.Qid, ...]], Meeting]
    observable: Observable
    is_given: bool = False

    @functools.cached_property
    def whole(self) -> Evolution:
        """Evolves all qubits from the start to the end, where the process does not factor."""
        steps = [*self.process.patch, *self.process.meeting]
        return Evolution(steps, self.patch.qubits, self.patch.library)

    @functools.cached_property
    def meeting(self) -> Meeting:
        """Carries the observable back to the data register."""
        return self.meet(self.observable)

    @functools.cached_property
    def outcomes(self) -> Meeting:
        """Carries every outcome back to the data register."""
        return self.meet(self.observable.qubits)

    def on_data(self, weights: Array, library: ArrayLibrary) -> Array:
        """What a meeting gives, as it is multiplied with patches' states.

        Args:
            weights: All coefficients, shape (filters, rows * 4^n) for n data qubits.
            library: Whose array it is.

        Returns:
            The carried coefficients, shape (filters * rows, carried); for states that are handed
            over the entries of matrices, shape (filters * rows, 4^n).
        """
        n_qubits = len(self.patch.qubits)
        every = weights.reshape(-1, 4**n_qubits)
        if self.is_given:
            return library.put(real_matrices(library.get(every), n_qubits))
        return every[:, self.patch.live]

    def fits(self, meeting: Meeting) -> bool:
        """Whether a meeting makes no tensor that is too large.

        Args:
            meeting: Of this process.
        """
        return meeting.elements <= _LARGEST_TENSOR

    def check_memory(self, meeting: Meeting) -> None:
        """Refuses what does not fit: a patch's state, or a tensor of the meeting.

        Args:
            meeting: Of this process.

        Raises:
            InputError: With the size that would be needed.
        """
        n_qubits = len(self.process.data_qubits)
        if n_qubits > _LARGEST_STATE:
            size, limit = 4**n_qubits, f"{_LARGEST_STATE} qubits"
            what = f"the state of a patch has {n_qubits} qubits, which takes"
        elif not self.fits(meeting):
            size, limit = meeting.elements, f"{8 * _LARGEST_TENSOR / 2**30:.1f} GiB"
            what = "the meeting of data and filter takes"
        else:
            return
        raise InputError(
            f"{what} {8 * size / 2**30:.1f} GiB; the exact engine goes up to {limit}. Choose "
            "engine = 'qsim' or a smaller kernel."
        )


def is_constant(noise: Noise) -> bool:
    """Whether equal noise acts equally; a model of the user's own may change, still equal.

    Args:
        noise: The noise.
    """
    return not isinstance(noise.gate_model, GuardedNoiseModel)


def prepare(template: Template, noise: Noise, library: ArrayLibrary) -> Prepared:
    """A circuit under noise, ready to be computed; the same object for the same circuit and noise.

    Args:
        template: The compiled circuit.
        noise: The noise.
        library: The array library.
    """
    make = _prepared if is_constant(noise) else _prepared.__wrapped__
    return make(template, noise, library)


@functools.lru_cache(maxsize=_MOST_PREPARED)
def _prepared(template: Template, noise: Noise, library: ArrayLibrary) -> Prepared:
    # A state that is handed over needs no gates here.
    elements = physical_process(template, noise, prepares=False)
    prepared = prepare_process(elements, template, template.observable, noise, library)
    return replace(prepared, is_given=template.given is not None)


def prepare_process(
    elements: Sequence[Element],
    template: Template,
    observable: Observable,
    noise: Noise,
    library: ArrayLibrary,
) -> Prepared:
    """Any process on the qubits of a circuit, ready to be computed.

    Args:
        elements: Gates and channels in order of time.
        template: Whose qubits and registers they act on.
        observable: What is measured.
        noise: The noise of reading it; that of the gates is among the elements.
        library: The array library.
    """
    process = factor(elements, template)
    patch = Evolution(process.patch, process.data_qubits, library)
    filters = _evolution(tuple(process.filter), process.filter_qubits, library)
    steps = tuple(process.meeting)

    def meet(measured: Observable | tuple[cirq.Qid, ...]) -> Meeting:
        read = template.observable.qubits
        return _meeting(steps, patch.qubits, filters.qubits, measured, noise, library, read)

    return Prepared(process, patch, filters, meet, observable)


@functools.lru_cache(maxsize=_MOST_PREPARED)
def _evolution(
    steps: tuple[GateStep, ...], qubits: tuple[cirq.Qid, ...], library: ArrayLibrary
) -> Evolution:
    """The same object for the same filter, however its patches are loaded."""
    return Evolution(steps, qubits, library)


_meeting = functools.lru_cache(maxsize=_MOST_PREPARED)(Meeting)
"""The same object for the same meeting; noise that changes while it stays equal is in the steps."""


def check_memory(template: Template, noise: Noise) -> bool:
    """Refuses what does not fit: a patch's state, or a tensor of the meeting.

    Args:
        template: The compiled circuit.
        noise: The noise.

    Returns:
        Whether the process factors.

    Raises:
        InputError: With the size that would be needed.
    """
    prepared = prepare(template, noise, NUMPY)
    prepared.check_memory(prepared.meeting)
    return prepared.process.is_cut


def seconds_if_joined(template: Template, noise: Noise) -> float:
    """About how long a patch takes where noise joins it with the filter before they meet.

    Args:
        template: The compiled circuit.
        noise: The noise; drift is left out.

    Returns:
        Seconds on one core, of the whole state; 0 where the registers stay apart.
    """
    noise = noise.nominal
    configuration = noise.configuration
    if configuration is not None:
        # No other kind acts on two qubits of different gates.
        joining = NoiseConfiguration(
            scales=configuration.scales,
            crosstalk=configuration.crosstalk,
            others=configuration.others,
        )
        noise = Noise(joining) if configuration.scale else as_noise(None)
    if noise.gate_model == cirq.NO_NOISE:
        return 0.0
    process = prepare(template, noise, NUMPY).process
    numbers = 4.0 ** len(process.data_qubits)
    return 0.0 if process.is_cut else _SECONDS_OF_STEP * numbers * len(process.patch)
