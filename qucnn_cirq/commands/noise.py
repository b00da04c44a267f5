"""`qucnn noise`: lists the noise that has a name, and writes and converts calibrations."""

from __future__ import annotations

import argparse

from qucnn_cirq.commands.output import print_json, print_table

HELP = "list the noise models that have a name, or convert calibrations"
DESCRIPTION = (
    HELP.capitalize() + ". Use one as in: qucnn study forward --set noise=NAME. With --export, "
    "write the calibration of a device to a file that you can change and use as "
    "--set noise.calibrated=FILE; with --convert, make such a file of what IBM publishes"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the verb."""
    task = parser.add_mutually_exclusive_group()
    task.add_argument(
        "--export",
        nargs=2,
        metavar=("DEVICE", "FILE"),
        help="write the calibration of a device (a name or a device file) to a .toml or .json file",
    )
    task.add_argument(
        "--convert",
        nargs=2,
        metavar=("PUBLISHED", "FILE"),
        help="write a calibration that IBM publishes (.csv, or properties as .json) to a .toml or "
        ".json file",
    )
    parser.add_argument(
        "--positions",
        metavar="FILE",
        help="with --convert: a .toml or .json file with [row, column] for each number, or 'rows' "
        "for heavy-hexagonal lattices that are numbered by rows; else qubits of a line",
    )
    parser.add_argument(
        "--device-file",
        metavar="FILE",
        help="with --convert and --positions: write the device itself as well, for --device",
    )


def run(options: argparse.Namespace) -> int:
    """Prints the names with what they mean, or writes a calibration."""
    from noise_models import named_noise, noise_names

    if options.export:
        return _export(*options.export)
    if options.convert:
        return _convert(options)
    _refuse_alone(options)
    if options.json:
        print_json(
            [
                {"name": name, "description": text, "noise": named_noise(name).to_mapping()}
                for name, text in noise_names().items()
            ]
            + [{"name": key, "description": text} for key, text in _kinds().items()]
        )
        return 0
    print_table(("noise", "what it is"), [*noise_names().items(), *_kinds().items()])
    return 0


def _export(name: str, file: str) -> int:
    from noise_models import write_calibration
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.errors import InputError

    calibration = load_device(name).calibration
    if calibration is None:
        raise InputError(f"device {name!r} has no calibration: qucnn devices lists those with.")
    write_calibration(calibration, file)
    print(file)
    return 0


def _convert(options: argparse.Namespace) -> int:
    from noise_models import read_vendor_calibration, write_calibration
    from noise_models.errors import note
    from qucnn_cirq.devices.writing import write_device

    published, file = options.convert
    calibration = read_vendor_calibration(published, options.positions)
    if options.device_file is not None:
        write_device(calibration, options.device_file)
        if calibration.preparation:
            note(f"{options.device_file} has no errors of preparation: {file} has.")
        print(options.device_file)
    write_calibration(calibration, file)
    print(file)
    return 0


def _refuse_alone(options: argparse.Namespace) -> None:
    from qucnn_cirq.errors import InputError

    for name in ("positions", "device_file"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name.replace('_', '-')} belongs to --convert: give that too.")


def _kinds() -> dict[str, str]:
    """The kinds of noise, each with what its docstring begins with."""
    from noise_models.configuration import NOISE_KINDS

    found = {}
    for key in NOISE_KINDS.names():
        # What an installed package offers is not imported before it is named.
        kind = NOISE_KINDS.get(key)
        found[f"[noise.{key}]"] = (
            "offered by an installed package"
            if kind is None
            else (kind.__doc__ or "").strip().partition("\n")[0]
        )
    return found
