"""QuGAN: a state that makes data, learnt against one that tells them from real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from qucnn_cirq.encodings import Angle
from qucnn_cirq.engines.collected import hands_out
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import DualAnsatz, Filter
from qucnn_cirq.heads import AdversarialPair, PrincipalComponents, hellinger_distance
from qucnn_cirq.heads.adversarial import shares_in_groups, shares_of_ones
from qucnn_cirq.measurements import Distribution
from qucnn_cirq.specification import ConvolutionSpec
from studies.sweep.study import Row
from studies.systems.data import Data
from studies.systems.models.classical import flat
from studies.systems.models.model import DIGITS, Model, System
from studies.systems.running import Run

Array = NDArray[np.float64]
Maker = Callable[[Array, int, np.random.Generator], Array]
"""Makes samples: of real ones, how many, and what draws."""

ARCHITECTURES = ("s", "sd", "sde")


@attrs.frozen
class QuGAN(System):
    """After Stein et al., "QuGAN", arXiv:2010.09036.

    Of each digit the first principal components, one to a qubit, are to be made anew: a generator's
    circuit is measured, and the shares of ones are a new sample.

    Attributes:
        architecture: Layers of both states, as of `DualAnsatz` with the axis y.
        components: Principal components.
        repulsion: The weight of the discriminator's second term, see `AdversarialPair`.
        epochs: Passes over the training images of a digit.
        batch: Images of a step.
        rate: Learning rate.
        shots: Shots of the generator for each sample.
        samples: How many are made of each digit.
        bins: Of the histogram of each value, of which the distance is taken.
    """

    kind: ClassVar[str] = "qugan"
    title: ClassVar[str] = "QuGAN"
    takes_shots: ClassVar[bool] = False

    architecture: str = fields.one_of(ARCHITECTURES, default="sd")
    components: int = fields.whole(2, 8, default=4)
    repulsion: float = fields.real(0.0, 1e6, default=0.0)
    epochs: int = fields.whole(1, default=50)
    batch: int = fields.whole(1, default=32)
    rate: float = fields.real(0.0, 10.0, default=0.05)
    shots: int = fields.whole(1, default=20)
    samples: int = fields.whole(1, default=1000)
    bins: int = fields.whole(2, 1000, default=10)

    @property
    def label(self) -> str:
        """The layers, the components, the contest and the shots of a sample."""
        letter = self.architecture[-1].upper()
        contest = f"repulsion {self.repulsion:g}" if self.repulsion else "no repulsion"
        return (
            f"{self.title} {letter}, {self.components} components, {contest}, "
            f"{self.shots:,} shots a sample"
        )

    def models(self, start: int, digits: tuple[int, ...] = DIGITS) -> tuple[Model, ...]:
        """See `System.models`: another start has other angles."""
        body, product = (DualAnsatz(each, ("y",)) for each in (self.architecture, "s"))
        models: list[Model] = [Generators("model", self.title, self, digits, body)]
        if body != product:
            label = "without entanglers"
            models.append(Generators("unentangled", label, self, digits, product))
        makers: dict[str, Maker] = {
            "binomial at the mean": self._binomial,
            "normal": _normal,
            "training images": _drawn_again,
        }
        models += [Resampling(label, self, digits, maker, start) for label, maker in makers.items()]
        return tuple(models)

    def _binomial(self, real: Array, count: int, drawn: np.random.Generator) -> Array:
        """What the shots of independent qubits at the right mean give."""
        shape = count, real.shape[1]
        found: Array = drawn.binomial(self.shots, real.mean(axis=0), shape) / self.shots
        return found


class Making(Model):
    """A model that makes the components of each digit; a subclass defines `fit` and `made`.

    Args:
        system: The settings.
        digits: The digits.
    """

    def __init__(self, system: QuGAN, digits: tuple[int, ...]) -> None:
        self._system, self._digits = system, digits
        self._components = PrincipalComponents(system.components)

    def tested(self, data: Data, run: Run) -> Row:
        """The distances of what is made from images; see `Model.tested`."""
        real = self._by_digit(self._components.transform(flat(data.images)), data.labels)
        every = self.made(run)
        return {
            "hellinger": self._distance(every, real),
            "hellinger_training": self._distance(every, self._learnt),
            "tested": len(data.labels),
        }

    def _distance(self, every: list[Array], real: list[Array]) -> float:
        """The mean over the digits."""
        bins = self._system.bins
        return float(
            np.mean(
                [
                    hellinger_distance(made, true, bins)
                    for made, true in zip(every, real, strict=True)
                ]
            )
        )

    def made(self, run: Run) -> list[Array]:
        """Samples of each digit, shape (samples, components).

        Args:
            run: How circuits are run.
        """
        raise NotImplementedError

    def _learn(self, data: Data) -> list[Array]:
        """Finds the components, and those of each digit.

        Raises:
            InputError: If there is one image of a digit, which has no spread.
        """
        for digit in self._digits:
            if np.count_nonzero(data.labels == digit) < 2:
                raise InputError(
                    f"the training images show {digit} once, and a distribution is to be learnt: "
                    "take more images."
                )
        features = self._components.fit_transform(flat(data.images))
        self._learnt = self._by_digit(features, data.labels)
        return self._learnt

    def _by_digit(self, features: Array, labels: NDArray[np.int64]) -> list[Array]:
        return [features[labels == digit] for digit in self._digits]


class Generators(Making):
    """A generator for each digit.

    Args:
        role: See `Model`.
        label: See `Model`.
        system: The settings.
        digits: The digits.
        body: The circuit of both states.
    """

    def __init__(
        self, role: str, label: str, system: QuGAN, digits: tuple[int, ...], body: Filter
    ) -> None:
        super().__init__(system, digits)
        self.role, self.label, self._body = role, label, body
        # A patch of zeros is |0...0>, of which the generator makes its state.
        spec = ConvolutionSpec(
            kernel=(1, system.components),
            filters=[body] * len(digits),
            encoding=Angle(),
            measurement=Distribution(),
        )
        self.specs = (spec,)

    def fit(self, data: Data, seed: int) -> None:
        """Lets each digit's pair of states learn."""
        system, angles = self._system, []
        for number, real in enumerate(self._learn(data)):
            pair = AdversarialPair(
                self._body,
                epochs=system.epochs,
                batch=system.batch,
                rate=system.rate,
                repulsion=system.repulsion,
                seed=seed * len(self._digits) + number,
            )
            angles.append(pair.fit(real).generator_)
        self.parameters = (np.array(angles),)

    def shapes(self, rows: int, columns: int) -> tuple[tuple[int, int], ...]:
        """One row of zeros; see `Model.shapes`."""
        return ((1, self._system.components),)

    def inputs(self, images: Array) -> tuple[Array, ...]:
        """See `Model.inputs`: the same for all images."""
        return (np.zeros((len(images), 1, self._system.components)),)

    def made(self, run: Run) -> list[Array]:
        """Samples of the circuits' outcomes, whose exact probabilities are found once.

        Where counts are handed out these are all shots of all samples, which are put into
        samples at random: nothing tells one shot from another.
        """
        system, drawn = self._system, np.random.default_rng(run.seed)
        (seen,) = self.inputs(np.zeros((1, 1, 1)))
        every = system.samples * system.shots
        counted = replace(run, shots=every if hands_out() else None)
        maps = counted.maps(self.specs[0], self.parameters[0], seen)
        shares = maps.reshape(len(self._digits), -1).clip(0)
        if counted.shots is not None:
            return [
                shares_in_groups(np.rint(row * every).astype(np.int64), system.samples, drawn)
                for row in shares
            ]
        return [
            shares_of_ones(row / row.sum(), system.samples, system.shots, drawn) for row in shares
        ]


class Resampling(Making):
    """Samples that are made classically.

    Args:
        label: See `Model`.
        system: The settings.
        digits: The digits.
        maker: Makes them.
        start: Number of the start, of which the draws are.
    """

    role = "classical"

    def __init__(
        self, label: str, system: QuGAN, digits: tuple[int, ...], maker: Maker, start: int
    ) -> None:
        super().__init__(system, digits)
        self.label, self._maker, self._start = label, maker, start

    def fit(self, data: Data, seed: int) -> None:
        """Keeps the components of each digit."""
        self._learn(data)

    def made(self, run: Run) -> list[Array]:
        """See `Making.made`."""
        drawn, count = np.random.default_rng(self._start), self._system.samples
        return [self._maker(real, count, drawn) for real in self._learnt]


def _normal(real: Array, count: int, drawn: np.random.Generator) -> Array:
    """A normal distribution of the same mean and covariance, within 0..1."""
    found = drawn.multivariate_normal(real.mean(axis=0), np.cov(real.T), count)
    return found.clip(0, 1)


def _drawn_again(real: Array, count: int, drawn: np.random.Generator) -> Array:
    """Training images again: what data of the same kind reach."""
    found: Array = drawn.choice(real, count)
    return found
