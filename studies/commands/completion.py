"""`qucnn completion`: a script by which a shell completes the command line."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qucnn_cirq.commands.output import print_json

HELP = "print a script that completes verbs, options, studies, keys and devices in a shell"
DESCRIPTION = """\
Print a script by which a shell completes verbs, options, studies, their keys behind --set, devices,
noises and files. Write it where the shell looks for it:

  qucnn completion bash > ~/.local/share/bash-completion/completions/qucnn
  qucnn completion zsh > ~/.zfunc/_qucnn          # with fpath+=~/.zfunc before compinit
  qucnn completion fish > ~/.config/fish/completions/qucnn.fish
  qucnn completion tcsh > ~/.qucnn.csh            # with source ~/.qucnn.csh in ~/.cshrc

Print it again when studies or devices were added. Names of your own are not in it.
"""
SHELLS = ("bash", "zsh", "fish", "tcsh")

Completion = dict[str, Any]
"""What completes an argument, by shell, as the attribute `complete` of an action has it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(options: argparse.Namespace) -> int:
    """Prints the script."""
    import shtab

    from qucnn_cirq.commands.parser import build_parser

    parser = build_parser()
    for _, action in _arguments(parser):
        found = _completion(action)
        if found is not None:
            action.complete = found  # type: ignore[attr-defined]
    script = shtab.complete(parser, options.shell)
    if options.json:
        print_json({"shell": options.shell, "script": script})
    else:
        print(script)
    return 0


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Every argument of every verb, with the verb's name."""
    for verbs in parser._actions:
        if isinstance(verbs, argparse._SubParsersAction):
            for verb, own in verbs.choices.items():
                yield from ((verb, action) for action in own._actions)


def _completion(action: argparse.Action) -> Completion | None:
    """What completes an argument; None for what the parser itself tells, and for numbers."""
    from noise_models.presets import noise_names
    from qucnn_cirq.circuits.loaders import LOADERS
    from qucnn_cirq.compiler.decoupling import SEQUENCES
    from qucnn_cirq.compiler.gate_sets import GATE_SETS
    from qucnn_cirq.compiler.layouts import LAYOUTS
    from qucnn_cirq.compiler.request import ROUTED
    from qucnn_cirq.devices import device_names
    from studies.preset_files import presets

    named: Mapping[str, tuple[str, Sequence[str], bool]] = {
        "device": ("devices", device_names(), True),
        "name": ("devices", device_names(), True),
        "export": ("devices", device_names(), True),
        "noise": ("noises", tuple(noise_names()), True),
        "gate_set": ("gate_sets", tuple(GATE_SETS), False),
        "layout": ("layouts", ("auto", *LAYOUTS, ROUTED), False),
        "loader": ("loaders", ("auto", *LOADERS), False),
        "dynamical_decoupling": ("decoupling", tuple(SEQUENCES), False),
    }
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if metavar == "KEY=VALUE":
        return _keys()
    if metavar.startswith("NAME|"):
        return _words("studies", presets(), or_files=True)
    if action.dest in named:
        return _words(*named[action.dest])
    if isinstance(action.metavar, tuple) and action.dest not in named:
        import shtab

        return dict(shtab.FILE)
    if metavar == "DIR":
        import shtab

        return dict(shtab.DIRECTORY)
    if metavar.partition(".")[0] in ("FILE", "CONFIG", "CIRCUIT", "CIRCUIT|CONFIG", "FILE:ATTR"):
        import shtab

        return dict(shtab.FILE)
    return None


def _words(name: str, words: Sequence[str], or_files: bool) -> Completion:
    """Completes by words, or by files as well."""
    function, listed = f"_qucnn_{name}", " ".join(words)
    files = {
        "bash": "  compgen -f -- $1\n" if or_files else "",
        "zsh": " 'files:file:_files'" if or_files else "",
        "fish": "  __fish_complete_path (commandline -ct)\n" if or_files else "",
    }
    return {
        "bash": function,
        "zsh": function,
        "fish": f"({function})",
        "tcsh": f"({listed})",
        "preamble": {
            "bash": f'{function}() {{\n  compgen -W "{listed}" -- $1\n{files["bash"]}}}',
            "zsh": f"{function}() {{\n  _alternative '{name}:{name}:({listed})'{files['zsh']}\n}}",
            "fish": f"function {function}\n  printf '%s\\n' {listed}\n{files['fish']}end",
        },
    }


def _keys() -> Completion:
    """Completes by the keys of the study that stands on the line, or of all of them."""
    keys = _keys_of_studies()
    every = " ".join(dict.fromkeys(key for own in keys.values() for key in own))
    listed = {name: " ".join(own) for name, own in keys.items()}
    bash = "\n".join(
        f'    {name}) compgen -W "{own}" -- $1; return ;;' for name, own in listed.items()
    )
    zsh = "\n".join(f"    {name}) keys=({own}) ;;" for name, own in listed.items())
    fish = "\n".join(
        f"      case {name}\n        printf '%s=\\n' {own}\n        return"
        for name, own in listed.items()
    )
    return {
        "bash": "_qucnn_keys",
        "zsh": "_qucnn_keys",
        "fish": "(_qucnn_keys)",
        "tcsh": f"({every})",
        "preamble": {
            "bash": textwrap.dedent("""\
                _qucnn_keys() {{
                  local word
                  for word in "${{COMP_WORDS[@]}}"; do case $word in
                {}
                  esac; done
                  compgen -W "{}" -- $1
                }}""").format(bash, every),
            "zsh": textwrap.dedent("""\
                _qucnn_keys() {{
                  local word
                  local -a keys=({})
                  for word in $words; do case $word in
                {}
                  esac; done
                  compadd -S '=' -- $keys
                }}""").format(every, zsh),
            "fish": textwrap.dedent("""\
                function _qucnn_keys
                  for word in (commandline -opc)
                    switch $word
                {}
                    end
                  end
                  printf '%s=\\n' {}
                end""").format(fish, every),
        },
    }


def _keys_of_studies() -> dict[str, list[str]]:
    """What ``--set`` takes, by preset; what is the same for all comes last."""
    from noise_models.configuration import NoiseConfiguration
    from noise_models.fields import field_names
    from qucnn_cirq.specification import ConvolutionSpec
    from studies.preset_files import presets
    from studies.sweep.catalogue import load_study
    from studies.sweep.described import settings_of

    common = [
        "noise",
        *(f"convolution.{name}" for name in field_names(ConvolutionSpec)),
        *(f"noise.{name}" for name in field_names(NoiseConfiguration)),
    ]
    return {
        name: [*(setting.key for setting in settings_of(load_study(name)[0])), *common]
        for name in presets()
    }
