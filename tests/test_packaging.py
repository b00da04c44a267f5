"""What an installation holds and says: extras, versions, the commit."""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
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
    compile_with(name, cirq.Circuit(cirq.measure(qubit)), load_device("grid:1x2"), "cz", 1)


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
    # Nothing: it only makes scikit-learn itself at hand, for learners that need none of it.
    "sklearn": [],
    # Nothing of the packages: they run notebooks, and build the site.
    "notebooks": [],
    "docs": [],
    "dask": [("distributed", with_cluster)],
    "parquet": [("pyarrow", table_to_parquet)],
    "peers": [
        ("qiskit", lambda: peer("qiskit")),
        ("pytket", lambda: peer("pytket")),
        ("bqskit", lambda: peer("bqskit")),
        ("qiskit_aer", lambda: prepare("aer", cirq.Circuit(cirq.X(cirq.q(0))))),
        ("qulacs", lambda: prepare("qulacs", cirq.Circuit(cirq.X(cirq.q(0))))),
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


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of its own with the files that are here, committed."""
    if not shutil.which("git"):
        pytest.skip("git tells the commit that is tested")
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("qucnn_cirq", "noise_models", "studies"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "setup.cfg", "README.md", "LICENSE", "CITATION.cff", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    run("git", "init", "-q", at=folder)
    run("git", "add", ".", at=folder)
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    run("git", *author, "commit", "-q", "-m", "All", at=folder)
    return folder


def run(*command: str, at: Path) -> str:
    """What a command prints; its errors are the test's."""
    done = subprocess.run(command, cwd=at, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def build(checkout: Path, into: Path) -> Path:
    """Builds as pip does, without installing what the package needs."""
    run(sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(into), at=checkout)
    return into


def stated(installation: Path) -> dict[str, str | None]:
    """The commit that an installation states, in a process that has no other."""
    code = "import json, provenance; from pathlib import Path; print(json.dumps("
    code += "provenance.commit(Path(provenance.__file__).resolve())))"
    found: dict[str, str | None] = json.loads(
        run(sys.executable, "-c", code, at=installation / "studies")
    )
    return found


def test_a_build_keeps_the_commit_and_leaves_nothing_behind(checkout: Path, tmp_path: Path) -> None:
    head = run("git", "rev-parse", "HEAD", at=checkout)
    assert stated(build(checkout, tmp_path / "built")) == {"commit": head}
    assert run("git", "status", "--porcelain", at=checkout) == ""
    assert not (checkout / "studies" / "commit.json").exists()
    with (checkout / "README.md").open("a") as readme:
        readme.write("Changed.")
    # Into the folder of the build before, as pip does when it is run again.
    changed = {"commit": f"{head}+changes"}
    assert stated(build(checkout, tmp_path / "built")) == changed
    assert stated(checkout) == changed
    run("git", "checkout", "-q", "README.md", at=checkout)
    assert stated(checkout) == {"commit": head}


def test_a_source_distribution_hands_its_commit_on(checkout: Path, tmp_path: Path) -> None:
    head = run("git", "rev-parse", "HEAD", at=checkout)
    run(sys.executable, "setup.py", "-q", "sdist", "-d", str(tmp_path), at=checkout)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert stated(unpacked) == {"commit": head}
    assert stated(build(unpacked, tmp_path / "built")) == {"commit": head}
    assert run("git", "status", "--porcelain", at=checkout) == ""


def test_the_version_is_told_with_the_commit(checkout: Path, tmp_path: Path) -> None:
    head = run("git", "rev-parse", "HEAD", at=checkout)
    command = (sys.executable, "-m", "qucnn_cirq", "--version")
    version = f"qucnn_cirq {qucnn_cirq.__version__}"
    built = build(checkout, tmp_path / "built")
    assert run(*command, at=built) == f"{version}, commit {head}"
    (built / "studies" / "commit.json").unlink()
    assert run(*command, at=built).startswith(f"{version}, commit not known (git: ")


def test_a_wheel_holds_every_file_of_the_packages_and_the_licences(
    checkout: Path, tmp_path: Path
) -> None:
    """Presets, data and ``py.typed`` among them; from a source distribution, as indices want it."""
    run(sys.executable, "setup.py", "-q", "sdist", "-d", str(tmp_path), at=checkout)
    (source,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / source.name.removesuffix(".tar.gz")
    assert (unpacked / "CITATION.cff").is_file()
    run(sys.executable, "setup.py", "-q", "bdist_wheel", "-d", str(tmp_path), at=unpacked)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        licence = next(name for name in names if name.endswith(".dist-info/licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    tracked = run("git", "ls-files", "qucnn_cirq", "noise_models", "studies", at=checkout)
    tracked_names = set(tracked.splitlines())
    assert {f"{package}/py.typed" for package in ("qucnn_cirq", "noise_models", "studies")} <= names
    assert any(name.startswith("studies/presets/") for name in tracked_names)
    assert any(name.startswith("qucnn_cirq/data/") for name in tracked_names)
    assert tracked_names - names == set()
    others = {name for name in names - tracked_names if ".dist-info/" not in name}
    assert others == {"studies/commit.json"}
    # The licence of the images that come with the package stands beside them.
    assert any(name.endswith("licenses/qucnn_cirq/data/README.md") for name in names)


def test_without_a_checkout_the_reason_stands_instead_of_the_commit(
    checkout: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(".git"))
    found = stated(build(copy, tmp_path / "built"))
    assert found["commit"] is None
    assert "not a git repository" in str(found["no_commit"])
    (tmp_path / "built" / "studies" / "commit.json").write_text("[")
    assert "damaged" in str(stated(tmp_path / "built")["no_commit"])


def test_an_editable_build_asks_git_itself(checkout: Path, tmp_path: Path) -> None:
    run(sys.executable, "setup.py", "-q", "editable_wheel", "-d", str(tmp_path), at=checkout)
    assert next(tmp_path.glob("*.whl"))
    assert not list(checkout.rglob("commit.json"))
    assert run("git", "status", "--porcelain", at=checkout) == ""
