"""Maximum likelihood: the patch that explains the counts best, and every value that it has.

With the noisy effects M_o of a circuit (`qucnn_cirq.estimators.effects`) the counts n_o of N shots
have the logarithmic likelihood sum n_o log(x^T M_o x). Its maximum over real unit vectors x is
found by Fisher scoring with damping from the leading eigenvector of a linear estimate of x x^T.
Counts of several circuits of the same patch add up.

For a real pure state every measurement of rank one has the information 4 N, so that without noise
the overlap with any known filter is known to F (1 - F)/N: what the inversion test with that filter
alone would give, and no unbiased estimator of the overlap is better.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.effects import fitted_effects, unpacked
from qucnn_cirq.estimators.estimator import Estimates, Estimator, checked_counts
from qucnn_cirq.estimators.forms import evaluated
from qucnn_cirq.estimators.likelihood_search import Best, Found, search, unit
from qucnn_cirq.estimators.outcome_model import OutcomeModel, Recorded, chunks
from qucnn_cirq.estimators.reading import Reading, distributions_at
from qucnn_cirq.estimators.remembered import Remembered
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]

_BLOCK = 1024
"""Patches that are searched for together."""
_UNLIKELY = 5.0
"""Standard deviations of chi squared from which a maximum is taken for a local one."""
_RESTARTS = 24
"""Further starts, then: combinations of the linear estimate's leading eigenvectors."""
_FEW, _ALWAYS = 20, 6
"""Shots for each outcome below which chi squared tells little, and the starts that are tried then
in any case."""
_WITHIN = 300.0
"""How much less likely a patch with another sign may be, as it stands, to be worth a search."""
_SQUARINGS = 4
"""Squarings of a matrix after which its leading eigenvector stands out."""
_SEED = 53_117
_CONFIRMED, _SAME = 8, 0.1
"""How often another start has to come to the same likelihood, and how nearly: then it is not the
search but the assumed noise that is wrong."""
_FALLING = 0.85
"""How much less of each further eigenvector a start has."""
_SEEN = 0.1
"""Standard deviations of an outcome's frequency from which what effects miss is looked up: less
adds less than the square, 1 %, to the squared error that shots make."""
_LOOKS = 5
"""How often it is looked up at most: each time at the patch that the last one led to."""
_SETTLED = 0.1
"""Standard deviations of a patch within which looking again changes nothing."""
_DARK = 4.0
"""Standard deviations below which an amplitude may be 0."""
_DOUBTED = 2.0
"""Standard deviations of chi squared from which another way to load the patch is tried."""
_STRANGE = 4.0
"""Standard deviations of chi squared from which counts are not explained, and variances grow."""
_AWAY = 0.02
"""Infidelity of the nearest patch that is loaded, beyond which it tells nothing of this one."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """The circuits that some patches were measured with: how well they are known follows from it.

    Attributes:
        columns: Which patches, shape (own,).
        model: The effects of the circuits.
        shots: Of each circuit, shape (own, circuits).
    """

    columns: NDArray[np.int32]
    model: OutcomeModel
    shots: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Likeliest:
    """The patches that explain counts best, up to the sign, and how well they are known.

    A patch takes as little memory as its vector: covariances are computed when they are asked for.

    Attributes:
        states: Real unit vectors, shape (patches, d).
        steps: Steps that the search took for each patch, shape (patches,). With those of searches
            that started again.
        misfits: Chi squared of the counts for each degree of freedom, shape (patches,): near 1
            where what is assumed is right.
        measurements: How the patches were measured; patches of none are certain.
    """

    states: FloatArray
    steps: NDArray[np.int16]
    misfits: NDArray[np.float32]
    measurements: tuple[Measurement, ...]

    @property
    def covariances(self) -> FloatArray:
        """The inverse of the information, 0 along the vector itself, shape (patches, d, d)."""
        found = np.zeros((*self.states.shape, self.states.shape[1]))
        for columns, covariances in self._covariances():
            found[columns] = covariances
        return found

    def estimates(self, forms: FloatArray) -> Estimates:
        """Values of forms and their variances, to second order in the covariance.

        Args:
            forms: Real symmetric Q, shape (forms, d, d).

        Returns:
            Values x^T Q x; variances 4 x^T Q C Q x + 2 tr(Q C Q C), of which the second counts
            where the first vanishes, at F = 0.
        """
        variances = np.zeros((len(forms), len(self.states)))
        for columns, covariances in self._covariances():
            variances[:, columns] = _variances(forms, self.states[columns], covariances)
        return Estimates(evaluated(forms, self.states), variances)

    def covariance(self, forms: FloatArray) -> FloatArray:
        """How the errors of the values of one patch belong together, to first order.

        Args:
            forms: Shape (forms, d, d).

        Returns:
            Shape (patches, forms, forms).
        """
        slopes = 2 * np.einsum("kij,pj->pki", forms, self.states, optimize=True)
        found: FloatArray = slopes @ self.covariances @ slopes.swapaxes(1, 2)
        return found

    def _covariances(self) -> Iterator[tuple[NDArray[np.int32], FloatArray]]:
        """Some patches at a time and their covariances."""
        for each in self.measurements:
            for start in range(0, len(each.columns), _BLOCK):
                rows = slice(start, start + _BLOCK)
                columns = each.columns[rows]
                found = each.model.covariances(self.states[columns], each.shots[rows])
                yield columns, found * self._excess(columns, each)[:, None, None]

    def _excess(self, columns: NDArray[np.int32], measurement: Measurement) -> FloatArray:
        """What variances are multiplied by: the misfits where they are no accident."""
        misfits = self.misfits[columns].astype(float)
        allowed = 1 + _STRANGE * np.sqrt(2 / measurement.model.freedom)
        return np.where(misfits > allowed, misfits, 1.0)


def _variances(forms: FloatArray, states: FloatArray, covariances: FloatArray) -> FloatArray:
    """The variances of forms, shape (forms, patches)."""
    found = np.empty((len(forms), len(states)))
    for row, form in enumerate(forms):
        slopes = 2 * states @ form
        along = np.einsum("pij,pj->pi", covariances, slopes)
        turned = form @ covariances
        found[row] = np.einsum("pi,pi->p", slopes, along)
        found[row] += 2 * np.einsum("pij,pji->p", turned, turned)
    return found


class Likelihood(Estimator):
    """The patch of maximum likelihood: all forms at once, near the bound F (1 - F)/N."""

    name = "likelihood"
    assumes = "the noise, and patches that are real vectors"
    serves_all_forms = True

    def __init__(self) -> None:
        self._models: Remembered[Reading, dict[tuple[int, ...], _Model]] = Remembered()

    def estimate(
        self, reading: Reading, counts: NDArray[np.int64], forms: FloatArray | None = None
    ) -> Estimates:
        """See `Estimator.estimate`.

        Raises:
            InputError: If the outcomes of the circuit do not tell patches apart, as the two of the
                ancilla test and those of one inversion test.
        """
        wanted = reading.own_form if forms is None else forms
        return self.estimate_jointly([reading], [counts], wanted)

    def estimate_jointly(
        self,
        readings: Sequence[Reading],
        counts: Sequence[NDArray[np.int64]],
        forms: FloatArray,
    ) -> Estimates:
        """Values of patches of which several circuits were run.

        Args:
            readings: The circuits.
            counts: For each circuit how often each outcome was recorded, shape
                (patches, outcomes).
            forms: What is wanted, shape (forms, d, d).

        Raises:
            InputError: If all outcomes together do not tell patches apart.
        """
        return self.likeliest(readings, counts).estimates(forms)

    def likeliest(
        self, readings: Sequence[Reading], counts: Sequence[NDArray[np.int64]]
    ) -> Likeliest:
        """The patches themselves, from which any forms can be evaluated at any time.

        Args:
            readings: As for `estimate_jointly`.
            counts: For each circuit, shape (patches, outcomes).

        Raises:
            InputError: As for `estimate_jointly`.
        """
        checked = [
            checked_counts(own, reading.n_outcomes)
            for own, reading in zip(counts, readings, strict=True)
        ]
        if len({len(own) for own in checked}) > 1:
            lengths = ", ".join(str(len(own)) for own in checked)
            raise InputError(f"counts are of {lengths} patches: give those of the same ones.")
        return self._model(readings).likeliest(checked)

    def information(self, readings: Sequence[Reading], states: FloatArray) -> FloatArray:
        """What a shot tells of patches, the readings having equally many.

        Args:
            readings: As for `estimate_jointly`.
            states: Real unit vectors, shape (patches, d).

        Returns:
            Fisher's information of x, shape (patches, d, d); 0 along x itself. Without noise and
            with effects of rank one it is 4 perpendicular to x in the mean.
        """
        model = self._model(readings).model
        each = np.ones((len(states), len(model.sizes)), dtype=np.int64)
        found: FloatArray = model.information(states, each) / len(model.sizes)
        return found

    def _model(self, readings: Sequence[Reading]) -> _Model:
        known = self._models.setdefault(readings[0], {})
        key = tuple(id(reading) for reading in readings)
        if key not in known:
            known[key] = _Model(readings)
        return known[key]


class _Model:
    """The effects of several readings, one below the other, and how patches are found with them."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._fits = [fitted_effects(reading) for reading in readings]
        # Kept, as their numbers are keys; weakly where it is the key that keeps this object.
        self._others, self._first = tuple(readings[1:]), weakref.ref(readings[0])
        self.model = OutcomeModel.of([fit.matrices for fit in self._fits])
        model = self.model
        self._residual = max(fit.residual for fit in self._fits)
        # Frequencies of the fully mixed state are the variances of the linear estimate.
        scale = np.sqrt(model.mixed)
        left, values, right = np.linalg.svd(model.packed / scale[:, None], full_matrices=False)
        told = values > 1e-3 * values[0]
        if told.sum() < 2 * model.size - 1:
            raise InputError(
                "the outcomes do not tell patches apart, so that estimator 'likelihood' cannot "
                "find them: take the destructive test, or several bases as "
                "qucnn_cirq.measured_once does."
            )
        self._inverse = (right[told].T / values[told]) @ left[:, told].T / scale

    @single_threaded_blas()
    def likeliest(self, counts: Sequence[NDArray[np.int64]]) -> Likeliest:
        """See `Likelihood.likeliest`."""
        shots = np.stack([own.sum(axis=1) for own in counts], axis=1)
        n_patches = len(shots)
        states, steps = np.empty((n_patches, self.model.size)), np.empty(n_patches, dtype=np.int16)
        misfits = np.empty(n_patches, dtype=np.float32)
        for start in range(0, n_patches, _BLOCK):
            rows = slice(start, start + _BLOCK)
            every = np.concatenate([own[rows] for own in counts], axis=1)
            found, misfits[rows] = self._of_block(Recorded(every, shots[rows]))
            states[rows], steps[rows] = found.states, found.steps
        if n_patches and (shots == shots[0]).all():
            shots = np.broadcast_to(shots[0].copy(), shots.shape)
        columns = np.arange(n_patches, dtype=np.int32)
        return Likeliest(states, steps, misfits, (Measurement(columns, self.model, shots),))

    def _of_block(self, recorded: Recorded) -> tuple[Found, FloatArray]:
        """The best maxima of a block, and their misfits.

        Few shots leave a linear estimate that can lead to a local maximum. It explains the counts
        so badly that chi squared tells it; then the search starts again from elsewhere.
        """
        model, counts = self.model, recorded.counts
        frequencies = counts / model.each(recorded.shots)
        linear = unpacked(frequencies @ self._inverse.T, model.size)
        found = search(model, recorded, _leading(linear))
        self._start_again(found, recorded, linear)
        rows = np.arange(len(found.states))
        while len(rows):
            own, starts = self._flipped(found.states[rows], recorded.of(rows))
            rows = rows[own]
            rows = rows[self._improve(found, recorded, rows, starts)[1]]
        found, recorded = self._looked_up(found, recorded)
        return found, self._chi_squared(found.states, recorded)[0] / model.freedom

    def _start_again(self, found: Found, recorded: Recorded, linear: FloatArray) -> None:
        """Searches from elsewhere for patches that do not explain their counts."""
        size, n_outcomes = self.model.size, recorded.counts.shape[1]
        generator = np.random.default_rng(_SEED)
        confirmed = np.zeros(len(found.states), dtype=np.int64)
        few = recorded.shots.sum(axis=1) < _FEW * n_outcomes
        unlikely = self._is_unlikely(found.states, recorded)
        rows = np.flatnonzero(few | unlikely)
        vectors = np.empty_like(linear)
        vectors[rows] = np.linalg.eigh(linear[rows])[1]
        for number in range(_RESTARTS):
            searched = unlikely & (confirmed < _CONFIRMED)
            rows = np.flatnonzero(searched | (few & (number < _ALWAYS)))
            if not len(rows):
                break
            falling = _FALLING ** np.arange(size)[::-1] if number % 2 else 1.0
            mixture = generator.normal(size=size) * falling
            # The linear estimate may know next to nothing of the patch: every other start does not
            # ask it.
            starts = unit(vectors[rows] @ mixture)
            near, better = self._improve(found, recorded, rows, starts)
            confirmed[rows] += near
            rows = rows[better]
            confirmed[rows] = 0
            unlikely[rows] = self._is_unlikely(found.states[rows], recorded.of(rows))

    def _improve(
        self, found: Found, recorded: Recorded, rows: NDArray[np.intp], starts: FloatArray
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Searches from starts and keeps what is better.

        Returns:
            Of which rows the search came to the same likelihood, and to a better one.
        """
        best = Best(found.states[rows], found.values[rows])
        again = search(self.model, recorded.of(rows), starts, best)
        near = np.abs(again.values - best.values) < _SAME
        better = again.values > best.values + _SAME
        found.states[rows[better]] = again.states[better]
        found.values[rows[better]] = again.values[better]
        found.steps[rows] += again.steps
        return near, better

    def _flipped(
        self, states: FloatArray, recorded: Recorded
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """Patches that explain the counts nearly as well with the sign of one amplitude turned.

        The sign of a small amplitude that few outcomes tell is what maxima differ by that chi
        squared cannot tell apart.
        """
        parts = [
            self.model.turned(states[own], recorded.counts[own]) for own in chunks(len(states))
        ]
        gains = np.concatenate(parts)
        # One that is 0, within what shots tell, has no sign.
        gains[states**2 * recorded.shots.max(axis=1)[:, None] < 1] = -np.inf
        places = gains.argmax(axis=1)
        rows = np.flatnonzero(gains.max(axis=1) > -_WITHIN)
        starts = states[rows]
        starts[np.arange(len(rows)), places[rows]] *= -1
        return rows, starts

    def _looked_up(self, found: Found, recorded: Recorded) -> tuple[Found, Recorded]:
        """The maxima with the exact probabilities near them, where shots would see the difference.

        The same vector is loaded by other angles than those next to it where amplitudes vanish, as
        those of dark pixels do. So what is 0, within what shots tell, is taken as 0 first, and as
        it is where that does not explain the counts.
        """
        if not self._sees(int(recorded.shots.max(initial=1))):
            return found, recorded
        best, recorded = self._settled(found, recorded, _DARK)
        chi, spread, _ = self._chi_squared(best.states, recorded)
        rows = np.flatnonzero(chi > recorded.counts.shape[1] + _DOUBTED * spread)
        own = recorded.of(rows)
        others = Found(found.states[rows], found.values[rows], found.steps[rows])
        other, again = self._settled(others, own, 0.0)
        better = other.values > best.values[rows]
        assert again.offsets is not None and recorded.offsets is not None
        recorded.offsets[rows[better]] = again.offsets[better]
        best.states[rows[better]] = other.states[better]
        best.steps[rows[better]] += other.steps[better]
        return best, recorded

    def _settled(self, found: Found, recorded: Recorded, dark: float) -> tuple[Found, Recorded]:
        """The maxima with offsets that are taken at the maxima: fixed points of both."""
        states, values, steps = found.states.copy(), found.values.copy(), found.steps.copy()
        offsets, rows = np.zeros(recorded.counts.shape), np.arange(len(states))
        scale = 4.0 * recorded.shots.sum(axis=1)
        for _ in range(_LOOKS):
            if not len(rows):
                break
            offsets[rows] = self._offsets(states[rows], dark**2 / scale[rows])
            own = recorded.of(rows)._replace(offsets=offsets[rows])
            again = search(self.model, own, states[rows])
            overlap = np.einsum("pi,pi->p", states[rows], again.states)
            states[rows], values[rows] = again.states, again.values
            steps[rows] += again.steps
            rows = rows[1 - overlap**2 > _SETTLED**2 / scale[rows]]
        return Found(states, values, steps), recorded._replace(offsets=offsets)

    def _sees(self, shots: int) -> bool:
        """Whether as many shots of a circuit see what the effects miss, and it can be looked up."""
        # A search for angles would take longer than all the rest, and remember them.
        known = all(reading.variant.loader.is_closed_form for reading in self._readings)
        missed = max(fit.residual**2 * len(fit.matrices) for fit in self._fits)
        return known and missed * shots > _SEEN**2

    @property
    def _readings(self) -> tuple[Reading, ...]:
        first = self._first()
        assert first is not None
        return (first, *self._others)

    def _offsets(self, states: FloatArray, dark: FloatArray) -> FloatArray:
        """How far the forms are off at patches, shape (patches, outcomes).

        A short loader loads few patches: it is told at the nearest one. Amplitudes whose squares
        are below ``dark``, shape (patches,), are taken as 0.
        """
        offsets = np.zeros((len(states), len(self.model.packed)))
        ends = np.cumsum(self.model.sizes)
        variants = [reading.variant for reading in self._readings]
        for variant in dict.fromkeys(variants):
            angles, loaded = _nearby(variant.loader, states, dark)
            overlaps = np.einsum("pi,pi->p", states, loaded)
            near = np.flatnonzero(1 - overlaps**2 < _AWAY)
            if not len(near):
                continue
            fitted = self.model.fitted(loaded[near])
            numbers = [number for number, own in enumerate(variants) if own is variant]
            readings = [self._readings[number] for number in numbers]
            exact = distributions_at(readings, angles[near])
            for number, chances in zip(numbers, exact, strict=True):
                own = slice(ends[number] - self.model.sizes[number], ends[number])
                offsets[near, own] = chances - fitted[:, own]
        return offsets

    def _expected(self, states: FloatArray, recorded: Recorded) -> FloatArray:
        """Counts to expect."""
        chances = self.model.chances(states, recorded.offsets)
        chances *= self.model.each(recorded.shots)
        return chances

    def _is_unlikely(self, states: FloatArray, recorded: Recorded) -> NDArray[np.bool_]:
        """Whether chi squared of the counts is far above the number of outcomes."""
        chi, spread, rare = self._chi_squared(states, recorded)
        # What effects miss is no fault of the vector's.
        missed = 2 * (recorded.shots.max(axis=1) * self._residual) ** 2 * rare
        found: NDArray[np.bool_] = chi > recorded.counts.shape[1] + missed + _UNLIKELY * spread
        return found

    def _chi_squared(
        self, states: FloatArray, recorded: Recorded
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chi squared of the counts, its standard deviation, and the sum of 1 / expected counts."""
        counts, expected = recorded.counts, self._expected(states, recorded)
        inverse = 1 / expected
        chi = np.einsum("po,po,po->p", counts - expected, counts - expected, inverse)
        # Of outcomes that are rare chi squared scatters more than a Gaussian's.
        rare = inverse.sum(axis=1)
        return chi, np.sqrt(2 * counts.shape[1] + rare), rare


def _leading(matrices: FloatArray) -> FloatArray:
    """About the leading eigenvectors of symmetric matrices: a start needs no digits."""
    size = matrices.shape[1]
    norms = np.sqrt(np.einsum("pij,pij->p", matrices, matrices))[:, None, None]
    # Positive, so that the largest eigenvalue has the largest square.
    powers = matrices / norms + 0.5 * np.eye(size)
    for _ in range(_SQUARINGS):
        powers = powers @ powers
    # The column that is farthest from 0.
    best = np.einsum("pii->pi", powers).argmax(axis=1)
    return unit(powers[np.arange(len(powers)), :, best])


def _nearby(loader: Loader, states: FloatArray, dark: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angles of the nearest patches that a loader loads, and these, without dark amplitudes."""

    def without_dark(vectors: FloatArray) -> FloatArray:
        return unit(np.where(vectors**2 < dark[:, None], 0.0, vectors))

    start = without_dark(states)
    loaded = loader.nearby(start)[1]
    # Coming near may have lit what was dark.
    return loader.nearby(without_dark(np.where(np.isnan(loaded), start, loaded)))
