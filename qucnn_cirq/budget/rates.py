"""How the error changes with the numbers of a noise configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration
from noise_models.errors import InputError, shown
from noise_models.numbers import Path, number_path, numbers_of, with_number
from qucnn_cirq.budget.circuit import NoisyCircuit
from qucnn_cirq.budget.parts import Part
from qucnn_cirq.budget.places import Place
from qucnn_cirq.budget.process import labelled_process

FloatArray = NDArray[np.float64]

_STEP = 1e-3
"""Relative step of the differences of transfer matrices: their error is that to the fourth."""
_STEP_FROM_ZERO = 1e-4
_Rule = tuple[tuple[int, float], ...]
_CENTRAL: _Rule = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
_FORWARD: _Rule = ((0, -25 / 12), (1, 4.0), (2, -3.0), (3, 4 / 3), (4, -1 / 4))
_BACKWARD: _Rule = tuple((-steps, -weight) for steps, weight in _FORWARD)
"""Weights of the differences that give a derivative to fourth order."""


def rate_derivatives(
    parts: Sequence[Part],
    noise: Noise,
    weights: Callable[[Part], FloatArray],
    keys: Sequence[str] | None,
) -> pd.DataFrame:
    """The derivatives of the mean error and of its mean square; see `ErrorBudget.rates`.

    The mean depends linearly on every channel's transfer matrix, by what is found once for all
    rates; how that matrix depends on a rate, the configuration itself tells.

    Args:
        parts: The circuits with their patches.
        noise: The noise.
        weights: What the patches of a part count for, shape (2, patches).
        keys: Which rates; None for all.
    """
    if noise.configuration is None:
        raise InputError(
            "the noise is a model without rates that are known by name: give a configuration."
        )
    mapping = noise.configuration.to_mapping()
    known = numbers_of(mapping)
    known.setdefault(("scale",), 1.0)
    if isinstance(keys, str):
        raise InputError(f"keys = {shown(keys)} is one text: give a list of keys.")
    paths = [number_path(key, known) for key in keys] if keys is not None else list(known)
    structure: dict[int, NoisyCircuit] = {}
    dependences = []
    for part in parts:
        template = part.noisy.template
        if id(template) not in structure:
            process = labelled_process(template, noise, markers=True)
            structure[id(template)] = replace(part.noisy, elements=process)
        own = structure[id(template)].dependences(part.tables, weights(part), strength=1.0)
        dependences.append((part, {_key(place): by for place, by in own}))
    rows = []
    for path in paths:
        value = known[path]
        noises = _varied(mapping, path, value)
        if noises is None:
            if keys is None:
                continue
            raise InputError(
                f"key {shown('.'.join(path))} has no derivative: {shown(value)} may not be changed "
                "by little."
            )
        changes = {key: _changes(circuit, noises) for key, circuit in structure.items()}
        total = np.zeros(2)
        for part, by in dependences:
            change_of = changes[id(part.noisy.template)]
            if change_of is None:
                total += _difference(part, noises, weights(part))
                continue
            for key, change in change_of.items():
                if key in by:
                    total += np.einsum("sab,ab->s", by[key], change)
        # The square's derivative is twice the mean of the error times its own.
        rows.append({"key": ".".join(path), "value": value, "bias": total[0],
                     "square": 2 * total[1]})  # fmt: skip
    return pd.DataFrame(rows, columns=["key", "value", "bias", "square"])


def _key(place: Place) -> tuple[object, ...]:
    # The same place in processes of different rates: they have the same markers.
    first = place.channels[0]
    return first.moment, first.stage, frozenset(place.qubits)


def _varied(
    mapping: Mapping[str, Any], path: Path, value: float
) -> list[tuple[float, Noise]] | None:
    """Noises about one number, with the weights by which they make a derivative.

    At an end of what is allowed the derivative is of one side. None if no other number near it is
    allowed, as of one that has to be whole.
    """
    step = _STEP * abs(value) if value else _STEP_FROM_ZERO
    for rule in (_CENTRAL, _FORWARD, _BACKWARD) if value else (_FORWARD, _BACKWARD):
        try:
            varied = [with_number(mapping, path, value + steps * step) for steps, _ in rule]
            noises = [Noise(NoiseConfiguration.from_mapping(each)) for each in varied]
        except InputError:
            continue
        return [(weight / step, own) for (_, weight), own in zip(rule, noises, strict=True)]
    return None


def _changes(
    circuit: NoisyCircuit, noises: Sequence[tuple[float, Noise]]
) -> dict[tuple[object, ...], FloatArray] | None:
    """The derivative of the matrix of each place by one number.

    None if the number makes places or takes some away, as noise of one's own may, or if they are
    not told apart.
    """
    keys = [_key(place) for place in circuit.places]
    if len(set(keys)) < len(keys):
        return None
    total: dict[tuple[object, ...], FloatArray] = {}
    for weight, noise in noises:
        process = labelled_process(circuit.template, noise, markers=True)
        places = replace(circuit, elements=process).places
        if [_key(place) for place in places] != keys:
            return None
        for place in places:
            change = weight * place.at(1.0)
            total[_key(place)] = total.get(_key(place), 0.0) + change
    return total


def _difference(
    part: Part, noises: Sequence[tuple[float, Noise]], weights: FloatArray
) -> FloatArray:
    """The derivatives of the weighted sums of one part's means by one number, shape (2,)."""
    total = np.zeros(len(weights))
    for weight, noise in noises:
        process = labelled_process(part.noisy.template, noise)
        means = replace(part.noisy, elements=process).means(part.tables, lambda channel: 1.0)[0]
        total += weight * (weights @ means)
    return total
