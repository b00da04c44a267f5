"""Scripts by which shells complete the command line, in these shells."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from qucnn_cirq.cli import main
from qucnn_cirq.commands.parser import VERBS, build_parser
from qucnn_cirq.devices import device_names
from studies.commands.completion import SHELLS, _arguments, _completion
from studies.preset_files import presets

CASES = {
    "qucnn stat": {"status"},
    "qucnn study n": {"noise"},
    "qucnn study own": {"own.toml"},
    "qucnn study noise --set prec": {"precision"},
    "qucnn study training --set orig": {"originals"},
    "qucnn study loading --set convolution.ov": {"convolution.overlap"},
    "qucnn compile own.toml --device wil": {"willow_pink"},
    "qucnn compile own.toml --gate-set sq": {"sqrt_iswap"},
    "qucnn status res": {"results"},
    "qucnn plot results --band e": {"error"},
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script of each shell, a configuration and a folder of results."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "results").mkdir()
    (folder / "own.toml").touch()
    for shell in SHELLS:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert main(["completion", shell]) == 0
        (folder / f"_{shell}").write_text(printed.getvalue())
    return folder


def needed(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def test_bash_completes(scripts: Path) -> None:
    needed("bash")
    lines = ["source ./_bash"]
    for typed in CASES:
        words = " ".join(f"'{word}'" for word in typed.split(" "))
        lines += [
            f"COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()",
            '_shtab_qucnn qucnn "${COMP_WORDS[$COMP_CWORD]}"; echo "${COMPREPLY[*]}"',
        ]
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(lines)], cwd=scripts, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert [set(line.split()) for line in done.stdout.splitlines()] == list(CASES.values())


def test_bash_completes_without_a_beginning(scripts: Path) -> None:
    needed("bash")
    for typed, wanted in (
        ("qucnn", set(VERBS)),
        ("qucnn study", {*presets(), "own.toml", "results", *(f"_{shell}" for shell in SHELLS)}),
        ("qucnn completion", set(SHELLS)),
        ("qucnn noise --export", set(device_names())),
    ):
        words = [*typed.split(), ""]
        program = (
            f"source ./_bash; COMP_WORDS=({' '.join(map(repr, words))}); "
            f"COMP_CWORD={len(words) - 1}; _shtab_qucnn qucnn ''; echo ${{COMPREPLY[*]}}"
        )
        done = subprocess.run(
            ["bash", "--norc", "-c", program], cwd=scripts, capture_output=True, text=True
        )
        assert wanted <= set(done.stdout.split()), (typed, done.stdout, done.stderr)


def test_fish_completes(scripts: Path) -> None:
    needed("fish")
    lines = ["source ./_fish"]
    lines += [f"echo (complete -C '{typed}' | string replace -r '\\t.*' '')" for typed in CASES]
    done = subprocess.run(
        ["fish", "--no-config", "-c", "\n".join(lines)],
        cwd=scripts,
        capture_output=True,
        text=True,
    )
    found = [
        set(line.replace("=", "").replace("/", "").split()) for line in done.stdout.splitlines()
    ]
    assert found == list(CASES.values()), done.stderr


def test_zsh_completes(scripts: Path) -> None:
    needed("zsh")
    functions = scripts / "zsh"
    functions.mkdir(exist_ok=True)
    shutil.copy(scripts / "_zsh", functions / "_qucnn")
    for typed in list(CASES)[:4]:
        (wanted,) = CASES[typed]
        shown = typed_in_zsh(scripts, typed)
        assert f"{typed.rpartition(' ')[0]} {wanted}" in shown, (typed, shown)


def typed_in_zsh(folder: Path, typed: str) -> str:
    """What stands on the line of a terminal after a tab."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.environ["TERM"] = "dumb"
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        start = "fpath+=./zsh; autoload -U compinit; compinit -u -D; echo rea''dy\n"
        os.write(terminal, start.encode())
        _read_until(terminal, "ready")
        os.write(terminal, f"{typed}\t".encode())
        longer = typed + "."
        return _read_until(terminal, longer.replace(".", "[a-z_=.]+ ?"))
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def _read_until(terminal: int, pattern: str, seconds: float = 20.0) -> str:
    text, end = "", time.monotonic() + seconds
    quiet_since = None
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            text += os.read(terminal, 65536).decode(errors="replace")
            quiet_since = None
        elif re.search(pattern, text):
            if quiet_since is not None:
                break
            quiet_since = time.monotonic()
    return text


def test_tcsh_reads_its_script(scripts: Path) -> None:
    needed("tcsh")
    done = subprocess.run(
        ["tcsh", "-f", "-c", "source ./_tcsh"], cwd=scripts, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_argument_that_is_a_name_or_a_file_is_completed() -> None:
    free = {
        "ADDRESS",
        "I/N",
        "N",
        "E",
        "PLACEMENT",
        "COLUMN",
        "COLUMN=VALUE",
        "TEXT",
        "NAME",
        "KEY",
    }
    for verb, action in _arguments(build_parser()):
        told = action.nargs == 0 or action.choices or action.type is int or action.metavar in free
        assert told or isinstance(_completion(action), dict), (verb, action)


def test_the_script_comes_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh", "--json"]) == 0
    assert '"shell": "tcsh"' in capsys.readouterr().out
