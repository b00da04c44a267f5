"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from noise_models import NoiseError
from noise_models.files import user_path


def test_a_tilde_is_the_home_folder_and_nobodys_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/homes/me")
    assert user_path("study.data", "~/x.npz") == Path("/homes/me/x.npz")
    assert user_path("study.data", "x~y.npz") == Path("x~y.npz")
    with pytest.raises(NoiseError, match="^study.data = '~nosuchuser/x.npz' begins with the name"):
        user_path("study.data", "~nosuchuser/x.npz")
