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
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.effects import fitted_effects, packed, quadratic_features, unpacked
from qucnn_cirq.estimators.estimator import Estimates, Estimator, checked_counts
from qucnn_cirq.estimators.forms import evaluated
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]

MOST_STEPS = 40
"""Steps of Fisher scoring; 4 to 8 are usual, and 20 have been seen."""
_BLOCK = 64
"""Patches at a time: their slopes stay in the cache."""
_CLOSE = 1e-3
"""Standard deviations within which the maximum is found."""
_DAMPED, _MORE, _LESS = 1e-4, 8.0, 0.2
"""The first damping, relative to the information of all shots, and its changes."""
_LARGEST_DAMPING = 1e6
_LEAST = 1e-4, 1e-2
"""Part of its mean that the probability of an outcome is at least. More where effects have negative
eigenvalues, as those of short loaders, which are not known well enough to tell it from 0."""
_UNLIKELY = 5.0
"""Standard deviations of chi squared from which a maximum is taken for a local one."""
_RESTARTS = 24
"""Further starts, then: combinations of the linear estimate's leading eigenvectors."""
_FEW, _ALWAYS = 20, 4
"""Shots for each outcome below which chi squared tells little, and the starts that are tried then
in any case."""
_WITHIN = 300.0
"""How much less likely a patch with another sign may be, as it stands, to be worth a search."""
_SEED = 53_117
_CONFIRMED, _SAME = 8, 0.1
"""How often another start has to come to the same likelihood, and how nearly: then it is not the
search but the assumed noise that is wrong."""
_FALLING = 0.85
"""How much less of each further eigenvector a start has."""
_SEEN = 0.1
"""Standard deviations of an outcome's frequency from which what effects miss is looked up."""
_SMALLEST = 1e-9
"""What an outcome's mean probability is at least: outcomes that never occur have no weight."""


@dataclass(frozen=True, eq=False)
class Likeliest:
    """The patches that explain counts best, up to the sign, and how well they are known.

    Attributes:
        states: Real unit vectors, shape (patches, d).
        covariances: The inverse of the information, 0 along the vector itself, shape
            (patches, d, d).
        steps: Steps that the search took for each patch, shape (patches,); `MOST_STEPS` where it
            has not come to an end. With those of searches that started again.
        misfits: Chi squared of the counts for each degree of freedom, shape (patches,): near 1
            where what is assumed is right.
    """

    states: FloatArray
    covariances: FloatArray
    steps: NDArray[np.int64]
    misfits: FloatArray

    def estimates(self, forms: FloatArray) -> Estimates:
        """Values of forms and their variances, to second order in the covariance.

        Args:
            forms: Real symmetric Q, shape (forms, d, d).

        Returns:
            Values x^T Q x; variances 4 x^T Q C Q x + 2 tr(Q C Q C), of which the second counts
            where the first vanishes, at F = 0.
        """
        variances = np.empty((len(forms), len(self.states)))
        for row, form in enumerate(forms):
            turned = form @ self.covariances
            slopes = 2 * self.states @ form
            variances[row] = np.einsum("pi,pij,pj->p", slopes, self.covariances, slopes)
            variances[row] += 2 * np.einsum("pij,pji->p", turned, turned)
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
        return self._model(readings).information(states)

    def _model(self, readings: Sequence[Reading]) -> _Model:
        known = self._models.setdefault(readings[0], {})
        key = tuple(id(reading) for reading in readings)
        if key not in known:
            known[key] = _Model(readings)
        return known[key]


class _Model:
    """The effects of several readings, one below the other."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        fits = [fitted_effects(reading) for reading in readings]
        # Kept, as their numbers are keys; weakly where it is the key that keeps this object.
        self._others, self._first = tuple(readings[1:]), weakref.ref(readings[0])
        self._fits = fits
        self.size = fits[0].matrices.shape[1]
        effects = np.concatenate([fit.matrices for fit in fits])
        self._packed = packed(effects)
        self._sizes = [len(fit.matrices) for fit in fits]
        # As a matrix from x to all M_o x: (d, outcomes * d).
        self._effects = np.ascontiguousarray(effects.transpose(2, 0, 1).reshape(self.size, -1))
        # Frequencies of the fully mixed state are the variances of the linear estimate.
        mixed = np.maximum(np.trace(effects, axis1=1, axis2=2) / self.size, _SMALLEST)
        negative = np.concatenate(
            [np.full(len(m), -np.linalg.eigvalsh(m).min()) for m in (f.matrices for f in fits)]
        )
        self._least = np.clip(negative, _LEAST[0] * mixed, _LEAST[1] * mixed)
        self._residuals = np.repeat([fit.residual for fit in fits], self._sizes)
        scale = np.sqrt(mixed)
        left, values, right = np.linalg.svd(self._packed / scale[:, None], full_matrices=False)
        told = values > 1e-3 * values[0]
        if told.sum() < 2 * self.size - 1:
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
        every, each = np.concatenate(counts, axis=1), np.repeat(shots, self._sizes, axis=1)
        parts = [
            self._of_block(every[start : start + _BLOCK], each[start : start + _BLOCK])
            for start in range(0, len(every), _BLOCK)
        ]
        if not parts:
            empty = np.empty((0, self.size, self.size))
            nothing = np.empty(0)
            return Likeliest(empty[:, 0], empty, nothing.astype(np.int64), nothing)
        return Likeliest(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def information(self, states: FloatArray) -> FloatArray:
        """See `Likelihood.information`."""
        counts = np.zeros((len(states), len(self._packed)), dtype=np.int64)
        every = self._likelihood(states, counts, counts + 1, np.zeros((len(states), 1)))
        found: FloatArray = every[2] / len(self._sizes)
        return found

    def _of_block(
        self, counts: NDArray[np.int64], shots: NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, NDArray[np.int64], FloatArray]:
        """The best maxima of a block: vectors, covariances, steps and misfits.

        Few shots leave a linear estimate that can lead to a local maximum. It explains the counts
        so badly that chi squared tells it; then the search starts again from elsewhere.
        """
        vectors = np.linalg.eigh(unpacked(counts / shots @ self._inverse.T, self.size))[1]
        states, covariances, steps, values = self._searched(counts, shots, vectors[:, :, -1])
        generator = np.random.default_rng(_SEED)
        confirmed = np.zeros(len(states), dtype=np.int64)
        few = shots[:, :1].sum(axis=1) * len(self._sizes) < _FEW * counts.shape[1]
        for number in range(_RESTARTS):
            unlikely = self._is_unlikely(states, counts, shots)
            searched = unlikely & (confirmed < _CONFIRMED)
            wrong = np.flatnonzero(searched | (few & (number < _ALWAYS)))
            if not len(wrong):
                break
            falling = _FALLING ** np.arange(self.size)[::-1] if number % 2 else 1.0
            mixture = generator.normal(size=self.size) * falling
            # The linear estimate may know next to nothing of the patch: every other start does not
            # ask it.
            starts = _unit(vectors[wrong] @ mixture)
            again = self._searched(counts[wrong], shots[wrong], starts)
            confirmed[wrong] += np.abs(again[3] - values[wrong]) < _SAME
            better = again[3] > values[wrong] + _SAME
            confirmed[wrong[better]] = 0
            rows = wrong[better]
            states[rows], covariances[rows] = again[0][better], again[1][better]
            values[rows] = again[3][better]
            steps[wrong] += again[2]
        rows, starts = self._flipped(states, counts, shots)
        if len(rows):
            again = self._searched(counts[rows], shots[rows], starts)
            better = again[3] > values[rows] + _SAME
            states[rows[better]], covariances[rows[better]] = again[0][better], again[1][better]
            steps[rows] += again[2]
        offsets = self._offsets(states, int(shots.max()))
        if offsets is not None:
            states, covariances, more, _ = self._searched(counts, shots, states, offsets)
            steps += more
        expected = self._expected(states, shots, offsets)
        chi = ((counts - expected) ** 2 / expected).sum(axis=1)
        # As many frequencies as circuits follow from the others.
        freedom = counts.shape[1] - len(self._sizes) - self.size + 1
        return states, covariances, steps, chi / max(1, freedom)

    def _flipped(
        self, states: FloatArray, counts: NDArray[np.int64], shots: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """Patches that explain the counts nearly as well with the sign of one amplitude turned.

        The sign of a small amplitude that few outcomes tell is what maxima differ by that chi
        squared cannot tell apart.
        """

        def likelihoods(vectors: FloatArray) -> FloatArray:
            found: FloatArray = (counts * np.log(self._expected(vectors, shots) / shots)).sum(
                axis=1
            )
            return found

        own, best = likelihoods(states), np.full(len(states), -np.inf)
        starts = states.copy()
        for place in range(self.size):
            turned = states.copy()
            turned[:, place] *= -1
            value = likelihoods(turned)
            # One that is 0, within what shots tell, has no sign.
            value[states[:, place] ** 2 * shots.max() < 1] = -np.inf
            better = value > best
            starts[better], best[better] = turned[better], value[better]
        rows = np.flatnonzero(best > own - _WITHIN)
        return rows, starts[rows]

    def _expected(
        self, states: FloatArray, shots: NDArray[np.int64], offsets: FloatArray | None = None
    ) -> FloatArray:
        """The counts that vectors lead one to expect."""
        chances = quadratic_features(states) @ self._packed.T
        if offsets is not None:
            chances += offsets
        expected: FloatArray = shots * np.maximum(chances, self._least)
        return expected

    def _offsets(self, states: FloatArray, shots: int) -> FloatArray | None:
        """How far effects are off at these patches, where shots would see it, else None.

        They are where coherent errors depend on the angles of the loader.
        """
        first = self._first()
        assert first is not None
        fitted = quadratic_features(states) @ self._packed.T
        offsets, start = np.zeros_like(fitted), 0
        for reading, fit in zip((first, *self._others), self._fits, strict=True):
            own = slice(start, start + len(fit.matrices))
            start = own.stop
            # A search for angles would take longer than all the rest, and remember them.
            known = fit.loads_all and reading.variant.loader.is_closed_form
            if known and fit.residual**2 * shots * len(fit.matrices) > _SEEN**2:
                offsets[:, own] = reading.distribution(states) - fitted[:, own]
        return offsets if offsets.any() else None

    def _is_unlikely(
        self, states: FloatArray, counts: NDArray[np.int64], shots: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether chi squared of the counts is far above the number of outcomes."""
        expected = self._expected(states, shots)
        chi = ((counts - expected) ** 2 / expected).sum(axis=1)
        # Of outcomes that are rare chi squared scatters more than a Gaussian's.
        spread = np.sqrt(2 * counts.shape[1] + (1 / expected).sum(axis=1))
        # What effects miss is no fault of the vector's.
        missed = ((shots * self._residuals) ** 2 / expected).sum(axis=1)
        found: NDArray[np.bool_] = chi > counts.shape[1] + 2 * missed + _UNLIKELY * spread
        return found

    def _searched(
        self,
        counts: NDArray[np.int64],
        shots: NDArray[np.int64],
        starts: FloatArray,
        offsets: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray, NDArray[np.int64], FloatArray]:
        """Fisher scoring from starts: vectors, covariances, steps and logarithmic likelihoods."""
        added = np.zeros((len(counts), 1)) if offsets is None else offsets
        n_patches, size = len(counts), self.size
        states = starts.copy()
        total = shots.max(axis=1).astype(float)
        damping = np.full(n_patches, _DAMPED)
        steps = np.full(n_patches, MOST_STEPS)
        slopes = np.empty((n_patches, size))
        information = np.empty((n_patches, size, size))
        best = np.full(n_patches, -np.inf)
        tried, active = states.copy(), np.arange(n_patches)
        for step in range(MOST_STEPS):
            value, slope, curvature = self._likelihood(
                tried[active], counts[active], shots[active], added[active]
            )
            better = value >= best[active]
            moved = active[better]
            states[moved], best[moved] = tried[moved], value[better]
            slopes[moved], information[moved] = slope[better], curvature[better]
            damping[active] *= np.where(better, _LESS, _MORE)
            along = states[active]
            matrix = information[active] + total[active, None, None] * (
                damping[active, None, None] * np.eye(size) + along[:, :, None] * along[:, None, :]
            )
            move = np.linalg.solve(matrix, slopes[active, :, None])[:, :, 0]
            # The step in standard deviations.
            length = np.einsum("pi,pi->p", move, slopes[active])
            going = (length > _CLOSE**2) & (damping[active] < _LARGEST_DAMPING)
            steps[active[~going]] = step
            active, move = active[going], move[going]
            if not len(active):
                break
            tried[active] = _unit(states[active] + move)
        along = states[:, :, None] * states[:, None, :]
        inverse = np.linalg.inv(information + total[:, None, None] * along)
        return states, inverse - along / total[:, None, None], steps, best

    def _likelihood(
        self,
        states: FloatArray,
        counts: NDArray[np.int64],
        shots: NDArray[np.int64],
        offsets: FloatArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Log likelihood, its slope along the sphere, and the expected information of all shots."""
        fitted = quadratic_features(states) @ self._packed.T + offsets
        chances = np.maximum(fitted, self._least)
        # Below the least the logarithm goes on as its tangent, so that its slope leads out again.
        tangent = (fitted - chances) / chances
        value = np.einsum("po,po->p", counts, np.log(chances) + tangent)
        # M_o x, of which what is along x goes: that is p_o x.
        pull = unpacked((counts / chances) @ self._packed, self.size)
        slope = 2 * _across(states, np.einsum("pij,pj->pi", pull, states))
        moved = (states @ self._effects).reshape(len(states), -1, self.size)
        moved *= (2 * np.sqrt(shots / chances))[:, :, None]
        raw = moved.swapaxes(1, 2) @ moved
        along = np.einsum("pij,pj->pi", raw, states)
        raw -= states[:, :, None] * along[:, None, :]
        raw -= _across(states, along)[:, :, None] * states[:, None, :]
        return value, slope, raw


def _across(states: FloatArray, vectors: FloatArray) -> FloatArray:
    """What is perpendicular to unit vectors."""
    parts = np.einsum("pi,pi->p", states, vectors)
    found: FloatArray = vectors - parts[:, None] * states
    return found


def _unit(vectors: FloatArray) -> FloatArray:
    units: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units
