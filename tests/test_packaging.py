"""What an installation holds and says: extras, versions, the commit."""

from __future__ import annotations

import configparser
import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

import cirq
import pandas as pd
import pytest

import qucnn_cirq
from qucnn_cirq.devices import load_device
from qucnn_cirq.engines.arrays import array_library
from qucnn_cirq.errors import InputError
from studies.compilation.peers import compile_with
from studies.performance.peers import prepare
from studies.sweep.results import export
from studies.sweep.workers import cluster_workers

ROOT = Path(__file__).parents[1]


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def peer(name: str) -> None:
    qubit = cirq.GridQubit(0, 0)
    compile_with(name, cirq.Circuit(cirq.measure(qubit)), load_device("grid:1x2"), "cz", range(1))


def with_cluster() -> None:
    with cluster_workers("tcp://127.0.0.1:1"):
        pass


def table_to_parquet() -> None:
    export(Path("folder"), Path("table.parquet"))


# What needs a package of an extra, by that package.
NEEDS: dict[str, list[tuple[str, Callable[[], object]]]] = {
    "torch": [
        ("torch", lambda: array_library("torch")),
        ("torch", lambda: importlib.import_module("qucnn_cirq.torch_layer")),
    ],
    "dask": [("distributed", with_cluster)],
    "parquet": [("pyarrow", table_to_parquet)],
    "peers": [
        ("qiskit", lambda: peer("qiskit")),
        ("pytket", lambda: peer("pytket")),
        ("qiskit_aer", lambda: prepare("aer", cirq.Circuit(cirq.X(cirq.q(0))))),
        ("pennylane", lambda: prepare("pennylane", cirq.Circuit(cirq.X(cirq.q(0))))),
    ],
}


@pytest.mark.parametrize(
    "extra", [name for name in setup_cfg()["options.extras_require"] if name != "test"]
)
def test_what_needs_an_extra_names_a_command_that_works(
    extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, use in NEEDS[extra]:
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            # Those that were imported already would hide that the package is missing.
            for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
                patch.setitem(sys.modules, name, None)
            patch.setattr(
                "studies.sweep.results.load", lambda folder: pd.DataFrame({"point": ["a"]})
            )
            patch.delitem(sys.modules, "qucnn_cirq.torch_layer", raising=False)
            with pytest.raises(InputError) as refused:
                use()
        message = str(refused.value)
        assert f"pip install '.[{extra}]' in a checkout" in message
        assert "\n" not in message
        assert len(message) <= 200


def test_no_command_installs_what_is_on_no_index() -> None:
    """The project itself is installed from a checkout, by a path; its extras exist."""
    extras = set(setup_cfg()["options.extras_require"])
    files = [
        path
        for folder in ("qucnn_cirq", "noise_models", "studies", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".toml")
    ]
    for file in (*files, ROOT / "README.md"):
        text = re.sub(r"\"\s*\n\s*f?\"", "", file.read_text(encoding="utf-8"))
        for command in re.findall(r"pip install[^\n&;`]*", text):
            assert not re.search(r"qucnn.cirq\[|install '?qucnn", command), (file, command)
            for names in re.findall(r"\.\[([\w,]+)\]", command):
                assert extras.issuperset(names.split(",")), (file, command)


def test_the_version_is_the_same_everywhere() -> None:
    assert setup_cfg()["metadata"]["version"] == "attr: qucnn_cirq.__version__"
    citation = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert citation
    assert citation[1] == qucnn_cirq.__version__
