"""Which circuits tell most of a noise, for how many shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from noise_models import NoiseLike
from noise_models.checks import instance_of, several, whole_number
from noise_models.errors import unknown_name
from noise_models.markup import html_table
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.advice import circuit_information, covariance_of, told
from qucnn_cirq.fitting.circuits import (
    FOLDS,
    Counted,
    Counts,
    FitCircuit,
    as_counts,
    preparations,
)
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.validation import check

FloatArray = NDArray[np.float64]

_ROUNDS = 3000
_RIDGE = 1e-10
_LEAST_SHARE = 2e-3
"""Share of the shots below which a circuit is left out."""
_MOST_SHOTS = 10**12


@dataclass(frozen=True, eq=False)
class Job:
    """A circuit that is ready to run.

    Attributes:
        name: Its own name among those of the design.
        source: What it is of; `FitCircuit.counted` takes its counts.
        circuit: The native circuit.
        shots: How often to run it.
    """

    name: str
    source: FitCircuit
    circuit: cirq.Circuit
    shots: int


@dataclass(frozen=True, eq=False)
class Design:
    """Shots of candidate circuits, and what they are expected to tell.

    Attributes:
        circuits: The candidates.
        shares: The share of the shots that each gets, shape (circuits,).
        shots: All shots.
        keys: The free numbers.
        values: Their values, at which the design is best, shape (numbers,).
        errors: Their standard errors with all shots, shape (numbers,).
    """

    circuits: tuple[FitCircuit, ...]
    shares: FloatArray
    shots: int
    keys: tuple[str, ...]
    values: FloatArray
    errors: FloatArray

    @property
    def relative_errors(self) -> dict[str, float]:
        """Standard errors over values, by key."""
        ratios = self.errors / np.abs(self.values)
        return dict(zip(self.keys, ratios.tolist(), strict=True))

    @property
    def table(self) -> pd.DataFrame:
        """A row for each circuit: ``circuit``, ``share`` and ``shots``."""
        shots = _whole(self.shares, self.shots)
        names = [each.name for each in self.circuits]
        return pd.DataFrame({"circuit": names, "share": self.shares, "shots": shots})

    @property
    def jobs(self) -> list[Job]:
        """The circuits that get shots, ready to run; patches share theirs evenly."""
        found: list[Job] = []
        for circuit, shots in zip(self.circuits, _whole(self.shares, self.shots), strict=True):
            if shots == 0:
                continue
            even = np.full(circuit.n_rows, 1 / circuit.n_rows)
            for bound, own in zip(circuit.bound(), _whole(even, int(shots)), strict=True):
                name = f"{len(found) + 1}: {circuit.name}"
                found.append(Job(name, circuit, bound, int(own)))
        return found

    def counted(self, counts: Sequence[Counts]) -> list[Counted]:
        """What a fit takes, from what came back of each job.

        Args:
            counts: Of each of `jobs`, in order, as for `FitCircuit.counted`.

        Returns:
            The circuits that got shots, with their counts of shape (instances, 2^m).

        Raises:
            InputError: If their number is another, or some do not fit.
        """
        sources = [job.source for job in self.jobs]
        if len(counts) != len(sources):
            raise InputError(f"there are {len(sources)} jobs, and counts of {len(counts)}.")
        rows: dict[FitCircuit, list[FloatArray]] = {}
        for source, own in zip(sources, counts, strict=True):
            rows.setdefault(source, []).append(as_counts(source, own, n_rows=1))
        return [source.counted(np.concatenate(own)) for source, own in rows.items()]

    def __str__(self) -> str:
        parts = [
            f"{100 * row.share:.0f} % {row.circuit}"
            for row in self.table.itertuples()
            if row.shots > 0
        ]
        words = {key: text for key, text in self._told if text.startswith("told")}
        found = [f"{key} {text.removeprefix('told ')}" for key, text in words.items()]
        others = [f"{key} is {text}" for key, text in self._told if key not in words]
        first = [f"They tell {', '.join(found)}"] if found else []
        return f"{self.shots:,} shots: {'; '.join(parts)}. {'. '.join([*first, *others])}."

    @property
    def _told(self) -> list[tuple[str, str]]:
        """How well each number is told, in words."""
        numbers = zip(self.keys, self.values.tolist(), self.errors.tolist(), strict=True)
        return [(key, told(value, error)) for key, value, error in numbers]

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [
            (str(row.circuit), f"{row.shots:,} shots") for row in self.table.itertuples()
        ]
        rows += self._told
        return html_table(f"design of {self.shots:,} shots", rows)


def design_circuits(
    program: Program,
    patches: ArrayLike | None = None,
    folds: Sequence[int] = FOLDS,
    filter_index: int = 0,
) -> list[FitCircuit]:
    """Candidates: a test with every two-qubit gate once and more often, and preparations.

    Args:
        program: The compiled convolution; a fixed filter.
        patches: What is compared with the filter: one of the kernel's shape, or several along the
            first axis, which share a circuit's shots evenly; None for the filter itself, whose
            overlap falls with any error.
        folds: How often every two-qubit gate stands in place of once: odd numbers, of which a
            design takes those that tell most.
        filter_index: Which of the filters.

    Raises:
        InputError: If the program has angles to train, or a circuit is not allowed on its device.
    """
    instance_of("program", program, Program, "compile_convolution(spec, device)")
    if program.spec.n_parameters or program.spec.measurement is not None:
        raise InputError("designs are for overlap tests with fixed filters.")
    last = len(program.filters) - 1
    compiled = program.filters[whole_number("filter_index", filter_index, minimum=0, maximum=last)]
    if patches is None:
        vector = np.asarray(filter_states(program.spec, None)[filter_index])
        if np.abs(vector.imag).max() > 1e-9:
            raise InputError("the filter is no real vector: give a patch to compare it with.")
        states = np.ascontiguousarray(vector.real[np.newaxis])
        name = f"{program.spec.overlap} test of the filter with itself"
    else:
        states = program.patch_states(patches)
        name = f"{program.spec.overlap} test"
    rows: dict[Variant, list[int]] = {}
    for row in range(len(states)):
        rows.setdefault(compiled.variant(states[row : row + 1]), []).append(row)
    found = []
    for variant, own in rows.items():
        tables = program.tables(compiled, variant, states[own])
        plain = FitCircuit(name, variant.template, tables)
        found += [plain.folded(times) for times in folds]
    found += preparations(plain.qubits)
    for circuit in found:
        for bound in circuit.bound():
            check(bound, program.device)
    return found


def design(
    circuits: Sequence[FitCircuit],
    noise: NoiseLike,
    free: Sequence[str],
    shots: int,
    targets: Sequence[str] | None = None,
    shares: ArrayLike | None = None,
) -> Design:
    """Splits shots among circuits so that numbers of a noise are told best.

    The sum of the squared relative errors of the targets is least, all free numbers unknown.

    Args:
        circuits: The candidates, as of `design_circuits`.
        noise: The noise that is expected, none of the free numbers 0.
        free: The numbers that are not known, as for `fit_noise`.
        shots: All shots.
        targets: Which numbers to tell; None for all that are free.
        shares: The shares of the shots if they are given, to see what they tell.

    Raises:
        InputError: If an argument is not allowed, or the circuits do not tell the targets.
    """
    numbers = FreeNumbers.of(noise, free)
    chosen = numbers.keys if targets is None else tuple(several("targets", targets))
    if not circuits or not chosen:
        raise InputError("a design needs circuits, and targets.")
    for key in chosen:
        if key not in numbers.keys:
            raise unknown_name("target among the free numbers", key, numbers.keys)
    if (numbers.start == 0).any():
        raise InputError("a design is for numbers other than 0: give the noise that is expected.")
    total = whole_number("shots", shots, minimum=1, maximum=_MOST_SHOTS)
    scale = np.abs(numbers.start)
    each = np.array(circuit_information(circuits, numbers, numbers.start))
    relative = each * np.outer(scale, scale)
    picks = np.array([numbers.keys.index(key) for key in chosen])
    if shares is None:
        weights = _best_shares(relative, picks)
        weights[weights < _LEAST_SHARE] = 0.0
    else:
        weights = np.asarray(shares, dtype=float)
        if weights.shape != (len(circuits),) or (weights < 0).any() or weights.sum() <= 0:
            raise InputError("shares are one number from 0 for each circuit.")
    weights = weights / weights.sum()
    fisher = total * np.tensordot(weights, each, axes=1)
    errors = np.sqrt(np.diag(covariance_of(fisher, scale)))
    return Design(tuple(circuits), weights, total, numbers.keys, numbers.start, errors)


def _best_shares(each: FloatArray, targets: NDArray[np.int64]) -> FloatArray:
    """Shares that make the sum of the targets' variances least, by multiplication.

    Args:
        each: Information of a shot in relative units, shape (circuits, numbers, numbers).
        targets: Which numbers, shape (targets,).
    """
    size = each.shape[1]
    shares = np.full(len(each), 1 / len(each))
    picked = np.eye(size)[:, targets]
    ridge = _RIDGE * np.trace(each.mean(axis=0)) * np.eye(size)
    for _ in range(_ROUNDS):
        columns = np.linalg.solve(np.tensordot(shares, each, axes=1) + ridge, picked)
        gains = np.einsum("it,cij,jt->c", columns, each, columns)
        # Huge where nothing tells a target.
        other = shares * np.sqrt(np.maximum(gains, 0.0) / max(gains.max(), 1e-300))
        if not np.isfinite(other).all() or other.sum() == 0:
            raise InputError("these circuits do not tell the targets: add some, as folded ones.")
        other /= other.sum()
        if np.abs(other - shares).max() < 1e-9:
            break
        shares = other
    return shares


def _whole(shares: FloatArray, total: int) -> NDArray[np.int64]:
    """Whole numbers in proportion, of the right sum: the largest remainders are rounded up."""
    exact = shares / shares.sum() * total
    found: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(found - exact, kind="stable")
    found[order[: total - int(found.sum())]] += 1
    return found
