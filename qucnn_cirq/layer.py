"""``QuantumConvolution``: a compiled convolution, an engine and noise, ready for images."""

from __future__ import annotations

import functools
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import attrs
import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import NoiseLike, as_noise
from noise_models.checks import (
    LARGEST_SEED,
    instance_of,
    true_or_false,
    whole_number,
)
from qucnn_cirq import image_blocks
from qucnn_cirq.advance import shown
from qucnn_cirq.arrays import real_array
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.engines import Engine, make_engine
from qucnn_cirq.engines.drifting import drifting_engine
from qucnn_cirq.engines.streams import content_ids, forward_purpose
from qucnn_cirq.errors import InputError
from qucnn_cirq.errors import shown as shown_value
from qucnn_cirq.estimators import MitigationLike
from qucnn_cirq.execution import Execution
from qucnn_cirq.forward_pass import (
    Overlaps,
    PassImages,
    grid_of,
    joined_maps,
    overlaps_of,
    recognised,
)
from qucnn_cirq.gradient_methods import AUTO, ExactGradient, make_method
from qucnn_cirq.gradients import (
    Gradient,
    Pass,
    checked_upstream,
    gradient_by,
    input_gradient,
)
from qucnn_cirq.image_blocks import ImageBlocks, ImagesLike
from qucnn_cirq.image_ids import check_number_of_ids, checked_ids
from qucnn_cirq.measured import Measured, stacked
from qucnn_cirq.mitigation import MitigationMethod, layer_mitigation
from qucnn_cirq.patch_grid import Occupancy, PatchGrid
from qucnn_cirq.patches import Patches
from qucnn_cirq.threads import in_order, n_threads

_LOGGER = logging.getLogger(__name__)

LARGEST_ANGLE = 1e8
"""Radians of the largest angle: beyond it float64 no longer resolves the shifts of a gradient."""


class QuantumConvolution:
    """A quantum convolution layer.

    Args:
        program: The compiled convolution.
        engine: The name of an engine, see `qucnn_cirq.engines.ENGINES`; an engine; or a
            ``cirq.Sampler``. "auto" takes the fastest one that is exact, and shots of qsim where
            none is; ``layer.engine.reason`` then says why in a line.
        noise: None, a name, a mapping as in TOML, a configuration or a ``cirq.NoiseModel``.
        shots: Shots for each patch and filter; None for exact expectation values.
        seed: Seed of all random draws, from 0 to 2^64 - 1. Each image and filter has a stream of
            its own, which derives from the image's content or from the number it is given, see
            `run`: neither the size nor the order of batches changes an estimate. Running an
            image again repeats its shots, unless ``draw`` is another number.
        parameters: Angles of trainable filters in radians, shape (filters, parameters); drawn
            uniformly from [0, 2 pi) with the seed if None.
        mitigation: What makes overlaps of the counts of all outcomes, under the layer's noise: the
            name of an estimator, see `qucnn_cirq.estimators.ESTIMATORS`; several, in a list or
            joined by "+", each correcting those before it ("readout+two_point"); an estimator; or a
            `qucnn_cirq.estimators.Mitigation`, which may assume another noise. "auto" takes the
            best that the circuits allow, and ``layer.mitigation.reason`` says which and why. Or a
            method that runs further circuits with a share of the shots each, or the name of one,
            see `qucnn_cirq.mitigation.METHODS`. None takes the mean of the measured observable.
        keep_outcomes: Whether a forward pass with shots keeps the counts of all outcomes, see
            `qucnn_cirq.forward_pass.Overlaps.outcomes`, so that other estimators can be applied
            afterwards. Its shots are other ones then, of the same distribution.

    Raises:
        InputError: If an argument is outside its range, or the noise is not allowed or names a
            qubit that the device lacks.
    """

    def __init__(
        self,
        program: Program,
        engine: str | Engine | cirq.Sampler = "auto",
        noise: NoiseLike = None,
        shots: int | None = 10_000,
        seed: int = 0,
        parameters: ArrayLike | None = None,
        mitigation: MitigationLike | MitigationMethod = None,
        keep_outcomes: bool = False,
    ) -> None:
        self.program = instance_of("program", program, Program, "compile_convolution(spec, device)")
        self.engine = make_engine(engine)
        self.noise = as_noise(noise)
        self.noise.check_places(program.device.graph, f"device {program.device.name!r}")
        self.shots = None if shots is None else whole_number("shots", shots, minimum=1)
        self.keep_outcomes = true_or_false("keep_outcomes", keep_outcomes)
        self.mitigation = layer_mitigation(mitigation, self.noise)
        if self.mitigation is not None and program.spec.measurement is not None:
            raise InputError(
                "mitigation makes overlaps of outcomes, and measurement = "
                f"{program.spec.measurement.kind!r} gives other numbers: leave mitigation out."
            )
        amplitudes = program.spec.has_amplitudes
        if self.mitigation is not None and not (amplitudes or self.mitigation.serves_encodings):
            raise InputError(
                f"mitigation = {shown_value(mitigation)} learns from patches as amplitudes, and "
                f"encoding = {program.spec.encoding.kind!r} makes other states of them: choose one "
                "of readout, zne and pec."
            )
        self.seed = whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED)
        self._last: PassImages | None = None
        spec = program.spec
        self._shape = (spec.n_filters, spec.n_parameters)
        if parameters is None:
            draws = np.random.default_rng([self.seed, _PARAMETER_STREAM])
            parameters = draws.uniform(0, 2 * np.pi, self._shape)
        self.parameters = real_array("parameters", parameters)

    def __repr__(self) -> str:
        return (
            f"<QuantumConvolution of {self.program!r}, engine={self.engine.name!r}, "
            f"noise={self.noise!r}, shots={self.shots}, seed={self.seed}>"
        )

    def _repr_html_(self) -> str:
        from qucnn_cirq.drawing.notebook import layer_html

        return layer_html(self)

    @property
    def parameters(self) -> NDArray[np.float64]:
        """Angles of the filters in radians, shape (filters, parameters). Can be set."""
        return self._parameters.copy()

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        given = real_array("parameters", values)
        if given.shape != self._shape:
            raise InputError(
                f"parameters of shape {given.shape}; this layer takes {self._shape} "
                "(filters, parameters)."
            )
        if not np.isfinite(given).all():
            raise InputError("parameters must be finite numbers (radians).")
        if np.abs(given).max(initial=0.0) > LARGEST_ANGLE:
            raise InputError(
                f"parameters must be within -{LARGEST_ANGLE:g}..{LARGEST_ANGLE:g} radians: take "
                "multiples of 2 pi away."
            )
        self._parameters = given

    def forward(
        self,
        images: ImagesLike | Patches,
        image_ids: ArrayLike | None = None,
        draw: int = 0,
    ) -> NDArray[np.float64]:
        """Feature maps of images, of which a block at a time is in memory.

        A second call with the same images repeats their shots: to average over several, count
        them with ``draw``.

        Args:
            images: An array of shape (batch, rows, columns) or (batch, channels, rows, columns), or
                one that is read in slices (``numpy.memmap``, say); the path of an IDX file; or an
                iterable of images or batches of images, see
                `qucnn_cirq.image_blocks.ImageBlocks`. Only the direction of a patch matters, not
                its norm. Or patches, as for `run`.
            image_ids: As for `run`.
            draw: Number of the run, at least 0; as for `run`.

        Returns:
            Overlaps of shape (batch, filters, rows, columns). With shots they are unbiased
            estimates and can be slightly negative.

        Raises:
            InputError: As for `run`.
        """
        source = ImageBlocks(images, self.program.spec)
        with shown("forward") as expected:
            blocks = self._measured(source, image_ids, draw, expected)
            maps = (grid.to_maps(found.estimates) for grid, found in blocks)
            return joined_maps(maps, source.count)

    def run(
        self,
        images: ImagesLike | Patches,
        image_ids: ArrayLike | None = None,
        draw: int = 0,
    ) -> Overlaps:
        """A forward pass with everything it measured.

        Args:
            images: As for `forward`; or the patches that ``extract_patches(images, spec)``
                gave. Who runs the same images many times saves time with patches: their loading
                angles are solved once. Of patches only their number of elements and of qubits is
                checked; the maps are those of their own stride and padding.
            image_ids: A whole number from 0 to 2^63 - 1 that identifies each image, shape (batch,),
                and from which its random stream derives. If None the stream derives from the values
                of the image's patches and, where a call has equal images, from which of them it is:
                it is the same in any batch at any place, and whether images or patches are given.
                Images with equal numbers share a stream, and all are then in memory at once.
            draw: Number of the run, at least 0; the same number repeats the shots of an image,
                another one gives others, independent of them.

        Raises:
            InputError: If the images do not fit the specification or an argument is outside its
                range.
        """
        source = ImageBlocks(images, self.program.spec)
        with shown("forward") as expected:
            blocks = [found for _, found in self._measured(source, image_ids, draw, expected)]
        assert self._last is not None
        return overlaps_of(blocks, self._last)

    def backward(
        self, upstream: ArrayLike, method: str = "auto", draw: int = 0
    ) -> NDArray[np.float64]:
        """The gradient of the parameters for the images of the last forward pass.

        Args:
            upstream: dL/dF, of the shape of the maps, (batch, filters, rows, columns).
            method: "in_circuit" (the paper's; needs the ancilla test), "in_circuit_absorbed",
                "coin", "parameter_shift", "measured_once", "exact", "spsa" or
                "finite_differences", see
                `qucnn_cirq.gradient_methods`; or one of your own, as
                "module:attribute" or "path/to/file.py:attribute", see
                `qucnn_cirq.gradients.GradientMethod`. "auto" is in_circuit for a program
                compiled with backward=True and parameter_shift for others, or exact for a
                measurement without noise and shots; for in_circuit such a
                program is compiled then, with the compiler's own choice of layout, loader and
                placement.
            draw: Number of the gradient, at least 0; another number gives other shots. A training
                loop counts its steps with it.

        Returns:
            dL/dtheta summed over patches and images, shape (filters, parameters).

        Raises:
            InputError: If there was no forward pass, the upstream values do not fit it or are not
                finite, the method is unknown or not possible for the overlap test.
        """
        return self.gradient(upstream, method, draw).values

    def gradient(self, upstream: ArrayLike, method: str = "auto", draw: int = 0) -> Gradient:
        """As `backward`, with the variance of every value and the cost.

        Args:
            upstream: As for `backward`.
            method: As for `backward`.
            draw: As for `backward`.

        Raises:
            InputError: As for `backward`.
        """
        is_exact = self.shots is None and self.noise.is_ideal
        is_auto = isinstance(method, str) and method == AUTO
        if is_auto and is_exact and self.program.spec.measurement is not None:
            # Three runs of a simulation in place of two circuits for each angle.
            method = ExactGradient.name
        by = make_method(method, self.program)
        began = time.perf_counter()
        with shown("gradient"):
            found = gradient_by(by, self._passes(upstream, draw), self._threads)
        _LOGGER.debug(
            "gradient: method %s, %d circuits, %.3f s",
            by.name,
            found.circuits,
            time.perf_counter() - began,
        )
        return found

    def input_gradient(self, upstream: ArrayLike) -> NDArray[np.float64]:
        """The gradient of the images of the last forward pass, without noise or shots.

        Args:
            upstream: As for `backward`.

        Returns:
            dL/d(images), of the shape of the images; 0 where all patches are blank.

        Raises:
            InputError: As for `backward`, or if the last forward pass was given patches.
        """
        last = self._remembered()
        if last.shape is None:
            raise InputError(
                "the last forward pass was given patches, not images: for a gradient of the "
                "images run it with the images."
            )
        gradient, start = np.empty(last.shape), 0
        for work in self._passes(upstream, 0):
            own = slice(start, start + work.patches.batch)
            gradient[own] = input_gradient(work, gradient[own].shape)
            start = own.stop
        return gradient

    def _measured(
        self,
        source: ImageBlocks,
        image_ids: ArrayLike | None,
        draw: int,
        expected: Callable[[float], None],
    ) -> Iterator[tuple[PatchGrid, Measured]]:
        """Runs one block of images after the other, and remembers the images at the end."""
        purpose = forward_purpose(whole_number("draw", draw, minimum=0))
        given = None if image_ids is None else checked_ids(image_ids, source.count)
        # Images that share a stream take from it in turn.
        together = given is not None and len(np.unique(given)) < len(given)
        seen: Counter[bytes] = Counter()
        grids: list[PatchGrid] = []
        ids: list[NDArray[np.int64]] = []
        kept: list[Patches] = []
        first = size = 0
        began = time.perf_counter()
        before = () if self._last is None else self._last.kept

        def numbered() -> Iterator[tuple[Patches, NDArray[np.int64]]]:
            first = circuits = 0
            for patches in recognised(source.patches(together), before):
                batch = slice(first, first + patches.batch)
                first = batch.stop
                circuits += patches.n_occupied * self.program.spec.n_filters
                if source.count:
                    # As if those to come had as many patches that are not blank.
                    expected(circuits * source.count / first)
                check_number_of_ids(given, first, is_last=False)
                yield patches, content_ids(patches, seen) if given is None else given[batch]

        tables = [(rows, self._filter_table(rows)) for rows in self.program.structures]
        run = functools.partial(self._run, tables=tables, purpose=purpose)
        blocks = in_order(lambda block: run(*block), numbered(), self._threads)
        for (patches, own), found in blocks:
            first, size = first + patches.batch, size + patches.vectors.size
            if grids and size > image_blocks.KEPT_ELEMENTS:
                kept.clear()
            else:
                kept.append(patches)
            grids.append(Occupancy(patches.blank, patches.batch, patches.rows, patches.columns))
            ids.append(own)
            # Gone before the next block is made.
            del patches
            yield grids[-1], found
            del found
        check_number_of_ids(given, first, is_last=True)
        shape = None if source.shape is None else (first, *source.shape)
        grid: PatchGrid = kept[0] if len(kept) == len(grids) == 1 else grid_of(grids)
        again = tuple(kept) or (source if source.is_lasting else None)
        self._last = PassImages(grid, np.concatenate(ids), again, shape)
        _LOGGER.debug(
            "forward: %d images, %d patches, %d filters, %s shots, engine %s, %.3f s",
            first,
            grid.n_occupied,
            self.program.spec.n_filters,
            self.shots or "no",
            self.engine.name,
            time.perf_counter() - began,
        )

    def _run(
        self,
        patches: Patches,
        ids: NDArray[np.int64],
        tables: list[tuple[tuple[int, ...], NDArray[np.float64]]],
        purpose: int,
    ) -> Measured:
        """Runs all filters on patches, whose images have these numbers."""
        parts = [
            self._execution.patches(
                self.program.filters[rows[0]],
                patches,
                _of_patches(ids, patches),
                table,
                numbers=rows,
                purpose=purpose,
                vectors=self._compared_states(rows, table),
            )
            for rows, table in tables
        ]
        return stacked(parts, [rows for rows, _ in tables], self.program.spec.n_numbers)

    def _remembered(self) -> PassImages:
        if self._last is None:
            raise InputError(
                "there is no forward pass to take a gradient of: call forward(images) first."
            )
        return self._last

    def _passes(self, upstream: ArrayLike, draw: int) -> Iterator[Pass]:
        """The blocks of the last forward pass."""
        last = self._remembered()
        given = checked_upstream(upstream, last.grid, self.program.spec.n_maps)
        number = whole_number("draw", draw, minimum=0)
        largest = float(np.abs(given).max(initial=0.0))
        # Of outcomes a gradient takes the means alone.
        execution = replace(self._execution, keeps_outcomes=False)
        image = column = 0
        for patches in last.blocks():
            ids = last.ids[image : image + patches.batch]
            columns = slice(column, column + patches.n_occupied)
            image, column = image + patches.batch, columns.stop
            yield Pass(
                program=self.program,
                companion=self._backward_program,
                execution=execution,
                draw=number,
                parameters=self.parameters,
                patches=patches,
                images=_of_patches(ids, patches),
                upstream=given[:, columns],
                largest=largest,
            )
            del patches

    def _backward_program(self) -> Program:
        """The program itself if it has a reader, else the same convolution with one."""
        spec = self.program.spec
        if spec.backward:
            return self.program
        if not all(compiled.is_exact for compiled in self.program.filters):
            raise InputError(
                "the program has an infidelity budget, which its circuits without a reader cannot "
                "hand on: compile it with ConvolutionSpec(backward=True) for an in-circuit method."
            )
        return compile_convolution(
            attrs.evolve(spec, backward=True),
            self.program.device,
            gate_set=self.program.report.gateset,
            load_filters=any(compiled.is_loaded for compiled in self.program.filters),
        )

    @property
    def _threads(self) -> int:
        return n_threads() if self.engine.is_threaded else 1

    @property
    def _execution(self) -> Execution:
        return Execution(
            drifting_engine(self.engine, self.noise),
            self.noise,
            self.shots,
            self.seed,
            self.mitigation,
            self.keep_outcomes,
            None if self.mitigation is None else self.mitigation.twirl,
        )

    def _compared_states(
        self, rows: tuple[int, ...], table: NDArray[np.float64]
    ) -> NDArray[np.complex128] | None:
        """The states of filters that share circuits: those of fixed ones are each its own.

        None where nobody compares patches with them: to find them can take longer than a block.
        """
        if self.mitigation is None:
            return None
        states = [
            self.program.filters[row].filter_states(angles[np.newaxis])
            for row, angles in zip(rows, table, strict=True)
        ]
        return np.concatenate(states)

    def _filter_table(self, rows: tuple[int, ...]) -> NDArray[np.float64]:
        filters = [self.program.filters[row].filter_table(self._parameters[row]) for row in rows]
        return np.concatenate(filters)


def _of_patches(ids: NDArray[np.int64], patches: PatchGrid) -> NDArray[np.int64]:
    """The number of each occupied patch's image."""
    return ids[patches.positions()[0][patches.occupied]]


_PARAMETER_STREAM = 1
"""Sets the stream of initial parameters apart from those of shots."""
