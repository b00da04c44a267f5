"""Every block of the README and of the pages in docs/ runs as written and prints what it shows.

A page is a session in an empty folder; its blocks run in order:

- ``python``: the blocks of a page share their names. A comment behind a ``print`` is its output.
- ``sh``: one command a line, which must succeed.
- ``console``: commands behind ``$``, each followed by what it prints; it may exit with 1.
- ``toml``: written to the file that its first line names (``# layer.toml``).
- ``text``: what the block before it printed.

Numbers are right if they differ by at most one unit of the last digit shown; ``...`` stands for
anything. In a comment ``below X``, ``about X`` (within a factor of 1.5) and ``X to Y`` are bounds.

Two HTML comments before a block change that, visibly for whoever reads the source:

- ``<!-- not run: REASON -->``, with one of `REASONS`. Its commands are parsed all the same.
- ``<!-- run with: study noise --quick; ... -->``: commands that start with these words
  (``qucnn study noise``) get these options as well, to take less time.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import glob
import importlib.util
import io
import itertools
import logging
import re
import shlex
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers import here_and_now
from trackers import stand_in

from qucnn_cirq.cli import main
from qucnn_cirq.commands.parser import VERBS, build_parser
from qucnn_cirq.logs import PACKAGES
from qucnn_cirq.validation import RULES
from studies.preset_files import presets

ROOT = Path(__file__).parents[1]
SITE_ONLY = ("index.md", "tour.md")
"""Pages that hold nothing but parts of the README and lists of the others."""
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in SITE_ONLY),
]
REASONS = {
    "needs a file out of docs/examples",
    "makes a virtual environment",
    "needs a Slurm cluster",
    "needs a Dask cluster",
    "needs access to a processor",
    "needs Mitiq",
    "takes minutes",
}
NUMBER = r"[-+]?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:e[-+]?\d+)?"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        line: The line of its first line of content, from 1.
        language: The word behind the fence.
        content: Its lines.
        marks: What HTML comments directly before it say, by their first words.
    """

    line: int
    language: str
    content: str
    marks: dict[str, str]


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a page."""
    pattern = r"((?:^<!--.*?-->\n+)*)^```([^\n]*)\n(.*?)^```$"
    found = []
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        marks = dict(re.findall(r"<!-- ([a-z ]+): (.*?) -->", match[1], re.DOTALL))
        assert match[1].count("<!--") == len(marks), f"a comment that is no mark: {match[1]!r}"
        line = text.count("\n", 0, match.start(3)) + 1
        found.append(Block(line, match[2].strip(), match[3], marks))
    return found


def differs(shown: str, printed: str) -> str | None:
    """Why what is printed is not what is shown, or None."""
    shown, printed = " ".join(shown.split()), " ".join(printed.split())
    bound = re.fullmatch(rf"(?:(below|about) )?({NUMBER})(?: to ({NUMBER}))?", shown)
    if bound and (bound[1] or bound[3]):
        value, first = float(printed), _float(bound[2])
        low, high = {
            "below": (-first, first),
            "about": tuple(sorted((first / 1.5, first * 1.5))),
            None: (first, _float(bound[3] or "0")),
        }[bound[1]]
        return None if low <= value <= high else f"{printed} is not {shown}"
    wanted = re.findall(rf"\.\.\.|{NUMBER}", shown)
    pattern = "".join(
        ".*?" if part == "..." else f"({NUMBER}|nan|inf)" if i % 2 else re.escape(part)
        for i, part in enumerate(re.split(rf"(\.\.\.|{NUMBER})", shown))
    )
    match = re.fullmatch(pattern, printed)
    if match is None:
        return f"shown {shown!r}, printed {printed!r}"
    numbers = [part for part in wanted if part != "..."]
    for number, found in zip(numbers, match.groups(), strict=True):
        if abs(_float(number) - _float(found)) > _unit(number, found):
            return f"shown {number}, printed {found} in {printed!r}"
    return None


def _float(number: str) -> float:
    return float(number.replace(",", ""))


def _unit(shown: str, printed: str) -> float:
    """One unit of the last digit that is shown; whole numbers are exact."""
    mantissa, _, exponent = shown.partition("e")
    decimals = len(mantissa.partition(".")[2])
    if not decimals and not exponent and re.fullmatch(r"[-+]?[\d,]+", printed):
        return 0.0
    return 1.000001 * 10.0 ** (int(exponent or 0) - decimals)


class Session:
    """Runs the blocks of one page, each as a reader would."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.printed = ""

    def run(self, block: Block) -> None:
        """Runs one block and compares what it prints with what it shows."""
        if "not run" in block.marks:
            reason = block.marks["not run"]
            assert reason in REASONS, f"line {block.line}: {reason!r} is no reason of {REASONS}"
            if block.language == "sh":
                for command in commands(block.content):
                    parse(command)
            elif block.language == "python":
                ast.parse(block.content)
            return
        extra = [shlex.split(each) for each in block.marks.get("run with", "").split(";")]
        known = {
            "python": lambda: self.python(block),
            "sh": lambda: self.shell(block.content, extra),
            "console": lambda: self.console(block.content, extra),
            "toml": lambda: self.file(block.content),
            "text": lambda: self.compare(block.content),
        }
        assert block.language in known, f"line {block.line}: unknown language {block.language!r}"
        try:
            known[block.language]()
        except Exception as error:
            error.add_note(f"in the block at line {block.line}")
            raise

    def python(self, block: Block) -> None:
        """Executes a block; comments behind prints are compared."""
        output: dict[int, str] = {}
        tree = ast.parse(block.content)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        before = block.line - 1
        ends = {
            node.lineno + before: node.end_lineno
            for node in calls
            if isinstance(node.func, ast.Name) and node.func.id == "print"
        }
        every = io.StringIO()

        def record(*values: object, **options: Any) -> None:
            text = io.StringIO()
            print(*values, **options | {"file": text, "flush": False})
            every.write(text.getvalue())
            line = ends.get(sys._getframe(1).f_lineno)
            if line is not None:
                output[line] = output.get(line, "") + text.getvalue()

        # A traceback names the line of the page.
        code = compile("\n" * before + block.content, "page", "exec")
        self.names["print"] = record
        with contextlib.redirect_stdout(every), contextlib.redirect_stderr(io.StringIO()):
            exec(code, self.names)
        self.printed = every.getvalue()
        lines = io.StringIO(block.content).readline
        for token in tokenize.generate_tokens(lines):
            if token.type == tokenize.COMMENT and token.start[0] in output:
                wrong = differs(token.string.lstrip("# "), output[token.start[0]])
                assert wrong is None, f"line {before + token.start[0]}: {wrong}"

    def shell(self, content: str, extra: list[list[str]]) -> None:
        """Runs a command a line."""
        self.printed = ""
        for command in commands(content):
            code, printed = execute(command, extra)
            assert code == 0, f"{command} exits with {code}: {printed}"
            self.printed += printed

    def console(self, content: str, extra: list[list[str]]) -> None:
        """Runs the commands behind dollars and compares what each prints."""
        for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            (command,) = commands(line)
            code, printed = execute(command, extra)
            assert code in (0, 1), f"{line} exits with {code}: {printed}"
            wrong = differs(shown, printed)
            assert wrong is None, f"{line}: {wrong}"

    def file(self, content: str) -> None:
        """Writes the file that the first line names."""
        tomllib.loads(content)
        first = content.partition("\n")[0]
        assert re.fullmatch(r"# [\w-]+\.toml", first), f"{first!r} names no file, as # layer.toml"
        Path(first.removeprefix("# ")).write_text(content, encoding="utf-8")

    def compare(self, content: str) -> None:
        """Compares what the block before printed."""
        wrong = differs(content, self.printed)
        assert wrong is None, wrong


def commands(content: str) -> Iterator[list[str]]:
    """The commands of a block, without comments; patterns of names are expanded."""
    for line in content.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield [name for word in words for name in sorted(glob.glob(word)) or [word]]


def parse(words: list[str]) -> argparse.Namespace | None:
    """The options of a command of ours, which must exist; a variable stands for a number."""
    words = [re.sub(r"\$\w+", "1", word) for word in words]
    words = words[words.index("exec") + 1 :] if "exec" in words else words
    for first in range(len(words)):
        if words[first].endswith("qucnn"):
            own = itertools.takewhile(lambda word: word not in ("&&", "||"), words[first + 1 :])
            return build_parser().parse_args([word.removesuffix(")") for word in own])
    return None


def execute(words: list[str], extra: list[list[str]]) -> tuple[int, str]:
    """Runs a command in this process."""
    assert words[0] == "qucnn", f"{' '.join(words)} cannot be run here: mark it as not run"
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()) as errors:
        code = main([*words[1:], *(word for each in extra for word in _options(each, words[1:]))])
    return code, output.getvalue() or errors.getvalue()


def _options(extra: list[str], words: list[str]) -> list[str]:
    """The options that a mark adds to a command, if it is about this one."""
    count = next((i for i, word in enumerate(extra) if word.startswith("-")), 0)
    return extra[count:] if extra[:count] == words[:count] else []


@pytest.fixture
def unchanged_logs() -> Iterator[None]:
    """What a page asks to be logged is for that page."""
    loggers = [logging.getLogger(name) for name in (None, *PACKAGES, "qucnn_cirq.compiler")]
    before = [(each.level, list(each.handlers)) for each in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers = handlers


@pytest.mark.usefixtures("unchanged_logs")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_runs_and_prints_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    # The processes of each command take seconds; the tests of sweeps start them.
    monkeypatch.setattr("studies.sweep.job.local_workers", here_and_now)
    stand_in(monkeypatch)
    session = Session()
    missing = set()
    for block in blocks(page.read_text(encoding="utf-8")):
        absent = {
            extra
            for extra in ("torch", "sklearn")
            if re.search(rf"^(import|from) {extra}\b", block.content, re.MULTILINE)
            and importlib.util.find_spec(extra) is None
        }
        if not absent:
            session.run(block)
        missing |= absent
    if missing:
        pytest.skip(f"all other blocks ran; some need the extra [{', '.join(sorted(missing))}]")


def test_every_verb_and_option_is_on_a_page() -> None:
    lines = "\n".join(page.read_text() for page in PAGES).replace("\\\n", " ").splitlines()
    verbs = next(
        action.choices
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    assert set(verbs) == set(VERBS)
    everywhere = ("--seed", "--quiet", "--json", "--verbose", "--traceback")
    for verb, parser in verbs.items():
        own = [line for line in lines if f"qucnn {verb}" in line]
        assert own, f"qucnn {verb} is on no page"
        for option in (name for action in parser._actions for name in action.option_strings):
            if option.startswith("--") and option not in ("--help", *everywhere):
                assert any(re.search(rf"{option}\b", line) for line in own), (verb, option)
    for option in everywhere:
        assert any(f"`{option}`" in line for line in lines), option


def test_every_preset_is_on_a_page() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    assert [name for name in presets() if f"`{name}`" not in text] == []


def test_the_table_of_rules_has_all_of_them() -> None:
    table = (ROOT / "docs/devices.md").read_text().partition("| rule |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(RULES)


def test_every_page_is_linked_from_the_readme() -> None:
    readme, *pages = PAGES
    text = readme.read_text()
    assert [page.name for page in pages if f"](docs/{page.name})" not in text] == []


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).is_file(), (page.name, target)


def test_every_anchor_is_a_heading() -> None:
    headings = {page.resolve(): set(anchors(page.read_text())) for page in PAGES}
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text()):
            if "://" not in target:
                at = (page.parent / target).resolve() if target else page.resolve()
                assert anchor in headings[at], (page.name, f"{target}#{anchor}")


def test_no_two_pages_have_the_same_title() -> None:
    """In the search box, in tabs of browsers and beside the pages there is nothing else."""
    docs = ROOT / "docs"
    titles = {
        path: title[1].casefold().removeprefix("the ")
        for path in sorted([*docs.rglob("*.md"), *docs.glob("notebooks/*.ipynb")])
        if "_build" not in path.parts
        if (title := re.search(r'^(?:    ")?# (.*?)(?:\\n",)?$', path.read_text(), re.MULTILINE))
    }
    titles |= {
        path: path.read_text().splitlines()[1].casefold()
        for path in docs.glob("examples/gallery/*.py")
    }
    assert len(titles) > 60
    twice = {path.name: title for path, title in titles.items()
             if list(titles.values()).count(title) > 1}  # fmt: skip
    assert twice == {}


def anchors(text: str) -> Iterator[str]:
    """What the headings of a page are linked by: small letters, with dashes for spaces."""
    for title in re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M
    ):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize(
    ("shown", "printed", "right"),
    [
        ("34 CZ in 41", "34 CZ in 41\n", True),
        ("34 CZ", "35 CZ", False),
        ("0.0942", "0.09418", True),
        ("0.0942", "0.0944", False),
        ("-0.8", "-1.34", False),
        ("4e-16", "4.4e-16", True),
        ("below 1e-12", "-3e-13", True),
        ("below 1e-12", "3e-12", False),
        ("about 5", "8", False),
        ("0.8 to 1.2", "1.01", True),
        ("0.8 to 1.2", "1.34", False),
        ("moment 1: ...\n37 violations", "moment 1: CZ\nmoment 2: CZ\n37 violations", True),
        ("moment 1: ...\n37 violations", "moment 1: CZ\n30 violations", False),
        ("(1, 24)", "(1, 24)", True),
    ],
)
def test_what_is_shown_is_compared_to_its_last_digit(shown: str, printed: str, right: bool) -> None:
    assert (differs(shown, printed) is None) == right
