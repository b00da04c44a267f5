"""Every filter and every gradient from one measurement of each patch.

A patch is loaded and measured, at random angles that are fixed once and for all, without any of the
layer's filters. The patch of maximum likelihood (`qucnn_cirq.estimators.likelihood`) then gives the
overlaps with all filters that can be written down as vectors, now or later, and their gradients:
forward and backward pass share the same counts. This is tomography of a small register.

In the circuit "bases" the filter of an inversion test is a product of rotations about Y. Undoing it
is a measurement of the data register in another basis, and takes no two-qubit gate. The circuit
"destructive" is the Bell measurement of the patch with such a product: all 4^n outcomes count.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import attrs
import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import Noise, NoiseLike, as_noise
from noise_models.checks import LARGEST_SEED, instance_of, one_of, whole_number
from qucnn_cirq.arrays import real_array
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.devices import DeviceLike
from qucnn_cirq.engines import Engine, Twirl, as_twirl, make_engine, twirled_engine
from qucnn_cirq.engines.streams import content_ids, forward_purpose
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.effects import fit_effects
from qucnn_cirq.estimators.forms import gradient_forms, overlap_forms
from qucnn_cirq.estimators.likelihood import Likeliest, Likelihood, Measurement
from qucnn_cirq.estimators.mitigation import TWIRL
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.execution import Execution
from qucnn_cirq.filters import Filter, XZAnsatz
from qucnn_cirq.gradients import FloatArray, Gradient, checked_upstream
from qucnn_cirq.image_blocks import ImageBlocks, ImagesLike
from qucnn_cirq.image_ids import check_number_of_ids, checked_ids
from qucnn_cirq.patch_grid import Occupancy, PatchGrid
from qucnn_cirq.patches import Patches
from qucnn_cirq.specification import ConvolutionSpec

CIRCUITS = ("bases", "destructive")
BASES = 12
"""Random bases in which a patch is measured: 6 nearly suffice, 4 leave signs open."""
FEWEST_BASES = 6
EXACT_SHOTS = 10**12
"""In place of the shots of each circuit where there are none."""
_SEED = 71_201
"""Sets the angles of the bases, which are the same in every process."""


class MeasuredMaps(NamedTuple):
    """Feature maps and how uncertain they are.

    Attributes:
        values: Overlaps, shape (batch, filters, rows, columns).
        variances: Of each overlap, from shots and from how well its patch explains the counts, of
            the same shape.
    """

    values: FloatArray
    variances: FloatArray


@dataclass(frozen=True, eq=False)
class MeasuredPatches:
    """What was measured of the patches of images: values of any filter, at any time.

    Attributes:
        spec: The layer that is wanted.
        patches: Where the patches are in maps, one object for each block of images.
        counts: For each block how often each outcome was recorded, shape
            (patches that are not blank, circuits, outcomes), in the smallest type that holds the
            shots of a circuit.
        likeliest: For each block the patches that explain the counts best.
        shots: Shots of each patch, all circuits together; None for exact distributions, of which
            counts are `EXACT_SHOTS` times the probabilities.
        circuits: Circuits of each patch.
    """

    spec: ConvolutionSpec
    patches: tuple[PatchGrid, ...]
    counts: tuple[NDArray[np.integer], ...]
    likeliest: tuple[Likeliest, ...]
    shots: int | None
    circuits: int

    @property
    def misfit(self) -> float:
        """Chi squared of all counts for each degree of freedom.

        Near 1 if the noise that is assumed is right, and patches are real vectors. Variances of a
        patch whose own is well above grow with it. Without shots, as of 10^12, it is far above 1
        wherever the effects are not exact, and tells nothing of the noise.
        """
        found = np.concatenate([likeliest.misfits for likeliest in self.likeliest])
        return float(found.mean()) if found.size else 1.0

    def overlaps(
        self, parameters: ArrayLike | None = None, filters: Filter | Sequence[Filter] | None = None
    ) -> MeasuredMaps:
        """Feature maps of filters.

        Args:
            parameters: Angles in radians, shape (filters, parameters); None if there are none.
            filters: Other filters than the layer's, with equally many parameters each.

        Raises:
            InputError: If parameters or filters do not fit.
        """
        forms = overlap_forms(filter_states(self._with(filters), parameters))
        found = [likeliest.estimates(forms) for likeliest in self.likeliest]
        values, variances = (
            np.concatenate(
                [each.to_maps(own[k]) for each, own in zip(self.patches, found, strict=True)]
            )
            for k in (0, 1)
        )
        return MeasuredMaps(values, variances)

    def gradients(
        self,
        upstream: ArrayLike,
        parameters: ArrayLike,
        filters: Filter | Sequence[Filter] | None = None,
    ) -> Gradient:
        """The gradient of the parameters, from the counts of the forward pass.

        Args:
            upstream: dL/dF, of the shape of the maps, (batch, filters, rows, columns).
            parameters: Angles in radians, shape (filters, parameters).
            filters: As for `overlaps`.

        Returns:
            dL/dtheta summed over patches and images. Its cost is that of the measurement, of which
            no part is spent again.

        Raises:
            InputError: If parameters, filters or upstream values do not fit.
        """
        spec = self._with(filters)
        angles = real_array("parameters", parameters)
        # Checks them.
        filter_states(spec, angles)
        given, start = real_array("upstream", upstream), 0
        batch = sum(each.batch for each in self.patches)
        if given.ndim != 4 or len(given) != batch:
            raise InputError(
                f"upstream has shape {given.shape}: give (batch, filters, rows, columns) of "
                f"{batch} images."
            )
        parts = []
        for patches in self.patches:
            own = given[start : start + patches.batch]
            parts.append(checked_upstream(own, patches, len(angles)))
            start += patches.batch
        return self.gradients_of(parts, angles, spec)

    def gradients_of(
        self, upstream: Sequence[FloatArray], parameters: FloatArray, spec: ConvolutionSpec
    ) -> Gradient:
        """As `gradients`, for what is known to fit.

        Args:
            upstream: For each block dL/dF of the patches that are not blank, shape
                (filters, patches).
            parameters: Shape (filters, parameters).
            spec: With the filters.
        """
        values, variances = np.zeros(parameters.shape), np.zeros(parameters.shape)
        for row, filter_ in enumerate(spec.filter_list if parameters.size else ()):
            forms = gradient_forms(filter_, spec.register_qubits, parameters[row])
            for own, likeliest in zip(upstream, self.likeliest, strict=True):
                found = likeliest.estimates(forms)
                values[row] += found.values @ own[row]
                variances[row] += found.variances @ own[row] ** 2
        n_patches = sum(each.n_occupied for each in self.patches)
        shots = None if self.shots is None else self.shots * n_patches
        return Gradient(values, variances, "measured_once", self.circuits * n_patches, shots)

    def _with(self, filters: Filter | Sequence[Filter] | None) -> ConvolutionSpec:
        if filters is None:
            return self.spec
        return attrs.evolve(self.spec, filters=filters, overlap="inversion", backward=False)


class MeasuredOnce:
    """Measures the patches of images once, for all filters that can be written down.

    It assumes that patches are real vectors and that the noise is known: what is run under one
    noise can be evaluated under another.

    Args:
        spec: The layer that is wanted; of its overlap test nothing is used.
        device: As for `qucnn_cirq.compile_convolution`.
        engine: What runs the circuits, as for `qucnn_cirq.QuantumConvolution`.
        noise: The noise that circuits are run with, as for `qucnn_cirq.QuantumConvolution`.
        assumed: The noise that is assumed when counts are evaluated; None for the same.
        shots: Shots of each patch, shared among the circuits; a remainder is not run. None for
            the exact distributions, whose estimates have no variance.
        seed: Seed of all shots.
        circuit: "bases", "destructive", or "auto" for the one with the smaller predicted error.
        bases: Circuits of each patch: how many random bases, or products, at least 6 bases.
        twirl: What the shots of each circuit are shared among, as for
            `qucnn_cirq.estimators.Mitigation`.

    Attributes:
        program: What is run: one circuit for each basis.
        shots: Shots of each patch that are run, all circuits together, or None.

    Raises:
        InputError: If an argument is outside its range.
    """

    def __init__(
        self,
        spec: ConvolutionSpec,
        device: DeviceLike = "willow_pink",
        engine: str | Engine | cirq.Sampler = "exact",
        noise: NoiseLike = None,
        *,
        assumed: NoiseLike = None,
        shots: int | None = 10_000,
        seed: int = 0,
        circuit: str = "auto",
        bases: int | None = None,
        twirl: str | Twirl | None = TWIRL,
    ) -> None:
        instance_of("spec", spec, ConvolutionSpec, "ConvolutionSpec(...)")
        if not spec.loads_vectors or spec.measurement is not None:
            raise InputError(
                "measuring once is for overlaps of patches whose values are amplitudes: leave "
                "encoding and measurement out."
            )
        one_of("circuit", circuit, ("auto", *CIRCUITS))
        candidates = {
            name: _measuring(spec, name, device, bases)
            for name in (CIRCUITS if circuit == "auto" else (circuit,))
        }
        self.circuit = min(candidates, key=lambda k: candidates[k].report.predicted_error)
        self.program = candidates[self.circuit]
        self._spec = spec
        count = self.program.spec.n_filters
        each = None if shots is None else whole_number("shots", shots, minimum=count) // count
        self.shots = None if each is None else each * count
        self.engine = make_engine(engine)
        given = as_noise(noise)
        self._noise = given if assumed is None else as_noise(assumed)
        for noise_ in (given, self._noise):
            noise_.check_places(self.program.device.graph, f"device {self.program.device.name!r}")
        seed = whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED)
        self.twirl = as_twirl(twirl)
        self._execution = Execution(self.engine, given, each, seed, twirl=self.twirl)

    @property
    def parameters(self) -> FloatArray:
        """Angles of the rotations before the measurement, in radians, shape (circuits, qubits)."""
        return _angles(self.program.spec.n_filters, self.program.spec.register_qubits)

    def measure(
        self,
        images: ImagesLike | Patches,
        image_ids: ArrayLike | None = None,
        draw: int = 0,
    ) -> MeasuredPatches:
        """Runs all circuits on the patches of images, a block of images at a time.

        Args:
            images: As for `qucnn_cirq.QuantumConvolution.forward`.
            image_ids: As for `qucnn_cirq.QuantumConvolution.run`.
            draw: Number of the run; another number gives other shots.

        Raises:
            InputError: If the images do not fit the specification or an argument is outside its
                range.
        """
        blocks = list(self.blocks(images, image_ids, draw))
        return replace(
            blocks[0],
            patches=tuple(each for block in blocks for each in block.patches),
            counts=tuple(each for block in blocks for each in block.counts),
            likeliest=tuple(each for block in blocks for each in block.likeliest),
        )

    def blocks(
        self,
        images: ImagesLike | Patches,
        image_ids: ArrayLike | None = None,
        draw: int = 0,
    ) -> Iterator[MeasuredPatches]:
        """As `measure`, one block after the other: who keeps the maps alone needs no more memory.

        Args:
            images: As for `measure`.
            image_ids: As for `measure`.
            draw: As for `measure`.

        Yields:
            What was measured of some images, in order; at least one block.

        Raises:
            InputError: As for `measure`.
        """
        purpose = forward_purpose(whole_number("draw", draw, minimum=0))
        seen: Counter[bytes] = Counter()
        source = ImageBlocks(images, self._spec)
        given = None if image_ids is None else checked_ids(image_ids, source.count)
        # Images that share a stream take from it in turn.
        together = given is not None and len(np.unique(given)) < len(given)
        start = 0
        for patches in source.patches(together):
            first, start = start, start + patches.batch
            check_number_of_ids(given, start, is_last=False)
            ids = content_ids(patches, seen) if given is None else given[first:start]
            of_patches = ids[patches.positions()[0][patches.occupied]]
            yield self.measure_block(patches, of_patches, purpose)
        check_number_of_ids(given, start, is_last=True)

    def measure_block(
        self, patches: Patches, ids: NDArray[np.integer], purpose: int
    ) -> MeasuredPatches:
        """Runs all circuits on some patches.

        Args:
            patches: The patches.
            ids: The number that identifies the image of each patch that is not blank, shape
                (patches,).
            purpose: Sets runs of the same seed apart, see `qucnn_cirq.engines.Streams`.
        """
        compiled = self.program.filters[0]
        table, size = compiled.filter_table(self.parameters), 1 << self._spec.register_qubits
        n_outcomes = len(compiled.template.observable.table)
        each = EXACT_SHOTS if self.shots is None else self.shots // len(table)
        kept = np.min_scalar_type(each)
        counts = np.zeros((patches.n_occupied, len(table), n_outcomes), dtype=kept)
        states = np.zeros((patches.n_occupied, size))
        steps = np.zeros(patches.n_occupied, dtype=np.int16)
        misfits = np.zeros(patches.n_occupied, dtype=np.float32)
        measurements: list[Measurement] = []
        recorded = self._execution.outcomes(
            compiled, patches, ids, table, numbers=tuple(range(len(table))), purpose=purpose
        )
        for part in recorded:
            columns, own = part.columns.astype(np.int32), part.counts
            if own is None:
                assert part.distribution is not None
                own = np.rint(EXACT_SHOTS * np.maximum(part.distribution, 0)).astype(np.int64)
            counts[columns] = own.swapaxes(0, 1)
            found = _ESTIMATOR.likeliest(self.readings(part.index), list(own))
            states[columns] = found.states
            steps[columns], misfits[columns] = found.steps, found.misfits
            if part.counts is not None:
                measurements += [
                    replace(one, columns=columns[one.columns]) for one in found.measurements
                ]
        likeliest = Likeliest(states, steps, misfits, tuple(measurements))
        # Without the patches, and what is kept for as long as they are.
        grid = Occupancy(patches.blank, patches.batch, patches.rows, patches.columns)
        return MeasuredPatches(self._spec, (grid,), (counts,), (likeliest,), self.shots, len(table))

    def readings(self, index: int) -> tuple[Reading, ...]:
        """What estimators know of the circuits that load patches with one of the variants.

        Args:
            index: The variant's place in `CompiledFilter.variants`.

        Returns:
            One reading for each basis.
        """
        return _readings(self.program, index, self._noise, self.twirl)

    def conditioning(self, patches: int = 200) -> float:
        """How evenly the circuits tell directions apart.

        Args:
            patches: Isotropic patches over which it is averaged.

        Returns:
            The mean over patches of the smallest eigenvalue of the information of a shot, of which
            4 would be ideal in all directions. Below about 0.1 estimates fail.
        """
        patches = whole_number("patches", patches, minimum=1)
        index = self.program.filters[0].generic
        states = np.random.default_rng(0).normal(size=(patches, 1 << self._spec.register_qubits))
        states /= np.linalg.norm(states, axis=1, keepdims=True)
        information = _ESTIMATOR.information(self.readings(index), states)
        # The vector itself is a direction without information.
        return float(np.linalg.eigvalsh(information)[:, 1].mean())


@functools.lru_cache(maxsize=32)
def _angles(count: int, n_qubits: int) -> FloatArray:
    angles = np.random.default_rng(_SEED).uniform(0, np.pi, (count, n_qubits))
    angles.flags.writeable = False
    return angles


_ESTIMATOR = Likelihood()


@functools.lru_cache(maxsize=64)
def _readings(
    program: Program, index: int, noise: Noise, twirl: Twirl | None
) -> tuple[Reading, ...]:
    """Shared by all who measure with the same circuits: finding effects takes a second."""
    compiled, spec = program.filters[0], program.spec
    angles = _angles(spec.n_filters, spec.register_qubits)
    table, vectors = compiled.filter_table(angles), filter_states(spec, angles)
    model, variant = twirled_engine(make_engine("exact"), twirl), compiled.variants[index]
    readings = tuple(
        Reading(variant, row[None], vector, noise, model)
        for row, vector in zip(table, vectors, strict=True)
    )
    fit_effects(readings)
    return readings


_OVERLAPS = {"bases": "inversion", "destructive": "destructive"}
"""The overlap test whose circuits are taken: undoing a product measures in its bases."""


def _measuring(
    spec: ConvolutionSpec, circuit: str, device: DeviceLike, bases: int | None
) -> Program:
    """The program that measures patches."""
    count = whole_number("bases", BASES if bases is None else bases, minimum=1)
    if circuit == "bases" and count < FEWEST_BASES:
        raise InputError(
            f"bases = {count} leave signs of amplitudes open: give at least {FEWEST_BASES}."
        )
    if circuit != "bases" and bases is None:
        count = 1
    product = XZAnsatz(1, ("y",), "none")
    overlap = _OVERLAPS[circuit]
    measuring = attrs.evolve(spec, filters=[product] * count, overlap=overlap, backward=False)
    return compile_convolution(measuring, device)
