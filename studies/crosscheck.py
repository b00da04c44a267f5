"""Work items of a study, run again on qsim and compared with the exact means.

The exact engine computes every number of most studies. It factors circuits, multiplies transfer
matrices and carries observables back; qsim does none of this: it runs the native, bound circuit
with its noise, a state vector for every pattern of errors that shots have, or a trajectory a shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noise_models import NoiseLike, as_noise
from qucnn_cirq.compiler.program import Program, upstream_table
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines import Streams, Twirl, make_engine
from qucnn_cirq.estimators import Mitigation, Reading
from qucnn_cirq.execution import Execution
from qucnn_cirq.mitigation import CircuitMitigation
from studies.sweep.study import Row

Array = NDArray[np.float64]
_Kind = TypeVar("_Kind")

CHECK_COLUMNS = {
    "check_items": "circuits run again on qsim",
    "check_chi_squared": "sum of their squared z-scores, by the quantile of each count",
    "check_largest_z": "largest of these |z|",
}
"""What the columns of a cross-check mean."""


def is_checked(settings: Any, seed: np.random.SeedSequence) -> bool:
    """Whether a point is one of the fraction that is checked, which its seed decides.

    Args:
        settings: The point's, with `check_fraction` and `check_patches`.
        seed: The point's.
    """
    chance = np.random.default_rng([int(seed.generate_state(1)[0]), 1]).random()
    return bool(settings.check_patches and chance < settings.check_fraction)


def check_generator(seed: np.random.SeedSequence) -> np.random.Generator:
    """The source of the choices of a check, apart from all other draws of the point.

    Args:
        seed: The point's.
    """
    return np.random.default_rng([int(word) for word in seed.generate_state(2)] + [2])


def chosen_rows(generator: np.random.Generator, available: int, wanted: int) -> NDArray[np.intp]:
    """Distinct row numbers in ascending order, shape (min(wanted, available),).

    Args:
        generator: The source of the choice.
        available: Rows that there are.
        wanted: Rows to choose.
    """
    return np.sort(generator.choice(available, min(wanted, available), replace=False))


def shifted_angles(generator: np.random.Generator, angles: Array) -> Array:
    """Angles with one of each filter's shifted by +pi/2 or -pi/2, as the shift rule does.

    Args:
        generator: The source of the choice.
        angles: Radians, shape (filters, parameters); they are not changed.
    """
    moved = angles.copy()
    rows = np.arange(len(angles))
    columns = generator.integers(angles.shape[1], size=len(angles))
    moved[rows, columns] += np.pi / 2 * generator.choice([-1, 1], size=len(angles))
    return moved


def z_scores(
    program: Program,
    noise: NoiseLike,
    states: Array,
    parameters: Array,
    shots: int,
    seed: int,
    upstream: float | None = None,
    mitigation: Mitigation | None = None,
    twirl: Twirl | None = None,
) -> Array:
    """How far qsim's shots are from the means of the exact engine, in standard errors.

    Args:
        program: The compiled convolution.
        noise: The noise; drift is left out.
        states: States of the patches, unit vectors, shape (patches, 2^n).
        parameters: Angles, shape (filters, parameters).
        shots: Shots of each circuit.
        seed: Seed of the shots.
        upstream: The value g in -1..1 of a backward program.
        mitigation: That of the layer: if it runs circuits of its own, some of those are run.
        twirl: That of the layer: of the circuits among which shots are shared some are run, each
            by itself, as counts of several are not binomial.

    Returns:
        Scores of all filters and patches, one after the other; standard normal if both agree.
    """
    # Of no image in particular.
    steady = as_noise(noise).nominal
    by_means, by_shots = (
        Execution(make_engine(name), steady, wanted, seed)
        for name, wanted in (("exact", None), ("qsim", shots))
    )
    scores = []
    for row, compiled in enumerate(program.filters):
        angles = parameters[row : row + 1]
        table = compiled.filter_table(angles if angles.size else None)
        for load in compiled.load(states):
            if isinstance(mitigation, CircuitMitigation):
                reading = mitigation.reading(
                    load.variant, table[0], compiled.filter_states(table)[0], compiled
                )
                circuits = list(_circuits_of(mitigation, reading, states, load.columns))
            else:
                tables = {"patch": load.angles, "filter": table}
                if upstream is not None:
                    tables["upstream"] = np.array([[np.arccos(upstream)]])
                circuits = [(load.variant.template, tables, load.columns)]
            if twirl is not None:
                circuits = [
                    (form.template, own, columns)
                    for template, own, columns in circuits
                    for form in _some(twirl.forms(template, steady))
                ]
            for number, (template, tables, columns) in enumerate(circuits):
                variant = load.index + _MOST_VARIANTS * number
                streams = Streams(seed, (row,), columns, variant)
                means = by_means.circuits(template, tables, streams).means
                counts = by_shots.circuits(template, tables, streams).counts
                assert means is not None and counts is not None
                chances = np.clip(template.observable.probability(means), 0, 1)
                ties = np.random.default_rng([seed, row, variant]).random(counts.shape)
                scores.append(quantile_scores(counts, shots, chances, ties).ravel())
    return np.concatenate(scores)


_MOST_VARIANTS = 2**20
"""Circuits that load patches: numbers of those of a method are above."""
_MOST_CIRCUITS = 4
"""Circuits of a method or a twirl, of each patch, that are run again: PEC has a hundred."""


def _circuits_of(
    mitigation: CircuitMitigation, reading: Reading, states: Array, columns: NDArray[np.intp]
) -> Iterator[tuple[Template, dict[str, Array], NDArray[np.intp]]]:
    """Circuits that a method runs for patches, one after the other, with their tables."""
    for column in columns:
        for run in _some(mitigation.method.plan(reading, states[[column]]).runs):
            tables = {"patch": run.patch, "filter": run.filter, "upstream": upstream_table(1.0)}
            yield run.template, tables, np.array([column])


def _some(circuits: Sequence[_Kind]) -> list[_Kind]:
    """A few out of many, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(circuits) - 1, _MOST_CIRCUITS).astype(int))
    return [circuits[number] for number in chosen]


def quantile_scores(counts: NDArray[np.int64], shots: int, chances: Array, ties: Array) -> Array:
    """Randomised quantile residuals (Dunn and Smyth, 1996): exactly normal if counts are binomial.

    Differences divided by their standard deviation are not, where a few counts are expected.

    Args:
        counts: Numbers of successes, of any shape.
        shots: Trials of each.
        chances: Probabilities of success, of the same shape.
        ties: Uniform random numbers, which spread each count over its own probability.

    Returns:
        Scores, within -10..10.
    """
    from scipy import stats

    own = stats.binom.pmf(counts, shots, chances)
    below = stats.binom.cdf(counts - 1, shots, chances) + ties * own
    above = stats.binom.sf(counts, shots, chances) + (1 - ties) * own
    # The smaller tail is the one that is known precisely.
    scores = np.where(below < above, stats.norm.ppf(below), stats.norm.isf(above))
    return np.asarray(np.clip(scores, -10, 10))


def checked_patches(
    settings: Any,
    program: Program,
    n_patches: int,
    states: Callable[[NDArray[np.intp]], Array],
    parameters: Array,
    generator: np.random.Generator,
    mitigation: Mitigation | None = None,
) -> Row:
    """Runs the circuits of some patches again.

    Args:
        settings: The point's, with `check_patches`, `check_shots` and `noise`.
        program: The compiled convolution.
        n_patches: How many patches there are.
        states: Gives the states of those of some numbers, unit vectors, shape (numbers, 2^n).
        parameters: Angles, shape (filters, parameters).
        generator: The source of the choice and of the shots.
        mitigation: As for `z_scores`.

    Returns:
        The columns `CHECK_COLUMNS`; none where there is no patch.
    """
    if not n_patches:
        return {}
    chosen = states(chosen_rows(generator, n_patches, settings.check_patches))
    seed = int(generator.integers(2**31))
    wanted = settings.check_shots
    return check_row(
        z_scores(program, settings.noise, chosen, parameters, wanted, seed, mitigation=mitigation)
    )


def checked_shifts(
    settings: Any,
    program: Program,
    cases: Iterable[tuple[Array, Array]],
    generator: np.random.Generator,
    upstream: float | None = None,
    mitigation: Mitigation | None = None,
) -> Row:
    """Runs circuits with shifted angles again, as a gradient does.

    Args:
        settings: The point's, with `check_shots` and `noise`.
        program: The compiled convolution.
        cases: States, unit vectors of shape (patches, 2^n), and angles, shape (filters,
            parameters).
        generator: The source of the shifts and of the shots.
        upstream: As for `z_scores`.
        mitigation: As for `z_scores`.

    Returns:
        The columns `CHECK_COLUMNS`.
    """
    scores = []
    for states, angles in cases:
        shifted, seed = shifted_angles(generator, angles), int(generator.integers(2**31))
        scores.append(
            z_scores(
                program,
                settings.noise,
                states,
                shifted,
                settings.check_shots,
                seed,
                upstream,
                mitigation,
            )
        )
    return check_row(np.concatenate(scores))


def check_row(scores: Array) -> Row:
    """The columns `CHECK_COLUMNS` of scores.

    Args:
        scores: Those of all circuits of a point, of any shape.
    """
    return {
        "check_items": scores.size,
        "check_chi_squared": float((scores**2).sum()),
        "check_largest_z": float(np.abs(scores).max()),
    }


def check_lines(table: pd.DataFrame) -> list[str]:
    """The agreement over all checked points in a line, or nothing if none was checked.

    Args:
        table: The results of a sweep, a row for each point, with `CHECK_COLUMNS` or without.
    """
    from scipy import stats

    if "check_items" not in table or not table["check_items"].notna().any():
        return []
    items = int(table["check_items"].sum())
    total = float(table["check_chi_squared"].sum())
    return [
        f"cross-check by qsim: {items} circuits, chi-squared {total:.1f}, "
        f"p = {float(stats.chi2.sf(total, items)):.3f}, "
        f"largest |z| {table['check_largest_z'].max():.2f}"
    ]
