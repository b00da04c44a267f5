"""What the performance study times besides circuits: calls of loaders and of layers."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.angle_cache import VARIABLE
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.patches import Patches, extract_patches
from studies.images import PatchBlocks, occupied_patches, selected
from studies.point import layer_seed, program_of
from studies.sweep.study import Row

if TYPE_CHECKING:
    from studies.performance.study import PerformancePoint

LOADERS = ("solve", "load")
"""Tasks of loaders, which know neither noise nor engines."""
LAYERS = ("forward", "step")
"""Tasks of whole layers."""
T = TypeVar("T")


def fastest(calls: Iterable[Callable[[], T]]) -> tuple[float, T]:
    """Seconds of the fastest of several calls, and what the last one gave.

    Args:
        calls: What is timed, one or more; making the next one of an iterator is not.
    """
    seconds = []
    for call in calls:
        started = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - started)
    return min(seconds), found


def per_patch(seconds: float, patches: int) -> Row:
    """The columns that every task has.

    Args:
        seconds: Those of a call.
        patches: How many patches it met.
    """
    return {"seconds_per_call": seconds, "met": patches, "seconds_per_patch": seconds / patches}


def patches_of(settings: PerformancePoint) -> PatchBlocks:
    """The patches of the package's first images.

    Args:
        settings: Those of the point.

    Raises:
        InputError: If there are fewer images, or they do not fit the convolution.
    """
    return occupied_patches("train", 0, settings.images, None, settings.convolution)


def time_loader(settings: PerformancePoint) -> Row:
    """Times the loading angles of the patches of images.

    Args:
        settings: Those of a point whose task is one of `LOADERS`.

    Returns:
        Columns of the study.
    """
    program, patches = program_of(settings), patches_of(settings)
    states = patches.states(np.arange(patches.grid.n_occupied))
    known = unsolved(program).filters[0]
    warm = settings.cache == "warm"
    with _no_angles_on_disk():
        if warm:
            known.load(states)
        used = (known if warm else unsolved(program).filters[0] for _ in range(settings.runs))
        if settings.task == "solve":
            seconds, (_, found) = fastest(partial(own.loader.solve, states) for own in used)
        else:
            seconds, loads = fastest(partial(own.load, states) for own in used)
            # The last loaders remember what they searched for.
            each = [load.variant.loader.solve(states[load.columns])[1] for load in loads]
            found = np.concatenate(each)
    return {**per_patch(seconds, len(states)), "largest_infidelity": float(found.max())}


def time_layer(settings: PerformancePoint, seed: np.random.SeedSequence) -> Row:
    """Times a layer on images: its forward pass, or that and the gradient of its parameters.

    Args:
        settings: Those of a point whose task is one of `LAYERS`.
        seed: Seed of shots, parameters and upstream values.

    Returns:
        Columns of the study.
    """
    program = program_of(settings)
    images = selected("train", 0, settings.images, None).images
    # Cut out anew: what is kept of patches goes with this object.
    patches = extract_patches(images, settings.convolution)
    shape = (patches.batch, settings.convolution.n_filters, patches.rows, patches.columns)
    upstream = np.random.default_rng(seed).normal(size=shape)

    def layer() -> QuantumConvolution:
        return QuantumConvolution(
            unsolved(program),
            engine=settings.engine,
            noise=settings.noise,
            shots=settings.shots or None,
            seed=layer_seed(seed),
        )

    def call(own: QuantumConvolution, data: NDArray[np.float64] | Patches) -> None:
        own.forward(data)
        if settings.task == "step":
            own.backward(upstream)

    known, warm = layer(), settings.cache == "warm"
    with _no_angles_on_disk():
        if warm:
            call(known, patches)
        used = ((known, patches) if warm else (layer(), images) for _ in range(settings.runs))
        seconds, _ = fastest(partial(call, own, data) for own, data in used)
    return per_patch(seconds, patches.n_occupied)


def unsolved(program: Program) -> Program:
    """The same circuits with loaders that have solved for nothing yet.

    Args:
        program: A compiled convolution.
    """
    made: dict[int, tuple[Variant, ...]] = {}
    for compiled in program.filters:
        # Filters of one structure share them.
        if id(compiled.variants) not in made:
            made[id(compiled.variants)] = tuple(
                replace(each, loader=type(each.loader)(**each.loader.settings()))
                for each in compiled.variants
            )
    filters = tuple(replace(each, variants=made[id(each.variants)]) for each in program.filters)
    return replace(program, filters=filters)


@contextlib.contextmanager
def _no_angles_on_disk() -> Iterator[None]:
    """While it lasts, angles are neither read from the disk nor written there."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = ""
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
