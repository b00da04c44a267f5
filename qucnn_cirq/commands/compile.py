"""`qucnn compile`: compiles a convolution and writes one of its circuits."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qucnn_cirq.commands.inputs import patch_and_angles, read_array, read_specification
from qucnn_cirq.commands.output import print_json, print_table
from qucnn_cirq.errors import InputError

if TYPE_CHECKING:
    import cirq

    from qucnn_cirq.compiler.program import Program
    from qucnn_cirq.devices import Device
    from qucnn_cirq.specification import ConvolutionSpec

HELP = "compile a convolution for a device and write its circuit"
DESCRIPTION = (
    "Compile the table [convolution] of a TOML file for a device, and write the native circuit of "
    "one patch in Cirq's JSON. All patches share its structure."
)
_SEVERAL_PLACES = (
    "filters are in different places, which a configuration does not say: the file has the order "
    "alone, and --program keeps the places."
)
_IMAGES = 16
"""Digits that --by-error looks at unless images are given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("configuration", type=Path, metavar="CONFIG.toml", help="what to compile")
    parser.add_argument("--device", required=True, metavar="NAME", help="see qucnn devices")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the circuit: .qasm, .qasm3, .pb (Google's), else Cirq's JSON",
    )
    parser.add_argument(
        "--program",
        type=Path,
        metavar="FILE.json",
        help="the whole compiled program, for qucnn_cirq.compiler.program.Program.load",
    )
    parser.add_argument("--metrics", type=Path, metavar="FILE.json", help="what the circuit costs")
    parser.add_argument(
        "--patch",
        type=Path,
        metavar="FILE.npy",
        help="the patch that is loaded, in the kernel's shape; random values by default (--seed)",
    )
    parser.add_argument("--layout", default="auto", help="auto, plaquettes, ladder or routed")
    parser.add_argument(
        "--loader",
        default="auto",
        help="auto, symplectic, framed, native, line, schmidt, multiplexed, comparison, "
        "ring_comparison, or module:attribute",
    )
    parser.add_argument("--gate-set", metavar="NAME", help="cz, sqrt_iswap or syc")
    parser.add_argument("--walkers", type=int, default=1, help="ancillas of the ancilla test")
    parser.add_argument(
        "--infidelity",
        default="0",
        metavar="E",
        help="largest infidelity of a loaded patch, or auto",
    )
    parser.add_argument(
        "--noise", metavar="NAME", help="the noise that --infidelity auto and --by-error weigh"
    )
    parser.add_argument(
        "--by-error",
        type=Path,
        metavar="FILE.toml",
        help="look for the order of bits and the place with the smallest error of F under --noise, "
        "or the file's [noise], and write the configuration with both",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="FILE.npy",
        help="the images that --by-error looks at; 16 digits of the package by default",
    )
    parser.add_argument(
        "--load-filters",
        action="store_true",
        help="load what a filter's circuit prepares as a vector, on up to 4 qubits",
    )
    parser.add_argument(
        "--qubits",
        metavar="PLACEMENT",
        help="the only qubits that may be used, such as 2_1,2_2,2_3; or those of each register, "
        "such as 'data = 2_1 2_2, filter = 3_1 3_2'",
    )
    parser.add_argument(
        "--dynamical-decoupling", metavar="NAME", help="XX, YY or XY4 pulses on qubits that wait"
    )
    parser.add_argument(
        "--passes", action="store_true", help="print what each compiler pass left of the circuit"
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="prove the circuits for all patches, and print what was proved",
    )


def run(options: argparse.Namespace) -> int:
    """Compiles and writes."""
    from noise_models.writing import write_json
    from qucnn_cirq.compiler.compilation import better_overlap_test, compile_convolution
    from qucnn_cirq.compiler.pipeline import passes_text
    from qucnn_cirq.compiler.verification import check_own_code
    from qucnn_cirq.exchange.writing import write_circuit
    from qucnn_cirq.validation import errors_of, validate

    spec = read_specification(options.configuration)
    patch, angles = patch_and_angles(spec, options)
    settings: dict[str, Any] = dict(
        layout=options.layout,
        loader=options.loader,
        gate_set=options.gate_set,
        walkers=options.walkers,
        infidelity=_infidelity(options.infidelity),
        noise=options.noise,
        dynamical_decoupling=options.dynamical_decoupling,
        load_filters=options.load_filters,
        placement=options.qubits,
    )
    found: dict[str, Any] = {}
    if options.by_error is None:
        if options.images is not None:
            raise InputError("--images has no effect without --by-error: leave it out.")
        program = compile_convolution(spec, options.device, prove=options.prove, **settings)
    else:
        program, found = _by_error(spec, options, settings)
    check_own_code(program)
    circuit = program.circuit(patch, angles)
    variant = program.variant(patch)
    valid = not errors_of(validate(circuit, program.device))
    measured = program.spec.measurement
    how = {"overlap": program.spec.overlap} if measured is None else {"measurement": measured.kind}
    metrics = variant.report.to_mapping() | how | {"valid": valid}
    for name in ("layout", "loader", "predicted_error"):
        del metrics[name]
    metrics |= found
    metrics["compile_seconds"] = metrics.pop("compile_seconds")  # Last.
    proof = program.proof if options.prove else None
    if proof is not None:
        metrics["proof"] = asdict(proof)
    _check_written(circuit, options.out, program.device)
    write_circuit(circuit, options.out)
    if options.program is not None:
        program.save(options.program)
    if options.by_error is not None:
        _write_found(program, options)
    if options.metrics is not None:
        write_json(options.metrics, metrics)
    if options.json:
        passes = {"passes": [asdict(record) for record in variant.passes]}
        print_json(metrics | (passes if options.passes else {}))
    elif not options.quiet:
        shown = metrics if proof is None else metrics | {"proof": str(proof)}
        print_table(("what", "value"), list(shown.items()))
        if options.passes:
            print(f"\n{passes_text(variant.passes)}")
        if variant.report.warning is not None:
            print(f"warning: {variant.report.warning}", file=sys.stderr)
        if options.by_error is not None and "placement" not in found:
            print(f"note: {_SEVERAL_PLACES}", file=sys.stderr)
        hint = better_overlap_test(program, **settings)
        if hint is not None:
            print(f"note: {hint}", file=sys.stderr)
    return 0 if metrics["valid"] else 1


def _by_error(
    spec: ConvolutionSpec, options: argparse.Namespace, settings: dict[str, Any]
) -> tuple[Program, dict[str, Any]]:
    """The program of smallest error; its place, the errors of it and of the usual one, the time.

    Of the settings the noise is changed to what the compiler takes.
    """
    from qucnn_cirq.budget import compile_by_error, error_budget
    from qucnn_cirq.compiler.compilation import compile_convolution
    from qucnn_cirq.datasets import load_mnist
    from qucnn_cirq.documents import read_document

    noise = options.noise or read_document(options.configuration).get("noise")
    if not noise:
        raise InputError("--by-error weighs errors under a noise: give --noise, or [noise].")
    if options.qubits is not None:
        raise InputError("--by-error looks for the place itself: leave --qubits out.")
    settings["noise"] = noise if settings["infidelity"] == "auto" else None
    given = options.images is not None
    images = read_array(options.images, "images") if given else load_mnist("train", _IMAGES).images
    started = time.perf_counter()
    usual = compile_convolution(spec, options.device, **settings)
    others = {key: value for key, value in settings.items() if key not in ("noise", "placement")}
    best = compile_by_error(spec, options.device, noise=noise, images=images, **others)
    place = _placement(best)
    found: dict[str, Any] = {} if place is None else {"placement": place}
    for name, program in (("rms_error", best), ("rms_error_as_compiled", usual)):
        found[name] = error_budget(program, noise, images).rms
    return best, {**found, "search_seconds": time.perf_counter() - started}


def _placement(program: Program) -> str | None:
    """Where all circuits of a program are; None if those of different filters are apart."""
    from qucnn_cirq.compiler.pinning import placement_text, roles_of

    places = {placement_text(roles_of(each.template)) for each in program.filters}
    return places.pop() if len(places) == 1 else None


def _write_found(program: Program, options: argparse.Namespace) -> None:
    """Writes the configuration that was read, with the order and, for a study, the place found."""
    from noise_models.tables import write_document
    from noise_models.writing import write_text
    from qucnn_cirq.documents import read_document

    document = read_document(options.configuration)
    document |= {"convolution": program.spec.to_mapping()}
    place = _placement(program)
    if "study" in document and place is not None:
        document["study"] |= {"device": options.device, "placement": place}
    write_text(options.by_error, write_document(document))


def _check_written(circuit: cirq.AbstractCircuit, path: Path, device: Device) -> None:
    """Makes sure that a file will hold the circuit that was validated, by reading it back.

    Raises:
        InputError: If its format has no words for the device's gates.
    """
    import cirq

    from qucnn_cirq.compiler.passes import two_qubit_gates
    from qucnn_cirq.exchange.reading import parsed_moments
    from qucnn_cirq.exchange.writing import WRITERS, write_circuit
    from qucnn_cirq.validation import errors_of, validate

    if path.suffix not in WRITERS or path.suffix == ".json":
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"circuit{path.suffix}"
        write_circuit(circuit, copy)
        moments = parsed_moments(copy)
    held = cirq.Circuit(map(cirq.Moment, moments))
    if errors_of(validate(moments, device)) or two_qubit_gates(held) != two_qubit_gates(circuit):
        raise InputError(
            f"--out {path}: {path.suffix} cannot hold the native gates of {device.name}, others "
            "would be written: name a file that ends in .json or .pb."
        )


def _infidelity(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
