"""Gradient descent with Adam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Adam:
    """D. Kingma and J. Ba, arXiv:1412.6980.

    Args:
        rate: Learning rate.
        decay: Decay of the mean and of the mean square of the gradients.
    """

    def __init__(self, rate: float, decay: tuple[float, float] = (0.9, 0.999)) -> None:
        self.rate = rate
        self._decay = decay
        self._mean: Array | float = 0.0
        self._square: Array | float = 0.0
        self._steps = 0

    def step(self, gradient: Array) -> Array:
        """What to add to the parameters, to make the loss with this gradient smaller.

        Args:
            gradient: dL/dparameters, of any shape, the same in every call.

        Returns:
            Of the shape of the gradient.
        """
        first, second = self._decay
        self._steps += 1
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient**2
        mean = self._mean / (1 - first**self._steps)
        square = self._square / (1 - second**self._steps)
        return np.asarray(-self.rate * mean / (np.sqrt(square) + 1e-8))
