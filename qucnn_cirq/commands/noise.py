"""`qucnn noise`: lists the noise that has a name, and writes calibrations to files."""

from __future__ import annotations

import argparse

from qucnn_cirq.commands.output import print_json, print_table

HELP = "list the noise models that have a name"
DESCRIPTION = (
    HELP.capitalize() + ". Use one as in: qucnn study forward --set noise=NAME. With --export, "
    "write the calibration of a device to a file that you can change and use as "
    "--set noise.calibrated=FILE"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the verb."""
    parser.add_argument(
        "--export",
        nargs=2,
        metavar=("DEVICE", "FILE"),
        help="write the calibration of a device (a name or a device file) to a .toml or .json file",
    )


def run(options: argparse.Namespace) -> int:
    """Prints the names with what they mean, or writes a calibration."""
    from noise_models import named_noise, noise_names, write_calibration
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.errors import InputError

    if options.export:
        name, file = options.export
        calibration = load_device(name).calibration
        if calibration is None:
            raise InputError(f"device {name!r} has no calibration: qucnn devices lists those with.")
        write_calibration(calibration, file)
        print(file)
        return 0
    if options.json:
        print_json(
            [
                {"name": name, "description": text, "noise": named_noise(name).to_mapping()}
                for name, text in noise_names().items()
            ]
            + [{"name": key, "description": text} for key, text in _own_kinds().items()]
        )
        return 0
    print_table(("noise", "what it is"), [*noise_names().items(), *_own_kinds().items()])
    return 0


def _own_kinds() -> dict[str, str]:
    """Kinds of noise that were added to the package's, each with what its docstring begins with."""
    from noise_models.configuration import NOISE_KINDS
    from noise_models.extensions import source_digest

    found = {}
    for key in NOISE_KINDS.names():
        # What an installed package offers is not imported before it is named.
        kind = NOISE_KINDS.get(key)
        if kind is None:
            found[f"[noise.{key}]"] = "offered by an installed package"
        elif source_digest(kind) is not None:
            found[f"[noise.{key}]"] = (kind.__doc__ or "").strip().partition("\n")[0]
    return found
