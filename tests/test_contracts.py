"""Classes that others extend: what lacks a member is refused when it is made, not when it runs."""

from __future__ import annotations

import pytest

from noise_models.kind import NoiseKind
from qucnn_cirq.engines import Engine
from studies.sweep.workers import Workers


@pytest.mark.parametrize(
    ("base", "members"),
    [
        (Engine, {"run"}),
        (NoiseKind, {"has_gate_noise", "layers"}),
        (Workers, {"free", "hand_out", "reports"}),
    ],
)
def test_what_lacks_a_member_of_its_kind_cannot_be_made(base: type, members: set[str]) -> None:
    for missing in members:
        others = {name: lambda *_: None for name in members - {missing}}
        with pytest.raises(TypeError, match=missing):
            type("Extension", (base,), others)()
