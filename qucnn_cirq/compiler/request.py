"""What is asked of the compiler, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseLike, as_noise
from noise_models.checks import one_of, real_number, whole_number
from noise_models.extensions import FailedCodeError
from qucnn_cirq.circuits.loaders import AUTO, LOADERS, Loader, StateLoader, made
from qucnn_cirq.compiler.assembly import ROUTED, Options
from qucnn_cirq.compiler.decoupling import SEQUENCES
from qucnn_cirq.compiler.gate_sets import GATE_SETS
from qucnn_cirq.compiler.layouts import LAYOUTS
from qucnn_cirq.compiler.pinning import Pinning
from qucnn_cirq.devices import Device
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.specification import ConvolutionSpec

LARGEST_REGISTER = 10
"""Qubits of a register: its loader has about 1,000 two-qubit gates, which takes half a minute."""

MOST_ROTATIONS = 10_000
"""Rotations of a filter, over all its layers and qubits."""

AUTO_TOLERANCE = 1e-5
"""Infidelity far below what one two-qubit gate is worth."""


@dataclass(frozen=True)
class Budget:
    """How well patches must be loaded.

    Attributes:
        infidelity: The largest infidelity, or None for what is best under the noise.
        noise: That noise.
    """

    infidelity: float | None
    noise: Noise | None = None

    @property
    def tolerance(self) -> float | None:
        """Infidelity below which the search for angles may stop; None for exact loaders."""
        if self.infidelity == 0:
            return None
        return AUTO_TOLERANCE if self.infidelity is None else 0.1 * self.infidelity


@dataclass(frozen=True)
class Request:
    """Everything that decides a program.

    Attributes:
        spec: The convolution, its overlap test chosen.
        device: The device.
        layout: The name of a layout, or "auto".
        loader: The name of a loader, or "auto".
        loaders: The loaders of that name, which may be taken.
        options: What else is asked of the circuits.
        budget: How well patches must be loaded.
        pinning: Where the circuit must be.
        load_filters: Whether what circuits of filters prepare is loaded as vectors.
    """

    spec: ConvolutionSpec
    device: Device
    layout: str
    loader: str
    loaders: tuple[type[Loader], ...]
    options: Options
    budget: Budget
    pinning: Pinning
    load_filters: bool = False

    @property
    def prefers_real(self) -> bool:
        """Whether real amplitudes are worth a few gates: where gates turn by wrong angles."""
        if self.loader != AUTO:
            return False
        if self.budget.noise is not None:
            return True
        return self.device.has_coherent_errors(self.options.gate_set)

    def loaders_of_size(
        self, vector: NDArray[np.float64] | None = None, gate_set: str | None = None
    ) -> list[Loader]:
        """The loaders of patches that exist for the register.

        Args:
            vector: The filter's real unit vector, shape (2^n,), where loaders that merge it may be
                taken; None for the others only.
            gate_set: Another native two-qubit gate than that of the circuits; None for theirs.
        """
        own = self.spec.encoding.loader(self.spec.n_elements)
        if own is not None:
            return [own]
        return self.vector_loaders(vector, gate_set)

    def vector_loaders(
        self, vector: NDArray[np.float64] | None = None, gate_set: str | None = None
    ) -> list[Loader]:
        """The loaders of vectors that exist for the register.

        Args:
            vector: As for `loaders_of_size`, shape (2^n,).
            gate_set: As for `loaders_of_size`.
        """
        found = []
        for loader in self.loaders:
            if loader.merges_filter and vector is None:
                continue
            try:
                gates = gate_set or self.options.gate_set
                found.append(made(loader, self.spec.register_qubits, gates, vector))
            except FailedCodeError:
                raise
            except InputError:
                # A size that it does not have.
                continue
        return found


def read_budget(infidelity: float | str, noise: NoiseLike) -> Budget:
    """Checks an infidelity budget.

    Args:
        infidelity: The largest infidelity of a loaded patch, in [0, 1]; or "auto" for what is best
            under the noise.
        noise: That noise, in any form that `noise_models.as_noise` takes; None unless infidelity is
            "auto".

    Raises:
        InputError: If it is outside 0..1, or noise is missing for "auto" or given for a number.
    """
    if isinstance(infidelity, str) and infidelity == "auto":
        weighed = as_noise(noise)
        if weighed.is_ideal:
            raise InputError(
                'infidelity = "auto" weighs the loaders under noise: give noise as well, or a '
                "number for infidelity."
            )
        return Budget(None, weighed)
    if noise is not None:
        raise InputError(
            'noise is weighed only by infidelity = "auto": leave it out here, and give it to the '
            "layer or the engine."
        )
    if isinstance(infidelity, str):
        raise InputError(
            f'infidelity = {shown(infidelity)} is not allowed: give a number or "auto".'
        )
    return Budget(real_number("infidelity", infidelity, minimum=0.0, maximum=1.0))


def read_options(
    spec: ConvolutionSpec,
    device: Device,
    gate_set: str | None,
    walkers: object,
    dynamical_decoupling: str | None,
) -> Options:
    """Checks what is asked of a circuit besides its filter, layout and loader.

    Args:
        spec: The convolution, its overlap test chosen.
        device: The device.
        gate_set: One of `GATE_SETS` that the device offers; None for the device's default.
        walkers: Walking ancillas, a whole number, 1 for a test that has none.
        dynamical_decoupling: One of `SEQUENCES`, or None.

    Raises:
        InputError: If a name is unknown, or the device or the overlap test does not allow it.
    """
    gates = device.default_gate_set if gate_set is None else gate_set
    one_of("gate set", gates, GATE_SETS)
    if gates not in device.two_qubit_gates:
        raise InputError(
            f"device {device.name!r} does not offer gate_set = {gates!r}; it offers "
            f"{', '.join(device.two_qubit_gates)}."
        )
    if dynamical_decoupling is not None:
        one_of("dynamical decoupling sequence", dynamical_decoupling, SEQUENCES)
    count = whole_number("walkers", walkers, minimum=1)
    test = spec.overlap_test
    if count > 1 and not test.most_walkers:
        raise InputError(f"walkers = {count}: the {spec.overlap} test has no ancilla that walks.")
    if count > 1 and count > min(test.most_walkers, spec.register_qubits):
        allowed = "1 or 2" if test.most_walkers > 1 else "only 1"
        raise InputError(
            f"walkers = {count}: there can be {allowed}, and at most one for each of the "
            f"{spec.register_qubits} pairs of qubits."
        )
    return Options(
        test,
        spec.backward,
        count,
        gates,
        dynamical_decoupling,
        device.duration_ratio(gates),
    )


def check_sizes(spec: ConvolutionSpec) -> None:
    """Refuses what would be compiled for hours.

    Args:
        spec: The convolution.

    Raises:
        InputError: If the register or a filter is too large.
    """
    if spec.register_qubits > LARGEST_REGISTER:
        raise InputError(
            f"kernel = {spec.kernel} with channels = {spec.channels} needs {spec.register_qubits} "
            f"qubits a register: at most {LARGEST_REGISTER} are compiled; use a smaller kernel."
        )
    rotations = max(each.n_angles(spec.register_qubits) for each in spec.filter_list)
    if rotations > MOST_ROTATIONS:
        raise InputError(
            f"a filter has {rotations} rotations with parameters on {spec.register_qubits} qubits: "
            f"at most {MOST_ROTATIONS} are compiled; use fewer layers or gates."
        )


def check_loaded_filters(spec: ConvolutionSpec) -> None:
    """Refuses to load filters as vectors where none could be.

    Args:
        spec: The convolution.

    Raises:
        InputError: If every filter is a vector already, or the register is too large.
    """
    if spec.measurement is not None:
        raise InputError(
            f"load_filters = True: with measurement = {spec.measurement.kind!r} filters act on the "
            "patch and are no vectors; leave it out."
        )
    if all(each.fixed_vector(spec.register_qubits) is not None for each in spec.filter_list):
        raise InputError(
            "load_filters = True: every filter is a known vector, which is loaded anyway; leave it "
            "out, or give a filter that is a circuit."
        )
    StateLoader(spec.register_qubits)


def read_names(layout: str, loader: str) -> tuple[type[Loader], ...]:
    """Checks the name of a layout and finds the loaders of a name.

    Args:
        layout: One of `LAYOUTS`, "routed" or "auto".
        loader: One of `LOADERS`, ``module:attribute``, or "auto" for all of them.

    Raises:
        InputError: If one is unknown.
    """
    layouts = (*LAYOUTS, ROUTED, "auto")
    one_of("layout", layout, layouts)
    if isinstance(loader, str) and loader == AUTO:
        return tuple(LOADERS.values())
    return (LOADERS.find(loader, beside=(AUTO,)),)
