"""The site builds without a warning and has every public name, column and question."""

from __future__ import annotations

import ast
import fcntl
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studies.sweep.catalogue import STUDIES, study_named

ROOT = Path(__file__).parents[1]
PACKAGES = ("qucnn_cirq", "noise_models", "studies")

for package in ("sphinx", "myst_nb", "furo", "sphinx_gallery"):
    pytest.importorskip(package, reason="the site needs the extra [docs]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by the command of the page on contributing: once for all processes."""
    page = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")
    command = re.search(r"^sphinx-build (.*) docs ", page, re.MULTILINE)
    assert command
    assert "-W" in command[1].split()
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    out = folder / "site"
    with (folder / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "finished").exists():
            _build([sys.executable, "-m", "sphinx", "-q", *command[1].split()], folder, out)
    return out


def _build(sphinx: list[str], folder: Path, out: Path) -> None:
    """Builds a copy of the pages, beside which the build writes those of the gallery."""
    copy = folder / "pages"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "docs", copy / "docs")
    shutil.rmtree(copy / "docs/gallery", ignore_errors=True)
    shutil.copy(ROOT / "README.md", copy)
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*sphinx, copy / "docs", out],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=900,
        env=os.environ | {"PYTHONPATH": paths.rstrip(os.pathsep), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    (out / "finished").touch()


@pytest.fixture(scope="module")
def names(site: Path) -> set[str]:
    """The full names that the reference describes, those of modules included."""
    from sphinx.util.inventory import InventoryFile

    found = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    kinds = [kind for kind in found.data if kind.startswith("py:")]
    return {name for kind in kinds for name in found.data[kind]}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_offered_name_is_described(package: str, names: set[str]) -> None:
    offered = importlib.import_module(package).__all__
    assert offered
    assert [name for name in offered if f"{package}.{name}" not in names] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_class_and_function_is_described(package: str, names: set[str]) -> None:
    missing = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = [part for part in parts if part != "__init__"]
        if any(part.startswith("_") for part in module):
            continue
        # A package that offers a name stands for the module that defines it.
        homes = [".".join(module[:count]) for count in range(len(module), 0, -1)]
        homes += [home for home in PACKAGES if home not in homes]
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            is_described = isinstance(node, (ast.ClassDef, ast.FunctionDef))
            if is_described and not node.name.startswith("_"):
                missing += [node.name] * all(f"{home}.{node.name}" not in names for home in homes)
    assert missing == []


def test_every_column_of_every_study_is_on_the_page_of_columns(site: Path) -> None:
    page = (site / "columns.html").read_text(encoding="utf-8")
    for name in STUDIES:
        section = page.partition(f'<section id="columns-of-the-study-{name.replace("_", "-")}">')[2]
        section = section.partition("</section>")[0]
        shown = re.findall(r'<span class="pre">(\w+)</span></code></p></td>', section)
        assert shown == list(study_named(name).columns), name


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("which test", "questions"),
        ("which overlap test", "overlap_tests"),
        ("plug in my own noise", "questions"),
        ("systematic_rmse", "columns"),
        ("trajectory", "glossary"),
    ],
)
def test_a_question_is_found(site: Path, asked: str, page: str) -> None:
    from sphinx.search.en import SearchEnglish

    index = _search_index(site)
    language = SearchEnglish({})
    words = [language.stem(word) for word in asked.split() if word not in language.stopwords]
    assert words
    assert page in set.intersection(*(_pages_with(index, word) for word in words))


def _search_index(site: Path) -> dict[str, Any]:
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    return found


def _pages_with(index: dict[str, Any], stem: str) -> set[str]:
    """The pages whose text or title has a word of this stem."""
    found = [index[table].get(stem, []) for table in ("terms", "titleterms")]
    numbers = [each if isinstance(each, list) else [each] for each in found]
    return {index["docnames"][number] for number in sum(numbers, [])}


def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    broken = []
    for path, text in pages.items():
        for link in set(re.findall(r'<a [^>]*\bhref="([^"]*)"', text)):
            where, _, anchor = link.partition("#")
            if ":" in where:
                continue
            target = (path.parent / where).resolve() if where else path
            has_anchor = not anchor or anchor in anchors.get(target, {anchor})
            if not target.is_file() or not has_anchor:
                broken.append((path.name, link))
    assert broken == []


def test_pages_of_notebooks_show_what_their_cells_show(site: Path) -> None:
    """Tables, drawings and figures, made by the build."""
    shown = {
        "compile_and_look": ("device willow_pink", "data:image/svg+xml;base64,", "<svg", "8, 6"),
        "sweep": ("27 of 27 done", '<table border="1" class="dataframe">', "predicted_rmse"),
        "train_and_mitigate": ("quantum convolution", "held-out accuracy"),
    }
    for name, parts in shown.items():
        page = (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        assert [part for part in parts if part not in page] == []
        assert re.search(r'src="\.\./_images/\w+\.png"', page)
        # Nothing is fetched from elsewhere when the page is opened.
        assert re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="https?:', page) == []


def test_pages_show_nothing_that_the_build_was_to_fill(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert "generated:" not in page.read_text(encoding="utf-8"), page.name


def test_every_example_of_the_gallery_has_its_picture(site: Path) -> None:
    examples = sorted((ROOT / "docs/examples/gallery").glob("*.py"))
    assert len(examples) > 8
    index = (site / "gallery/index.html").read_text(encoding="utf-8")
    for example in examples:
        page = (site / f"gallery/{example.stem}.html").read_text(encoding="utf-8")
        shown = re.findall(rf'src="\.\./(_images/sphx_glr_{example.stem}_\d+\.\w+)"', page)
        assert shown, example.name
        assert all((site / picture).stat().st_size > 2000 for picture in shown), example.name
        assert f"sphx_glr_{example.stem}_thumb" in index, example.name


def test_formulas_are_drawn_by_the_browser_alone(site: Path) -> None:
    pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
    assert sum("<math " in page for page in pages) > 8
    for page in pages:
        fetched = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="(https?:[^"]*)"', page)
        assert fetched == []
