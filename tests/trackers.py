"""Stand-ins for what experiments are logged to, with the signatures that the pages use.

Neither MLflow nor TensorBoard is installed for the tests. A page's block is run against the real
package where it is there, and then the signatures are compared as well.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

import pytest


class MlflowStandIn(ModuleType):
    """What ``mlflow`` offers to a callback; `logged` holds what it was told."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.logged: list[tuple[str, int | None, dict[str, Any]]] = []
        self._run: str | None = None

    @contextlib.contextmanager
    def start_run(self, run_id: str | None = None, run_name: str | None = None) -> Iterator[None]:
        self._run = run_name
        yield
        self._run = None

    def log_params(self, params: dict[str, Any]) -> None:
        assert self._run is not None
        self.logged.append((self._run, None, params))

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert self._run is not None
        # What the real one does with each.
        self.logged.append((self._run, step, {name: float(v) for name, v in metrics.items()}))


class SummaryWriter:
    """The writer of ``tensorboardX`` and of ``torch.utils.tensorboard``."""

    written: list[tuple[str, float, int | None]]

    def __init__(self, logdir: str | None = None) -> None:
        assert logdir is not None
        Path(logdir).mkdir(parents=True)
        type(self).written = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def add_scalar(self, tag: str, scalar_value: float, global_step: int | None = None) -> None:
        self.written.append((tag, float(scalar_value), global_step))


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts stand-ins where packages are missing.

    Args:
        monkeypatch: Takes them away.
    """
    # Files in the folder of the test do without the database of the whole package.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:./mlruns")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tensorboard = ModuleType("tensorboardX")
    vars(tensorboard)["SummaryWriter"] = SummaryWriter
    for module in (MlflowStandIn(), tensorboard):
        if not is_installed(module.__name__):
            monkeypatch.setitem(sys.modules, module.__name__, module)


def is_installed(name: str) -> bool:
    """Whether a package is there.

    Args:
        name: The package's.
    """
    import importlib.util

    return importlib.util.find_spec(name) is not None
