"""The compiled circuits of one filter, what they cost, and which patches run with which of them."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models.extensions import users_code
from qucnn_cirq.circuits.loaders import EXACT, Loader, StateLoader
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.compiler.pipeline import PassRecord
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.errors import InexactLoading
from qucnn_cirq.filters import Filter, filter_angles, filter_table
from qucnn_cirq.measurements import Measurement
from qucnn_cirq.measurements.of_bits import parity_table
from qucnn_cirq.patches import Patches

HOPELESS_ERROR = 0.9
"""Predicted error from which a circuit is warned of: where a part E of the runs errs, the deviation
from what noise alone gives shrinks to 1 - E, and takes 1 / (1 - E)^2 times as many shots to see."""


_MISSED = 1e-12
"""Infidelity of an exact loader that is told: an overlap is off by at most twice its root, 2e-6."""


@dataclass(frozen=True)
class Report:
    """What a compiled circuit costs.

    Attributes:
        two_qubit_gates: Native two-qubit gates.
        two_qubit_depth: Longest chain of two-qubit gates.
        moments: Moments, the measurement included.
        one_qubit_gates: One-qubit gates: each one PhasedXZ pulse, or a virtual Z.
        qubits: Physical qubits.
        device: The device's name.
        gateset: The native two-qubit gate.
        layout: The layout chosen.
        loader: The loader chosen.
        predicted_error: Probability that at least one operation errs.
        compile_seconds: Time taken to compile.
    """

    two_qubit_gates: int
    two_qubit_depth: int
    moments: int
    one_qubit_gates: int
    qubits: int
    device: str
    gateset: str
    layout: str
    loader: str
    predicted_error: float
    compile_seconds: float

    def to_mapping(self) -> dict[str, object]:
        """The figures by name, ready for JSON."""
        return asdict(self)

    @property
    def warning(self) -> str | None:
        """What to say of a circuit that is next to never right, on one line; None of others."""
        if self.predicted_error <= HOPELESS_ERROR:
            return None
        return (
            f"the predicted error of the circuit is {self.predicted_error:.3f}: nearly every run "
            "errs. What helps: overlap = 'auto', a smaller kernel, channels one by one, or "
            "infidelity = 'auto'."
        )


@dataclass(frozen=True, eq=False)
class Variant:
    """One compiled circuit of a filter, for the patches that its loader is chosen for.

    Attributes:
        loader: The loader of the patch register.
        filter_loader: The loader of a fixed filter, or of one that is loaded as a vector; it reads
            the table of `CompiledFilter`.
        template: The circuit with open slots. Filters of one structure share it.
        passes: What each compiler pass left behind.
        report: What the circuit costs.
    """

    loader: Loader
    filter_loader: Loader
    template: Template
    passes: tuple[PassRecord, ...]
    report: Report

    @classmethod
    def deferred(cls, loader: Loader, filter_loader: Loader, compiled: Callable[[], Self]) -> Self:
        """A variant that is compiled when anything of it but its loaders is asked for.

        Args:
            loader: The loader of the patch register.
            filter_loader: The loader of a fixed filter.
            compiled: Makes the variant.
        """
        variant = cls.__new__(cls)
        vars(variant).update(loader=loader, filter_loader=filter_loader, _compiled=compiled)
        return variant

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What a deferred variant lacks."""
            own = [field.name for field in fields(self)]
            compiled = vars(self).get("_compiled")
            if compiled is None or name not in own:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            made = compiled()
            # What another thread compiled at the same time stays.
            for each in own:
                vars(self).setdefault(each, getattr(made, each))
            return vars(self)[name]

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: how it is compiled is not."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __repr__(self) -> str:
        return f"<{self.loader.name} loader, {self.template!r}>"


@dataclass(frozen=True, eq=False)
class Load:
    """The patches that are run with one variant of a filter, ready to be bound.

    Attributes:
        index: The variant's place in `CompiledFilter.variants`.
        variant: The variant.
        columns: Which of the patches they are, ascending, shape (patches,). Read-only.
        angles: Rows of the table ``"patch"``, shape (patches, angles). Read-only.
    """

    index: int
    variant: Variant
    columns: NDArray[np.intp]
    angles: NDArray[np.float64]

    def __post_init__(self) -> None:
        # They are handed out again for the same patches.
        self.columns.flags.writeable = False
        self.angles.flags.writeable = False


_Solved = tuple[tuple[int, NDArray[np.intp], NDArray[np.float64]], ...]
"""Index, columns and angles of each `Load`, without the variant, which would keep itself alive."""

_SOLVED: weakref.WeakKeyDictionary[Patches, weakref.WeakKeyDictionary[Variant, _Solved]] = (
    weakref.WeakKeyDictionary()
)
"""What `CompiledFilter.load_patches` solved, while patches and first variant exist."""


@dataclass(frozen=True, eq=False)
class CompiledFilter:
    """The compiled circuits of one filter: usually one, several with an infidelity budget.

    Attributes:
        filter: What the filter is; a vector where a circuit without parameters prepares a real one
            and a loader does so in a better circuit.
        variants: The circuits, shortest loader first; the last one loads every patch exactly.
        filter_loader: Prepares a fixed filter, or one that is loaded as a vector.
        generic: The variant that loads a generic patch exactly.
        rule: How a variant is chosen for a patch; None if there is only one.
        measurement: What is read where the filter acts on the patch; None for an overlap test.
    """

    filter: Filter
    variants: tuple[Variant, ...]
    filter_loader: Loader
    generic: int = 0
    rule: LoadingRule | None = None
    measurement: Measurement | None = None

    def __repr__(self) -> str:
        return f"<{self.filter!r} in {len(self.variants)} circuit(s): {self.report!r}>"

    @property
    def loader(self) -> Loader:
        """The loader that loads a generic patch exactly."""
        return self.variants[self.generic].loader

    @property
    def template(self) -> Template:
        """The circuit with that loader."""
        return self.variants[self.generic].template

    @property
    def passes(self) -> tuple[PassRecord, ...]:
        """What each compiler pass left behind in that circuit."""
        return self.variants[self.generic].passes

    @property
    def report(self) -> Report:
        """What that circuit costs."""
        return self.variants[self.generic].report

    @property
    def seconds_to_load(self) -> float:
        """About how long one core takes for the angles of a patch that was not met before.

        Up to the loader of a generic patch each is tried in turn; the others seldom.
        """
        return sum(variant.loader.seconds for variant in self.variants[: self.generic + 1])

    @property
    def is_exact(self) -> bool:
        """Whether every patch is loaded exactly, without an infidelity budget."""
        return self.rule is None or self.rule.limit <= EXACT

    @property
    def is_loaded(self) -> bool:
        """Whether what the filter's circuit prepares is loaded as a vector in its place."""
        return isinstance(self.filter_loader, StateLoader)

    @cached_property
    def is_two_valued(self) -> bool:
        """Whether each shot gives one of two values, whose mean is all that is measured.

        That is so for overlaps, and for a measurement of the parity of what is read.
        """
        if self.measurement is None:
            return True
        with users_code(f"measurement {self.measurement.kind}"):
            table = self.measurement.table(self.loader.n_qubits)
            n_bits = len(self.measurement.read(self.loader.n_qubits))
        return self.measurement.is_linear and np.array_equal(table, parity_table(n_bits)[None])

    def choose(self, states: NDArray[np.float64]) -> NDArray[np.intp]:
        """The variant that each patch is run with.

        Args:
            states: Unit vectors of patches, shape (batch, 2^n).

        Returns:
            An index into `variants` for each patch, shape (batch,).
        """
        if self.rule is None:
            return np.zeros(len(states), dtype=np.intp)
        return self.rule.choose(states, [variant.loader for variant in self.variants])

    def variant(self, state: NDArray[np.float64]) -> Variant:
        """The variant that one patch is run with.

        Args:
            state: The patch's unit vector, shape (1, 2^n).
        """
        return self.variants[int(self.choose(state)[0])]

    def load(self, states: NDArray[np.float64]) -> tuple[Load, ...]:
        """Variants and angles of many patches.

        Args:
            states: Unit vectors of patches, shape (batch, 2^n); for other encodings than
                amplitudes their values, shape (batch, elements).

        Returns:
            One entry for each variant that is chosen for any patch.
        """
        if not len(states):
            return ()
        if self.rule is None:
            rows, angles = np.arange(len(states)), self.loader.angles(states)
            loads: tuple[Load, ...] = (Load(0, self.variants[0], rows, angles),)
        else:
            found = self.rule.load(states, [variant.loader for variant in self.variants])
            loads = tuple(
                Load(index, self.variants[index], columns, angles)
                for index, columns, angles in found
            )
        self._tell_missed(loads[-1], states)
        return loads

    def _tell_missed(self, load: Load, states: NDArray[np.float64]) -> None:
        """Warns of patches that no circuit loads: no search finds the angles of every vector."""
        loader = load.variant.loader
        tells = type(loader).solve is not Loader.solve
        if loader.is_closed_form or not tells or load.variant is not self.variants[-1]:
            return
        # It remembers what it searched for.
        infidelities = loader.solve(states[load.columns])[1]
        limit = max(_MISSED, 0.0 if self.rule is None else min(self.rule.limit, 1.0))
        missed = infidelities > limit
        if missed.any():
            warnings.warn(
                f"loader {loader.name!r}: the search for angles missed {missed.sum()} of "
                f"{len(states)} patches, by an infidelity of up to {infidelities.max():.1e}. They "
                "are loaded nearly right; loader = 'multiplexed' has a closed form for all.",
                InexactLoading,
                stacklevel=3,
            )

    def load_patches(self, patches: Patches) -> tuple[Load, ...]:
        """As `load`, for the occupied patches of images.

        What was found is kept as long as patches and circuits are: gradients, further rounds of
        shots and other noise meet the same patches again, and the angles take as long as some
        simulations.

        Args:
            patches: Patches of images, as `qucnn_cirq.patches.extract_patches` cuts them out.

        Returns:
            As `load`; columns count the occupied patches.
        """
        known = _SOLVED.setdefault(patches, weakref.WeakKeyDictionary())
        first = self.variants[0]
        if first not in known:
            loads = self.load(patches.inputs)
            known[first] = tuple((load.index, load.columns, load.angles) for load in loads)
        return tuple(
            Load(index, self.variants[index], columns, angles)
            for index, columns, angles in known[first]
        )

    def prepare(self, states: NDArray[np.float64]) -> None:
        """Solves for the angles of many patches at once, as `load` does.

        Loaders whose angles have no closed form remember what they solved, so that binding some of
        these patches later is quick.

        Args:
            states: Unit vectors of patches, shape (batch, 2^n).
        """
        self.load(states)

    def filter_states(self, table: NDArray[np.float64]) -> NDArray[np.complex128]:
        """The states of the filter that rows of the table ``"filter"`` prepare.

        Args:
            table: Shape (rows, columns).

        Returns:
            Unit vectors up to a phase, shape (rows, 2^n).
        """
        loader = self.filter_loader
        if isinstance(loader, StateLoader):
            return loader.prepared(table)
        n_qubits = loader.n_qubits
        vector = self.filter.fixed_vector(n_qubits)
        if vector is None:
            return self.filter.prepared(n_qubits, table)
        return np.tile(vector.astype(complex), (len(table), 1))

    def filter_table(self, parameters: ArrayLike | None) -> NDArray[np.float64]:
        """The table ``"filter"``, which the circuit's slots read.

        Args:
            parameters: Angles of an ansatz in radians, shape (parameters,) or (rows, parameters);
                None for a filter without parameters.

        Returns:
            Angles, shape (rows, columns); one row where the filter has no parameters.

        Raises:
            InputError: If the parameters do not fit the filter.
        """
        loader = self.filter_loader
        return filter_angles(self.filter, parameters, loader.n_qubits, loader)

    def rotations(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """The angles of the rotations in the filter's own circuit, to which the shift rule applies.

        Args:
            parameters: Shape (rows, parameters), in radians.

        Returns:
            Radians, shape (rows, angles).
        """
        return self.filter.angles(self.filter_loader.n_qubits, parameters)

    def table_at(self, rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        """The table ``"filter"`` for given angles of the rotations in the filter's own circuit.

        Args:
            rotations: Rows as of `rotations`, shape (rows, angles).

        Returns:
            Angles, shape (rows, columns): as of `Filter.columns`, or where the filter is loaded as
            a vector those that load what the rotations prepare.
        """
        loader = self.filter_loader
        return filter_table(self.filter, rotations, loader.n_qubits, loader)
