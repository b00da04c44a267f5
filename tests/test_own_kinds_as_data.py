"""Noise of one's own in a plain dataclass: what its fields may hold, and how that is written."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, ClassVar

import numpy as np
import pytest

from noise_models import NoiseConfiguration, NoiseError, NoiseKind
from noise_models.configuration import NOISE_KINDS
from noise_models.tables import write_document


@dataclasses.dataclass(frozen=True)
class Listed(NoiseKind):
    key: ClassVar[str] = "listed"

    ps: Any = ()

    def has_gate_noise(self, strength: object) -> bool:
        return False

    def layers(self, step: object, strength: object) -> list[Any]:
        return []


@pytest.fixture(autouse=True)
def listed() -> None:
    NOISE_KINDS.register("listed", Listed)


@pytest.mark.parametrize(
    "value",
    [
        [0.01, 0.03],
        [[1, 2], ["a", True]],
        {"3": [0.5], "4": {"x": 1}},
        np.float64(0.1),
        np.float32(0.1),
        np.int64(3),
        np.bool_(True),
        np.str_("a"),
        (np.float64(0.1), np.int32(2)),
    ],
    ids=repr,
)
def test_what_a_file_can_hold_is_hashed_and_read_back(value: object) -> None:
    noise = NoiseConfiguration.from_mapping({"listed": {"ps": value}})
    assert len({noise, NoiseConfiguration(others={"listed": {"ps": value}})}) == 1
    text = json.dumps(noise.to_mapping(), allow_nan=False)
    for again in (
        NoiseConfiguration.from_toml(noise.to_toml()),
        NoiseConfiguration.from_json(noise.to_json()),
        NoiseConfiguration.from_toml(write_document({"noise": {"listed": {"ps": value}}})),
    ):
        assert again == noise
        assert json.dumps(again.to_mapping()) == text


@pytest.mark.parametrize(
    "value", [1j, object(), np.complex128(1), {3: 0.1}, b"a", "\ud800", ["a\udfff"], {"\ud800": 1}]
)
def test_what_no_file_can_hold_is_refused_by_its_key(value: object) -> None:
    noise = NoiseConfiguration(others={"listed": Listed(value)})
    for write in (noise.to_mapping, noise.to_toml, noise.to_json):
        with pytest.raises(NoiseError, match=r"^listed\.ps.* is neither a number, a text"):
            write()
    with pytest.raises(NoiseError, match=r"^noise\.listed\.ps.* is neither a number, a text"):
        write_document({"noise": {"listed": {"ps": value}}})


def test_what_one_format_lacks_is_refused_by_its_key() -> None:
    with pytest.raises(NoiseError, match=r"^noise.listed.ps = None cannot be written to TOML"):
        write_document({"noise": {"listed": {"ps": [1, None]}}})
    with pytest.raises(NoiseError, match=r"noise.listed = .*inf.* neither a finite number"):
        NoiseConfiguration(others={"listed": Listed(math.inf)}).to_json()
