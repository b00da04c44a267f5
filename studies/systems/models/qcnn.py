"""The quantum convolutional network: a whole image on eight qubits, which pooling brings to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from qucnn_cirq.encodings import ENCODINGS
from qucnn_cirq.filters import Filter, QCNNBody, XZAnsatz
from qucnn_cirq.heads import (
    BodyClassifier,
    NearestCentroid,
    SoftmaxClassifier,
    Unentangled,
    resized,
    unit_rows,
)
from qucnn_cirq.heads.learner import Classifier
from qucnn_cirq.measurements import EachZ
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.data import Data
from studies.systems.models.features import CircuitMaps
from studies.systems.models.model import Classifying, Model, System
from studies.systems.running import Run

Array = NDArray[np.float64]

_SIZE = 16
"""Rows and columns of the images, whose pixels are the amplitudes of eight qubits."""
_CHOSEN = {"loss": "mean_square", "rate": 0.05, "batch": 32}
"""Best of three losses, rates and batches on a quarter of the training images, held back."""
