"""However a command ends, it ends in one line and with an exit code that says how."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

from noise_models import NoiseError
from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError


def python(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, check=False, **options
    )


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def describe(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("qucnn_cirq.devices.describe_devices", describe)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            RuntimeError("one\ntwo\x1b[2J\r" + 300 * "x" + "the end"),
            70,
            "RuntimeError: one two [2J",
        ),
        (RecursionError("maximum recursion depth exceeded"), 70, "RecursionError"),
        (AssertionError(), 70, "internal error: AssertionError; please report it"),
        (UnicodeEncodeError("ascii", "\u00e9", 0, 1, "no"), 70, "UnicodeEncodeError"),
        (BrokenPipeError(32, "Broken pipe"), 70, "BrokenPipeError"),
        (KeyError("a"), 70, "KeyError: 'a'"),
        (MemoryError(), 2, "error: not enough memory"),
        (InputError("a = 3" + 400 * " is" + " not allowed"), 2, "error: a = 3"),
        (NoiseError("a\nb"), 2, "error: a b"),
        (OSError(28, "No space left on device", "file"), 2, "file: No space left on device; free"),
        (OSError("odd"), 2, "error: odd"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_every_error_is_one_line_and_its_exit_code(error, code, words, monkeypatch, capsys):
    raising(monkeypatch, error)
    assert main(["devices"]) == code
    out, line = capsys.readouterr()
    assert out == "" and line.count("\n") == 1 and len(line) <= 201
    assert line.startswith("qucnn: ") and words in line and "\x1b" not in line
    assert ("--traceback" in line) == (code == 70)


def test_warnings_of_libraries_are_one_line(monkeypatch, capsys):
    shown = []

    def describe(*_: object, **__: object) -> list[object]:
        # What Python writes of a warning.
        shown.append(warnings.formatwarning("odd\nnumbers", RuntimeWarning, "library.py", 3))
        return []

    monkeypatch.setattr("qucnn_cirq.devices.describe_devices", describe)
    before = warnings.formatwarning
    main(["devices"])
    assert shown == ["qucnn: warning: RuntimeWarning: odd numbers\n"]
    assert warnings.formatwarning is before


def test_little_is_imported_before_an_interrupt_is_heard():
    """Before `main` runs, Ctrl-C ends in a traceback of Python's own."""
    code = (
        "import sys; before = set(sys.modules); import qucnn_cirq.cli; "
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = set(python(code).stdout.split())
    assert {name for name in loaded if name.startswith("qucnn_cirq")} == {
        "qucnn_cirq",
        "qucnn_cirq.cli",
        # One line: the word of an option.
        "qucnn_cirq.commands",
    }
    assert not {"argparse", "numpy", "cirq"} & loaded


def test_help_and_version_need_no_cirq():
    for option, words in (("--help", "usage: qucnn"), ("--version", "qucnn_cirq 0.")):
        code = (
            "import sys\nfrom qucnn_cirq.cli import main\n"
            f"try: main([{option!r}])\nexcept SystemExit: pass\nprint(*sys.modules)"
        )
        *text, modules = python(code).stdout.splitlines()
        assert words in text[0] and not {"cirq", "numpy"} & set(modules.split())


@pytest.mark.parametrize("module", ["argparse", "qucnn_cirq.commands.parser", "numpy"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_while_modules_are_imported_is_one_line(module, name):
    code = f"""
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{name})
signal.signal(signal.SIGINT, signal.default_int_handler)
from qucnn_cirq.cli import main
sys.modules.pop({module!r}, None)
sys.meta_path.insert(0, Finder())
raise SystemExit(main(["devices"]))
"""
    ended = python(code)
    assert (ended.returncode, ended.stderr) == (130, "qucnn: interrupted\n")


CLOSED = """
import os, sys
for number in {numbers}:
    os.close(number)
os.execv(sys.executable, [sys.executable, *{arguments}])
"""
# The verb without what it would describe, whose import takes seconds.
DEVICES = """
import sys, types
from qucnn_cirq.cli import main
sys.modules["qucnn_cirq.devices"] = module = types.ModuleType("devices")
def describe_devices():
    {body}
module.describe_devices = describe_devices
raise SystemExit(main(["devices"]))
"""
BAD_NAME = "from qucnn_cirq.errors import InputError; raise InputError({name!r} + ' is unknown.')"


@pytest.mark.parametrize("numbers", [(1,), (2,), (0, 1, 2)])
def test_streams_closed_before_the_start_are_no_error(numbers):
    ended = python(CLOSED.format(numbers=numbers, arguments=["-m", "qucnn_cirq", "--help"]))
    assert ended.returncode == 0 and ended.stderr == ""
    assert ("usage: qucnn" in ended.stdout) == (1 not in numbers)


@pytest.mark.parametrize("numbers", [(2,), (0, 1, 2)])
def test_an_error_is_told_to_nobody_and_by_its_code(numbers):
    code = DEVICES.format(body=BAD_NAME.format(name="x"))
    bad = python(CLOSED.format(numbers=numbers, arguments=["-c", code]))
    assert bad.returncode == 2 and bad.stdout == ""
    assert bad.stderr.count("\n") == (2 not in numbers)


def test_a_full_device_or_a_reader_that_left_is_told_in_one_line_or_none():
    command = [sys.executable, "-c", DEVICES.format(body="return []")]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("qucnn: error: No space left") and ended.stderr.count("\n") == 1
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_names_that_the_terminal_cannot_show_are_spelled_out():
    name = os.fsdecode("\u00e9".encode() + b"\xff")
    ended = subprocess.run(
        [sys.executable, "-c", DEVICES.format(body=BAD_NAME.format(name=name))],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert ended.returncode == 2
    assert b"\\xe9 is unknown" in ended.stderr
    assert ended.stderr.isascii() and ended.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("module", "error"),
    [
        (
            "noise_models.errors",
            "ImportError('libodd.so: failed to map segment from shared object')",
        ),
        ("noise_models.errors", "MemoryError()"),
        ("qucnn_cirq.commands.parser", "ImportError('cannot allocate memory in static TLS block')"),
        ("qucnn_cirq.commands.parser", "OSError(12, 'Cannot allocate memory')"),
    ],
)
def test_memory_that_runs_out_during_imports_is_one_line(module, error):
    """Telling what went wrong must not need the memory that is missing."""
    code = f"""
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise {error}
sys.meta_path.insert(0, Finder())
from qucnn_cirq.cli import main
raise SystemExit(main(["devices", "--traceback"]))
"""
    ended = python(code)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("qucnn: error: not enough memory: ask for fewer")


def test_what_fails_while_it_is_told_is_one_line():
    code = """
import sys
class Finder:
    def find_spec(self, name, *_):
        if name in ("argparse", "noise_models.errors"):
            raise ImportError("broken")
sys.modules.pop("argparse", None)
sys.meta_path.insert(0, Finder())
from qucnn_cirq.cli import main
raise SystemExit(main(["devices"]))
"""
    ended = python(code)
    assert ended.returncode == 70
    assert ended.stderr == "qucnn: internal error: ImportError; please report it\n"
