"""Circuits of no study, written for whoever runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cirq

from noise_models.checks import whole_number
from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError, shown
from studies.elsewhere.counts import collected
from studies.elsewhere.job_folder import Jobs, check_folder, lacking_circuits, write_jobs
from studies.elsewhere.manifest import MOST_SHOTS, JobProgram, Manifest, NamedCircuit, name_of
from studies.elsewhere.programs import Packed, check_form
from studies.provenance import provenance


def jobs_of(
    circuits: Mapping[str, cirq.AbstractCircuit],
    shots: int | Mapping[str, int],
    out: str | Path,
    device: DeviceLike,
    *,
    form: str = "cirq",
) -> Jobs:
    """Writes circuits of no study, such as for a calibration, to be run elsewhere.

    `studies.collect` gives their counts, by the names that they have here.

    Args:
        circuits: Native circuits by name, each with one measurement at its end.
        shots: Shots of each: one number, or by name.
        out: The folder of the jobs.
        device: What they are validated against.
        form: As for `studies.jobs`.

    Returns:
        The jobs.

    Raises:
        InputError: If a device cannot run a circuit, or the folder holds something else.
        OSError: If writing fails.
    """
    check_form(form)
    folder, target = Path(out), load_device(device)
    check_folder(folder)
    if not circuits:
        raise InputError("there are no circuits to hand out.")
    named, programs = [], []
    for name, circuit in circuits.items():
        number = shots if isinstance(shots, int) else shots.get(name)
        own = _plain_circuit(name, circuit, target)
        count = whole_number(f"shots of {name}", number, 1, MOST_SHOTS)
        (measured,) = own.register
        program = replace(own.program, shots=count)
        programs.append(replace(own, program=program))
        text = str(cirq.to_json(own.made(), indent=None))
        named.append(NamedCircuit(name, program.id, tuple(map(str, measured)), count, text))
    bare = Manifest("", form, "", (), (), (), (), provenance(), tuple(named))
    manifest = write_jobs(folder, bare, programs)
    missing = lacking_circuits(manifest, collected(folder, manifest))
    return Jobs(folder, manifest, 1, tuple(missing), bool(missing))


def _plain_circuit(name: str, circuit: cirq.AbstractCircuit, device: Device) -> Packed:
    """A circuit of no study, measured under a name of its own; its program has no shots yet."""
    if not isinstance(circuit, cirq.AbstractCircuit):
        raise InputError(f"circuit {shown(name, 40)} is a {type(circuit).__name__}: give Cirq's.")
    found = [op for op in circuit.all_operations() if cirq.is_measurement(op)]
    gate = found[0].gate if len(found) == 1 else None
    if not isinstance(gate, cirq.MeasurementGate) or not circuit.are_all_measurements_terminal():
        raise InputError(f"circuit {shown(name, 40)} does not end with one measurement.")
    if any(gate.invert_mask) or gate.confusion_map:
        raise InputError(f"circuit {shown(name, 40)} changes what it measures: leave masks out.")
    key = name_of("c", device.name, name, cirq.to_json(circuit, indent=None))
    qubits = found[0].qubits
    program = JobProgram(key, (key,), (len(qubits),), 0, ())
    renamed: cirq.Circuit = cirq.with_measurement_key_mapping(
        circuit.unfreeze(), {cirq.measurement_key_name(found[0]): key}
    )
    return Packed(program, device, (qubits,), lambda: renamed)
