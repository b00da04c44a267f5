"""What decides a module of the user's own: its file, and the neighbours that it imports."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from noise_models.extensions import load_object, source_digest
from noise_models.sources import digest_of_sources

NEIGHBOURS = ("beside.py", "further.py", "lazy.py", "package/__init__.py", "package/inner.py")
OTHERS = ("random.py", "qucnn_cirq/__init__.py", "package/unused.py", "installed.py")
MINE = """
import random, ast as syntax
import qucnn_cirq.layer
import beside
from package import inner, what_it_defines

class Mine:
    def late(self):
        from lazy import VALUE
        import not_there.at_all
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file with neighbours, and with files that are none."""
    for name in (*NEIGHBOURS, *OTHERS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("VALUE = 1\n")
    (tmp_path / "beside.py").write_text("import further, mine\n")
    (tmp_path / "package/inner.py").write_text("from . import __name__\n")
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.mark.parametrize("name", [*NEIGHBOURS, *OTHERS])
def test_a_change_of_a_neighbour_that_is_imported_changes_the_digest(
    folder: Path, name: str
) -> None:
    before = digest_of_sources("mine", folder / "mine.py")
    with (folder / name).open("a") as file:
        file.write("VALUE = 2\n")
    assert (digest_of_sources("mine", folder / "mine.py") != before) == (name in NEIGHBOURS)


def test_the_digest_of_a_file_without_neighbours_is_that_of_its_content(folder: Path) -> None:
    for source in (b"import numpy, cirq, json\nfrom noise_models import Noise\n", b"def :", b"\0"):
        (folder / "alone.py").write_bytes(source)
        found = digest_of_sources("alone", folder / "alone.py")
        assert found == hashlib.sha256(source).hexdigest()


def test_modules_of_a_package_are_neighbours_and_what_is_installed_beside_it_is_not(
    tmp_path: Path,
) -> None:
    own = tmp_path / "site-packages" / "own" / "sub"
    own.mkdir(parents=True)
    files = [own / "near.py", own.parent / "far.py", own.parent.parent / "other.py"]
    for each in files:
        each.write_text("")
    (own / "mine.py").write_text("from .near import x\nfrom own import far\nimport other\n")
    digests = [digest_of_sources("own.sub.mine", own / "mine.py")]
    for each in files:
        each.write_text("VALUE = 2\n")
        digests.append(digest_of_sources("own.sub.mine", own / "mine.py"))
    assert len(set(digests[:3])) == 3 and digests[2] == digests[3]
    moved = own.parent.rename(tmp_path / "own")
    assert digest_of_sources("own.sub.mine", moved / "sub" / "mine.py") == digests[3]


def test_a_member_has_the_digest_of_all_its_sources(folder: Path) -> None:
    (folder / "mine.py").write_text("class Mine:\n    def late(self):\n        import beside\n")
    mine = load_object("engine", f"{folder / 'mine.py'}:Mine")
    found = source_digest(mine)
    assert found == digest_of_sources("mine", folder / "mine.py")
    assert found != hashlib.sha256((folder / "mine.py").read_bytes()).hexdigest()
