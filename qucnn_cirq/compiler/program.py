"""A compiled convolution: what the compiler returns and the engines run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import attrs
import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models.checks import LARGEST_SEED, instance_of, whole_number
from noise_models.extensions import source_digest
from qucnn_cirq.arrays import real_array
from qucnn_cirq.circuits.loaders import Loader, StateLoader
from qucnn_cirq.circuits.observable import counted
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Report, Variant
from qucnn_cirq.compiler.pinning import roles_of
from qucnn_cirq.compiler.pipeline import passes_text
from qucnn_cirq.compiler.proof import Proof, prove
from qucnn_cirq.compiler.template import MEASUREMENT_KEY
from qucnn_cirq.compiler.verification import MOST_VERIFIED, Verification, verify
from qucnn_cirq.devices import Device
from qucnn_cirq.errors import InputError
from qucnn_cirq.measurements import Numbers
from qucnn_cirq.patches import extract_patches
from qucnn_cirq.specification import ConvolutionSpec


@cirq.value_equality
@dataclass(frozen=True, eq=False)
class Program:
    """A convolution compiled for a device: one template for all patches.

    Attributes:
        spec: The convolution.
        device: The device.
        filters: The compiled circuit of each filter.
    """

    spec: ConvolutionSpec
    device: Device
    filters: tuple[CompiledFilter, ...]

    def __repr__(self) -> str:
        return (
            f"<program of {self.spec!r} for {self.device.name}, "
            f"{self.report.two_qubit_gates} two-qubit gates>"
        )

    def _repr_html_(self) -> str:
        from qucnn_cirq.drawing.notebook import program_html

        return program_html(self)

    def _value_equality_values_(self) -> tuple[object, ...]:
        return self.digest, self.spec, self.device

    @property
    def report(self) -> Report:
        """What the first filter's circuit costs.

        Another filter's may cost less or more: a fixed one that a shorter word prepares, say.
        Where circuits differ between patches it is the one that loads a generic patch exactly.
        """
        return self.filters[0].report

    @cached_property
    def structures(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the filters that share a circuit, which an engine runs together."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for row, compiled in enumerate(self.filters):
            groups.setdefault(tuple(map(id, compiled.variants)), []).append(row)
        return tuple(map(tuple, groups.values()))

    @property
    def placement(self) -> dict[str, tuple[cirq.Qid, ...]]:
        """Where the first filter's registers and ancillas start: "data", "filter", "ancilla".

        It can be given to ``compile_convolution(..., placement=...)`` to pin another program.
        """
        return roles_of(self.filters[0].template)

    @cached_property
    def proof(self) -> Proof:
        """The proof that every compiled circuit measures |<x|f>|^2 (or g |<x|f>|^2, backward).

        It holds for whatever angles the circuits are bound with, where x and f are what loader and
        filter prepare with them; see `qucnn_cirq.compiler.proof`. It is done when it is first read:
        0.1 s for a kernel of 4x4, some 10 s for 5x5.

        Raises:
            InputError: If a circuit is too large.
            NotProvedError: If a circuit is not what was to be compiled.
        """
        return prove(self)

    @property
    def passes_text(self) -> str:
        """A table of what each compiler pass left of the circuit of `report`, to print."""
        return passes_text(self.filters[0].passes)

    @cached_property
    def digest(self) -> str:
        """Tells the compiled circuits from any others: 64 hexadecimal digits.

        The same in every process; identities of results derive from it.
        """
        parts = [
            ":".join([variant.template.digest, *map(_loader_version, _searching(variant))])
            for compiled in self.filters
            for variant in compiled.variants
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def circuit(
        self,
        patch: ArrayLike,
        filter_parameters: ArrayLike | None = None,
        *,
        filter_index: int = 0,
        upstream: float | None = None,
    ) -> cirq.Circuit:
        """The native, measured circuit of one patch.

        Args:
            patch: Array of the kernel's shape, (rows, columns) or (channels, rows, columns).
            filter_parameters: Angles of an ansatz in radians, shape (parameters,); None for other
                filters.
            filter_index: Which of the specification's filters.
            upstream: The back-propagated value g in [-1, 1], for a program compiled with
                ``backward=True``; 1 if None.

        Raises:
            InputError: If the patch has another shape, holds values that are not finite or
                outside the range of the encoding, or is all zero where values are amplitudes (it
                has no quantum state then: F = 0 by definition), or if the parameters do not fit
                the filter.
        """
        compiled, state = self._compiled(filter_index), self._patch_state(patch)
        return self.bound_variant(
            compiled, compiled.variant(state), state, filter_parameters, upstream
        )

    def bound_variant(
        self,
        compiled: CompiledFilter,
        variant: Variant,
        state: NDArray[np.float64],
        filter_parameters: ArrayLike | None = None,
        upstream: float | None = None,
    ) -> cirq.Circuit:
        """As `circuit`, in a circuit that need not be the one chosen for the patch.

        Args:
            compiled: The filter.
            variant: One of its circuits.
            state: The patch's unit vector, shape (1, 2^n).
            filter_parameters: As for `circuit`.
            upstream: As for `circuit`.
        """
        tables = self.tables(compiled, variant, state, filter_parameters, upstream)
        return variant.template.bound_circuit(tables)

    def tables(
        self,
        compiled: CompiledFilter,
        variant: Variant,
        state: NDArray[np.float64],
        filter_parameters: ArrayLike | None = None,
        upstream: float | None = None,
    ) -> AngleTables:
        """The angle tables of one patch, as for `bound_variant`.

        Args:
            compiled: The filter.
            variant: One of its circuits.
            state: What its loader takes of the patch, shape (1, ...).
            filter_parameters: As for `circuit`.
            upstream: As for `circuit`.
        """
        tables = {
            "patch": variant.loader.angles(state),
            "filter": compiled.filter_table(
                None
                if filter_parameters is None
                else real_array("filter_parameters", filter_parameters)
            ),
        }
        if self.spec.backward:
            tables["upstream"] = upstream_table(1.0 if upstream is None else upstream)
        elif upstream is not None:
            raise InputError("upstream is for programs compiled with backward=True.")
        return tables

    def variant(self, patch: ArrayLike, *, filter_index: int = 0) -> Variant:
        """The circuit that a patch is run with; there is only one without an infidelity budget.

        Args:
            patch: As for `circuit`.
            filter_index: Which of the specification's filters.

        Raises:
            InputError: As for `circuit`.
        """
        return self._compiled(filter_index).variant(self._patch_state(patch))

    def estimate(self, result: cirq.Result, *, filter_index: int = 0) -> float:
        """The overlap F (or g F, backward) that the shots of a run estimate.

        With a measurement see `numbers`.

        Args:
            result: Result of running `circuit` on any ``cirq.Sampler``.
            filter_index: Which of the specification's filters.

        Raises:
            InputError: If the result does not hold this program's measurement.
        """
        check_measured(result)
        if self.spec.measurement is not None:
            raise InputError(
                f"measurement = {self.spec.measurement.kind!r} gives no overlap: see "
                "Program.numbers."
            )
        return self._compiled(filter_index).template.overlap_from_result(result)

    def numbers(self, result: cirq.Result, *, filter_index: int = 0) -> Numbers:
        """The numbers of the specification's measurement that the shots of a run estimate.

        Args:
            result: Result of running `circuit` on any ``cirq.Sampler``.
            filter_index: Which of the specification's filters.

        Returns:
            Values and their variances, each of shape (numbers,).

        Raises:
            InputError: If the result does not hold this program's measurement, or the
                specification compares by an overlap test.
        """
        check_measured(result)
        measurement = self.spec.measurement
        if measurement is None:
            raise InputError("the program measures an overlap: see Program.estimate.")
        compiled = self._compiled(filter_index)
        recorded = counted(result.measurements[MEASUREMENT_KEY])
        if compiled.is_two_valued:
            observable = compiled.template.observable
            shots = int(recorded.sum())
            mean = recorded @ observable.table / shots
            values = np.array([mean])
            return Numbers(values, observable.variance(values, shots))
        relabelling = compiled.template.relabelling
        counts = recorded if relabelling is None else relabelling.read(recorded)
        shots = int(counts.sum())
        return measurement.evaluate(counts / shots, self.spec.register_qubits, shots)

    def save(self, path: Path | str) -> None:
        """Writes the program to a file, with templates, specification, device and reports.

        Args:
            path: The file; one that is there is replaced.

        Raises:
            InputError: If it holds something that cannot be written.
            OSError: If the file cannot be written.
        """
        from qucnn_cirq.compiler.program_files import save_program

        save_program(self, path)

    @staticmethod
    def load(path: Path | str) -> Program:
        """Reads a program that `save` wrote; nothing is compiled again.

        Args:
            path: A file that `save` wrote.

        Raises:
            InputError: If the file cannot be read, is damaged, or is from another version.
        """
        from qucnn_cirq.compiler.program_files import load_program

        return load_program(path)

    def verify(self, patches: int = 2, seed: int = 0) -> Verification:
        """Checks bound circuits against the mathematics and against the device's rules.

        For every filter, circuits of random patches (and random parameters and upstream values)
        are simulated by Cirq's state vector simulator and compared with |<x|f>|^2 by numpy.

        Args:
            patches: Random patches for each filter, 1 to 10,000.
            seed: Seed of the patches.

        Returns:
            What was found; ``passed`` tells whether all of it is right.
        """
        count = whole_number("patches", patches, minimum=1, maximum=MOST_VERIFIED)
        return verify(self, count, whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED))

    def _compiled(self, filter_index: int) -> CompiledFilter:
        last = len(self.filters) - 1
        return self.filters[whole_number("filter_index", filter_index, minimum=0, maximum=last)]

    def patch_states(self, patches: ArrayLike) -> NDArray[np.float64]:
        """What a loader takes of patches: the unit vectors of an amplitude encoding.

        Args:
            patches: One of the kernel's shape as for `circuit`, or several along the first axis,
                of which those that are all zero are left out.

        Returns:
            Shape (patches, ...).

        Raises:
            InputError: As for `circuit`.
        """
        given = real_array("patches", patches)
        one = len(self.spec.kernel_pair) + (self.spec.channels > 1)
        # A patch of one channel may say so.
        several = given.ndim > one and not (given.ndim == 3 and given.shape[0] == 1)
        if not several:
            return self._patch_state(given)
        seen = [each for each in given if each.any()]
        return np.concatenate([self._patch_state(each) for each in seen or given[:1]])

    def _patch_state(self, patch: ArrayLike) -> NDArray[np.float64]:
        rows, columns = self.spec.kernel_pair
        shape = (rows, columns)
        given = real_array("patch", patch)
        if given.shape not in (shape, (self.spec.channels, *shape)) or (
            given.ndim == 2 and self.spec.channels > 1
        ):
            wanted = shape if self.spec.channels == 1 else (self.spec.channels, *shape)
            raise InputError(f"patch of shape {given.shape}; the kernel takes {wanted}.")
        image = given.reshape(1, self.spec.channels, *shape)
        whole = attrs.evolve(self.spec, stride=1, padding=0)
        patches = extract_patches(image, whole)
        if patches.blank.all():
            raise InputError(
                "the patch is all zero and has no quantum state; its overlap is 0 by definition "
                "and no circuit is run."
            )
        states: NDArray[np.float64] = patches.inputs
        return states


def check_measured(result: cirq.Result, key: str = MEASUREMENT_KEY) -> None:
    """Refuses what is no result of a program's circuit.

    Args:
        result: What a user gave.
        key: The measurement that it should hold.

    Raises:
        InputError: If it does not.
    """
    instance_of("result", result, cirq.Result, "a sampler")  # type: ignore[type-abstract]
    if key not in result.measurements:
        raise InputError(
            f"the result has no measurement {key!r} (it has {sorted(result.measurements)}); run a "
            "circuit of this program."
        )


def upstream_table(upstream: ArrayLike) -> NDArray[np.float64]:
    """The table ``"upstream"``: arccos g for back-propagated values g.

    Args:
        upstream: One value, or shape (batch,), each in [-1, 1].

    Returns:
        Angles in radians, shape (batch, 1).

    Raises:
        InputError: If a value is not finite or outside [-1, 1].
    """
    values = np.atleast_1d(real_array("upstream", upstream))
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > 1:
        raise InputError(
            "upstream values must be finite and within -1..1; divide larger ones by their "
            "largest modulus and multiply the estimate by it."
        )
    angles: NDArray[np.float64] = np.arccos(values)[:, None]
    return angles


def _searching(variant: Variant) -> tuple[Loader, ...]:
    """The loaders whose angles decide what noise acts on."""
    loader, other = variant.loader, variant.filter_loader
    return (loader, other) if isinstance(other, StateLoader) else (loader,)


def _loader_version(loader: Loader) -> str:
    """The loader's name and what its angles come from: noise acts on others otherwise.

    That is the search, or the code of a user's own.
    """
    searched = f"{loader.name} {loader.search_version}"
    version = loader.name if loader.is_closed_form else searched
    own = source_digest(loader)
    return version if own is None else f"{version} {own}"
