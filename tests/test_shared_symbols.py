"""A parameter that turns several rotations is counted and differentiated so, in every study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, XZAnsatz, compile_convolution
from qucnn_cirq.compiler import request
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.execution import Execution
from qucnn_cirq.filters import FixedFilter, filter_from_mapping
from qucnn_cirq.gradient_methods import METHODS
from studies.learning.study import _slopes
from studies.sweep.catalogue import study_named
from studies.trainability.study import _ideal
from studies.training.models import IdealQuantumModel

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
SHARING = {"kind": f"{EXAMPLES / 'own_filter.py'}:BrickWall"}
FILTER = filter_from_mapping(SHARING)
CONVOLUTION = {"kernel": [2, 2], "filters": SHARING}
SPEC = ConvolutionSpec.from_mapping(CONVOLUTION)
SEED = np.random.SeedSequence(3)
ANGLES = np.array([[0.3, -1.1, 2.0]])


def point(name: str, stride: int = 1, **study: Any) -> Any:
    return study_named(name).read(
        {
            "study": {"name": name, "check_fraction": 0, **study},
            "convolution": {**CONVOLUTION, "stride": stride},
        }
    )


def differences(overlap: Any) -> np.ndarray:
    steps = 1e-5 * np.eye(3)
    return np.array([(overlap(ANGLES + step) - overlap(ANGLES - step)) / 2e-5 for step in steps])


def test_rotations_are_counted_and_not_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (FILTER.n_parameters(2), FILTER.n_angles(2), SPEC.n_angles) == (3, 5, 5)
    assert XZAnsatz(2).n_angles(2) == 8 and FixedFilter([1, 2]).n_angles(1) == 0
    monkeypatch.setattr(request, "MOST_ROTATIONS", 4)
    with pytest.raises(InputError, match="a filter has 5 rotations .* at most 4 are compiled"):
        compile_convolution(SPEC, "grid:4x4")


OWN_METHOD = f"{EXAMPLES / 'own_gradient.py'}:OneSided"
RUN = [name for name, method in METHODS.items() if method.runs_circuits]


@pytest.mark.parametrize("method", [*RUN, pytest.param(OWN_METHOD, id="own")])
def test_the_estimate_of_a_gradient_is_what_is_run(method: str) -> None:
    for state, shots in (("superposition", 10), ("mixed", 43)):
        settings = point("gradient", method=method, shots=shots, draws=2, state=state)
        (row,) = study_named("gradient").measure(settings, SEED).rows
        cost = study_named("gradient").cost(settings)
        assert (cost.circuits, cost.shots) == (2 * row["circuits"], 2 * row["shots_taken"])


def test_the_estimate_of_learning_is_what_is_run() -> None:
    for method in ("parameter_shift", "spsa", "exact"):
        shots = 0 if method == "exact" else 10
        settings = point(
            "learning", method=method, shots=shots, iterations=2, target="random", starts=1
        )
        row = study_named("learning").measure(settings, SEED).rows[-1]
        cost = study_named("learning").cost(settings)
        assert (cost.circuits, cost.shots) == (row["circuits"], row["shots_taken"])


@pytest.mark.parametrize("train", ["as_run", "ideal"])
def test_the_estimate_of_training_is_what_is_run(
    train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[int] = []
    usual = Execution.patches

    def counted(self: Execution, *rest: Any, **named: Any) -> Any:
        found = usual(self, *rest, **named)
        run.append(found.counts.size)
        return found

    monkeypatch.setattr(Execution, "patches", counted)
    counts = {"images": 10, "test_images": 10, "epochs": 2, "batch": 5, "shots": 5}
    settings = point("training", stride=9, train=train, **counts)
    study_named("training").measure(settings, SEED)
    assert study_named("training").cost(settings).circuits == sum(run)


def test_exact_gradients_of_the_studies_are_derivatives() -> None:
    generator = np.random.default_rng(5)
    state = generator.normal(size=4)
    state /= np.linalg.norm(state)

    def overlap(angles: np.ndarray) -> float:
        return float(np.abs(FILTER.states(2, angles)[0].conj() @ state) ** 2)

    expected = differences(overlap)
    np.testing.assert_allclose(_slopes(FILTER, 2, ANGLES[0], state), expected, atol=1e-8)
    found, overlaps = _ideal(point("trainability"), state[None], ANGLES)
    np.testing.assert_allclose(found[0], expected, atol=1e-8)
    assert overlaps[0] == pytest.approx(overlap(ANGLES))
    images = np.asarray(load_mnist("train", 1).images, float)[:, 10:14, 10:14]
    model = IdealQuantumModel(SPEC, ANGLES)
    upstream = generator.normal(size=model.maps(images, np.arange(1), 0).shape)

    def loss(angles: np.ndarray) -> float:
        other = IdealQuantumModel(SPEC, angles)
        return float((other.maps(images, np.arange(1), 0) * upstream).sum())

    model.maps(images, np.arange(1), 0)
    np.testing.assert_allclose(model.gradient(upstream, 0)[0], differences(loss), atol=1e-8)
