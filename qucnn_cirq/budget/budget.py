"""Where the error of feature maps comes from: the exact share of every channel of noise.

Take every channel c as its transfer matrix T_c and weaken all alike, T_c(s) = 1 + s (T_c - 1). The
noisy mean F(s) is then a polynomial of s, and the integral over s of the part of dF/ds that is due
to c is its share A_c of F(1) - F(0). Shares add up without a remainder (Aumann and Shapley, Values
of Non-Atomic Games, 1974). Three Gauss nodes integrate them where noise is weak, as F is close to a
parabola there; where it is strong, as many as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from noise_models import Noise, NoiseLike, as_noise
from noise_models.checks import instance_of, real_number
from noise_models.errors import InputError, shown, unknown_name
from noise_models.markup import html_table
from qucnn_cirq.arrays import real_array
from qucnn_cirq.budget.parts import LABELS, Part, parts_of
from qucnn_cirq.budget.process import Channel
from qucnn_cirq.budget.rates import rate_derivatives
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.image_blocks import ImagesLike

FloatArray = NDArray[np.float64]

_NODES = (3, 6, 12, 24, 48, 96)
"""Nodes of Gauss and Legendre's rule, until shares add up: n of them do for a degree of 2n - 1."""
_REMAINDER = 1e-9
"""Of the RMS error, and of its square: what shares may miss."""
_ROUNDING = 1e-14
"""Errors below are those of rounding."""
COLUMNS = {
    "filter": "number of the filter",
    "circuit": "number of the circuit among those that the filter's patches are run with",
    "moment": "moment that the noise follows, -1 for preparation; for readout that of the "
    "measurement",
    "place": "qubit or coupler, as in a noise configuration",
    "stage": "loading of the patch, of the filter (or its body), their meeting, or readout",
    "mechanism": "what the noise is",
    "bias": "part of the mean error",
    "square": "part of the mean square of the error",
    "share": "square over the sum of all squares",
}
"""What the columns of `ErrorBudget.table` mean."""


class ErrorBudget:
    """The error of a noisy quantum convolution, shared out among its channels.

    The error of a patch is its noisy mean less its ideal one, without shots. Shares are of the
    mean over patches and filters: ``bias`` of the error, ``square`` of its square.

    A share says where the error comes from, along a path on which all noise grows together. It is
    not what would be gained by removing that noise alone, which `rms_without` computes: errors
    cancel, so that a share may be negative and the rest grow without it. Coherent errors take part
    as the mixture 1 + s (T - 1) of the gate and no gate.

    Args:
        parts: The circuits with their patches.
        shape: Filters and occupied patches.
        noise: The noise.
        text: What it is of, in words.

    Attributes:
        errors: The error of every filter and occupied patch, shape (filters, patches).
    """

    def __init__(
        self, parts: Sequence[Part], shape: tuple[int, int], noise: Noise, text: str
    ) -> None:
        self._parts = tuple(parts)
        self._shape = shape
        self._noise = noise
        self._text = text
        self._ideal = self._means(lambda labels: 0.0)
        self.errors = self._means(lambda labels: 1.0) - self._ideal

    @property
    def bias(self) -> float:
        """The mean error."""
        return float(self.errors.mean())

    @property
    def rms(self) -> float:
        """The root of the mean square of the error."""
        return _rms(self.errors)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The shares, a row for each channel: columns as in `COLUMNS`.

        The column ``bias`` adds up to `bias`, ``square`` to the square of `rms`.
        """
        rms = self.rms
        for nodes in _NODES:
            rows = self._shares(nodes)
            bias, square = (sum(float(row[key]) for row in rows) for key in ("bias", "square"))
            if (
                abs(bias - self.bias) <= _REMAINDER * rms + _ROUNDING
                and abs(square - rms**2) <= _REMAINDER * rms**2 + _ROUNDING * rms
            ):
                break
        table = pd.DataFrame(rows, columns=[*LABELS, "bias", "square"])
        table = table.sort_values(list(LABELS[:4]), kind="stable", ignore_index=True)
        table["share"] = table["square"] / rms**2 if rms > 0 else 0.0
        return table

    def _shares(self, nodes: int) -> list[dict[str, Any]]:
        """A row for each channel: its labels, ``bias`` and ``square``."""
        places, lengths = np.polynomial.legendre.leggauss(nodes)
        rows: list[dict[str, Any]] = []
        for part in self._parts:
            shares: dict[int, FloatArray] = {}
            channels: dict[int, Channel] = {}
            for strength, weight in zip((places + 1) / 2, lengths / 2, strict=True):
                for place, dependence in part.noisy.dependences(
                    part.tables, self.weights(part), strength
                ):
                    own = weight * place.shares(strength, dependence)
                    for channel, value in zip(place.channels, own.T, strict=True):
                        channels[id(channel)] = channel
                        shares[id(channel)] = shares.get(id(channel), np.zeros(2)) + value
            for key, channel in channels.items():
                bias, square = map(float, shares[key])
                rows.append({**part.labels(channel), "bias": bias, "square": square})
        return rows

    def by(self, *columns: str) -> pd.DataFrame:
        """Shares added up by what tells channels apart, the largest first.

        Args:
            columns: Of "filter", "circuit", "moment", "place", "stage", "mechanism"; none for the
                sum of all.

        Returns:
            These columns, ``bias``, ``square`` and ``share``.

        Raises:
            InputError: If there is no such column.
        """
        for column in columns:
            _check_label(column)
        values = ["bias", "square", "share"]
        if not columns:
            return self.table[values].sum().to_frame().T
        found = self.table.groupby(list(columns), as_index=False)[values].sum()
        return found.sort_values("share", ascending=False, kind="stable", ignore_index=True)

    def rms_without(self, **where: object) -> float:
        """The RMS error with some channels switched off and all others as they are.

        Args:
            where: What the channels that are switched off have in common: a column's value, or a
                list of values, as in ``stage="readout"`` or ``place=["5,3", "5,4"]``.

        Raises:
            InputError: If no channel has these or one of them, or there is no such column.
        """
        return float(self.rms_at(0.0, **where))

    def rms_at(self, strength: float, **where: object) -> float:
        """The RMS error with some channels weakened and all others as they are.

        Args:
            strength: What is left of them, from 0 (switched off) to 1: T becomes 1 + s (T - 1).
                For random Paulis and readout errors that is s times the rate.
            where: As for `rms_without`.

        Raises:
            InputError: As `rms_without`, or if the strength is not within 0..1.
        """
        strength = real_number("strength", strength, 0.0, 1.0)
        chosen = self._chosen(where)
        means = self._means(lambda labels: strength if _matches(labels, chosen) else 1.0)
        return _rms(means - self._ideal)

    def improvement(
        self, strengths: npt.ArrayLike = (1.0, 0.75, 0.5, 0.25, 0.1, 0.0), by: str = "mechanism"
    ) -> pd.DataFrame:
        """What it would take: the RMS error against the strength of one group of channels.

        Args:
            strengths: What is left of the group, each from 0 to 1.
            by: The column that tells groups apart.

        Returns:
            A row for each group and strength: the group's value, ``strength`` and ``rms``.

        Raises:
            InputError: If there is no such column, or a strength is not within 0..1.
        """
        _check_label(by)
        values = real_array("strengths", strengths).ravel()
        groups = self.by(by)[by]
        return pd.DataFrame(
            [
                {by: group, "strength": strength, "rms": self.rms_at(strength, **{by: group})}
                for group in groups
                for strength in values
            ],
            columns=[by, "strength", "rms"],
        )

    def rates(self, keys: Sequence[str] | None = None) -> pd.DataFrame:
        """How the error changes with the rates of the noise's configuration, exactly.

        Args:
            keys: Keys of a noise configuration as in "depolarizing.p2", "readout.p01" or
                "scales.gate"; None for all numbers that the configuration holds, and "scale".

        Returns:
            A row for each key: ``key``, ``value``, and the derivatives ``bias`` and ``square`` of
            the mean error and of its mean square by the rate.

        Raises:
            InputError: If the noise is no configuration, or a key is none of its numbers or of one
                that may only be whole. Where all are asked for, those are left out.
        """
        return rate_derivatives(self._parts, self._noise, self.weights, keys)

    def weights(self, part: Part) -> FloatArray:
        """What the patches of a part count for in the mean error and in its mean square.

        Args:
            part: One of the parts.

        Returns:
            Shape (2, patches).
        """
        errors = self.errors[part.filter, part.columns]
        return np.stack([np.ones(len(errors)), errors]) / self.errors.size

    def _means(self, strength: Callable[[Mapping[str, object]], float]) -> FloatArray:
        """The means of all patches with channels of some strength each."""
        means = np.empty(self._shape)
        for part in self._parts:

            def of(channel: Channel, part: Part = part) -> float:
                return strength(part.labels(channel))

            means[part.filter, part.columns] = part.noisy.means(part.tables, of)[0]
        return means

    def _chosen(self, where: Mapping[str, object]) -> dict[str, list[object]]:
        """The values that are asked for; a misspelt one would go unnoticed beside others."""
        for column in where:
            _check_label(column)
        chosen = {column: _listed(value) for column, value in where.items()}
        labels = [part.labels(each) for part in self._parts for each in part.noisy.channels]
        found = [each for each in labels if _matches(each, chosen)]
        for column, values in chosen.items():
            for value in values:
                if not any(each[column] == value for each in labels):
                    raise InputError(_NO_NOISE.format(f"{column} = {shown(value)}"))
        if not where or not found:
            text = ", ".join(f"{column} = {shown(value)}" for column, value in where.items())
            raise InputError(_NO_NOISE.format(text or "nothing"))
        return chosen

    def __repr__(self) -> str:
        return f"<error budget of {self._text}: RMS {self.rms:.5f}, bias {self.bias:+.5f}>"

    def __str__(self) -> str:
        lines = [f"{self._text}: RMS error {self.rms:.5f}, bias {self.bias:+.5f}"]
        for title, columns in (("stage", ("stage",)), ("mechanism", ("mechanism",))):
            shares = self.by(*columns)
            parts = [f"{row[title]} {100 * row['share']:.1f} %" for _, row in shares.iterrows()]
            lines.append(f"by {title}: {', '.join(parts)}")
        top = self.by("place").head(_PLACES_SHOWN)
        parts = [f"{row['place']} {100 * row['share']:.1f} %" for _, row in top.iterrows()]
        lines.append(f"largest places: {', '.join(parts)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [("RMS error", f"{self.rms:.5f}"), ("bias", f"{self.bias:+.5f}")]
        for column in ("stage", "mechanism", "place"):
            rows += [
                (f"{column}: {row[column]}", f"{100 * row['share']:.1f} %")
                for _, row in self.by(column).head(_PLACES_SHOWN).iterrows()
            ]
        return html_table(f"error budget of {self._text}", rows)


_PLACES_SHOWN = 6
_NO_NOISE = "no noise of this circuit has {}: `by` tells what there is."


def error_budget(
    program: Program,
    noise: NoiseLike,
    images: ImagesLike,
    *,
    parameters: ArrayLike | None = None,
    number: int | None = None,
) -> ErrorBudget:
    """Shares the error of feature maps out among the gates, qubits and stages that cause it.

    It is computed exactly, without shots; some images are enough, as it is a mean over patches.

    Args:
        program: The compiled convolution.
        noise: As for `qucnn_cirq.QuantumConvolution`.
        images: Shape (batch, rows, columns), or (batch, channels, rows, columns), or another
            form that layers take; they are cut into patches a block at a time.
        parameters: Angles of trainable filters in radians, shape (filters, parameters); None where
            there are none.
        number: Which of the numbers that each circuit gives, with a measurement; None for overlaps
            and for measurements of one number.

    Raises:
        InputError: If an argument is not allowed, all patches are blank, there is no noise, the
            noise replaces gates, or the circuit is too large: the states of a patch at all places
            of noise may take a GiB.
    """
    instance_of("program", program, Program, "compile_convolution(spec, device)")
    model = as_noise(noise)
    model.check_places(program.device.graph, f"device {program.device.name!r}")
    if model.is_ideal:
        raise InputError("there is no noise, so that there is no error to share out: give some.")
    parts, n_patches = parts_of(program, model, images, parameters, number)
    if not any(part.noisy.channels for part in parts):
        raise InputError(
            "none of the noise acts on the qubits of these circuits, so that there is no error to "
            "share out."
        )
    shape = (len(program.filters), n_patches)
    return ErrorBudget(parts, shape, model, _words(program, n_patches))


def _words(program: Program, n_patches: int) -> str:
    spec = program.spec
    kernel = "x".join(map(str, spec.kernel_pair))
    test = f"{spec.overlap} test" if spec.measurement is None else spec.measurement.kind
    return f"{kernel} {test} on {program.device.name}, {n_patches:,} patches"


def _rms(errors: FloatArray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _check_label(column: str) -> None:
    if column not in LABELS:
        raise unknown_name("column of a budget", column, LABELS)


def _matches(labels: Mapping[str, object], where: Mapping[str, Sequence[object]]) -> bool:
    return all(labels[column] in values for column, values in where.items())


def _listed(value: object) -> list[object]:
    """One value, or those of a list, an array or a column of a table."""
    if isinstance(value, np.ndarray | pd.Series):
        return list(np.ravel(value).tolist())
    return list(value) if isinstance(value, list | tuple | set | frozenset | range) else [value]
