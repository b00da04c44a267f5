"""A function from circuits to expectation values, which Mitiq and other tools can call.

Mitiq's methods take an executor, a function of a circuit that returns a number, and hand it
circuits that they folded or put Paulis into. Nothing here imports Mitiq.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseLike, as_noise
from noise_models.checks import LARGEST_SEED, whole_number
from qucnn_cirq.arrays import real_array
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.engines import Engine, Streams, make_engine
from qucnn_cirq.errors import InputError, shown

FloatArray = NDArray[np.float64]
Value = Observable | Mapping[str, float] | Callable[[str], float] | None


def executor(
    value: Value = None,
    noise: NoiseLike = None,
    engine: str | Engine | cirq.Sampler = "exact",
    shots: int | None = None,
    seed: int = 0,
) -> Callable[[cirq.Circuit], float]:
    """Makes a function that runs a measured Cirq circuit and returns an expectation value.

    The function has the annotations that Mitiq looks at. Calls with shots differ from each other
    and are the same in the same order.

    Args:
        value: What an outcome counts as: an observable on measured qubits; a mapping from bits in
            the order of measurement, as "010", where those that are left out count 0; a function
            of such bits; or None for the product of signs, (-1)^(sum of the bits).
        noise: The noise under which it runs.
        engine: What runs it; see `qucnn_cirq.engines.make_engine`.
        shots: Shots of each call; None for the exact mean.
        seed: Seed of all shots.

    Raises:
        InputError: If an argument is outside its range, or noise or engine are not understood.
    """
    own_noise, own_engine = as_noise(noise), make_engine(engine)
    number = None if shots is None else whole_number("shots", shots, minimum=1)
    seed = whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED)
    if not (value is None or isinstance(value, (Observable, Mapping)) or callable(value)):
        raise InputError(
            f"value = {shown(value)} is not allowed: give None, an observable, a mapping from bits "
            "to numbers, or a function of bits."
        )
    calls = 0

    def execute(circuit: cirq.Circuit) -> float:
        nonlocal calls
        template = _template(circuit)
        weights = _weights(template.observable, value)
        tables = {"patch": np.zeros((1, 0)), "filter": np.zeros((1, 0))}
        if number is None:
            chances = own_engine.distribution(template, own_noise, tables)[0, 0]
        else:
            streams = Streams(seed, (0,), np.arange(1), calls)
            counts = own_engine.outcome_counts(template, own_noise, tables, number, streams)
            chances = counts[0, 0] / number
            calls += 1
        return float(weights @ chances)

    # Mitiq reads them as types, not as the text that postponed annotations are.
    execute.__annotations__ = {"circuit": cirq.Circuit, "return": float}
    return execute


def _template(circuit: cirq.Circuit) -> Template:
    """The circuit with one measurement of all its measured qubits, last."""
    if not isinstance(circuit, cirq.AbstractCircuit):
        raise InputError(f"an executor takes a cirq.Circuit, not a {type(circuit).__name__}.")
    if not circuit.has_measurements():
        raise InputError("the circuit measures nothing: add cirq.measure at its end.")
    if not circuit.are_all_measurements_terminal():
        raise InputError("a measurement is not the last operation on its qubit: measure last.")
    if cirq.is_parameterized(circuit):
        names = ", ".join(sorted(cirq.parameter_names(circuit)))
        raise InputError(f"{names} has no value: resolve the circuit's parameters first.")
    if any(cirq.control_keys(operation) for operation in circuit.all_operations()):
        raise InputError("an operation is controlled by a measurement: give a circuit without.")
    flat = cirq.Circuit(
        cirq.Moment(op for op in moment if not cirq.is_measurement(op)) for moment in circuit
    )
    measured: list[cirq.Qid] = []
    inverted: list[bool] = []
    for operation in circuit.all_operations():
        if cirq.is_measurement(operation):
            gate = operation.gate
            if not isinstance(gate, cirq.MeasurementGate):
                raise InputError(f"{operation} is no cirq.measure: measure qubits by that.")
            measured += operation.qubits
            inverted += gate.full_invert_mask()
    # What is inverted after reading is inverted in the values of the outcomes.
    groups = tuple(
        ((qubit,), (-1.0, 1.0) if flipped else (1.0, -1.0))
        for qubit, flipped in zip(measured, inverted, strict=True)
    )
    whole = flat + cirq.Moment(cirq.measure(*measured, key=MEASUREMENT_KEY))
    qubits = tuple(sorted(whole.all_qubits()))
    return Template(whole.freeze(), Observable(groups, -1.0), qubits, ())


def _weights(signs: Observable, value: Value) -> FloatArray:
    """What each outcome counts as, shape (outcomes,)."""
    if value is None:
        return signs.table
    flips = np.array([table[0] < 0 for _, table in signs.groups], dtype=int)
    bits = np.array(list(np.ndindex(*(2,) * len(flips)))) ^ flips
    if isinstance(value, Observable):
        missing = [str(qubit) for qubit in value.qubits if qubit not in signs.qubits]
        if missing:
            raise InputError(f"the circuit does not measure {', '.join(missing)}.")
        return value.values(bits[:, [signs.qubits.index(qubit) for qubit in value.qubits]])
    texts = ["".join(map(str, row)) for row in bits]
    if isinstance(value, Mapping):
        unknown = [key for key in value if key not in texts]
        if unknown:
            raise InputError(
                f"value has the key {unknown[0]!r}, which is no outcome of {len(flips)} bits."
            )
        values = [value.get(text, 0.0) for text in texts]
    else:
        values = [value(text) for text in texts]
    found = real_array("value", values)
    if found.shape != (len(texts),):
        raise InputError(f"value gives {shown(values[0])} for {texts[0]!r}: give a number.")
    if not np.isfinite(found).all():
        raise InputError("an outcome counts as NaN or infinite: give finite numbers.")
    return found
