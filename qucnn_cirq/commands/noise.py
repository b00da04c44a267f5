"""`qucnn noise`: lists the noise that has a name."""

from __future__ import annotations

import argparse

from qucnn_cirq.commands.output import print_json, print_table

HELP = "list the noise models that have a name"
DESCRIPTION = HELP.capitalize() + ". Use one as in: qucnn study forward --set noise=NAME"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: the verb has no arguments of its own."""


def run(options: argparse.Namespace) -> int:
    """Prints the names with what they mean."""
    from noise_models import named_noise, noise_names

    if options.json:
        print_json(
            [
                {"name": name, "description": text, "noise": named_noise(name).to_mapping()}
                for name, text in noise_names().items()
            ]
        )
        return 0
    print_table(("noise", "what it is"), list(noise_names().items()))
    return 0
