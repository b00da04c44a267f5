"""Damaged noise, calibrations and device files: something valid, or one short line."""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest

from noise_models import NoiseConfiguration, NoiseError, NoiseNote, as_noise
from noise_models.tables import write_document
from qucnn_cirq import InputError, load_device
from qucnn_cirq.devices.definitions import device_from_mapping

NOISE: dict[str, Any] = {
    "scale": 0.5,
    "scales": {"gate": 1.0, "idle": 2.0, "readout": 0.5},
    "coherent": {"angle": 0.02},
    "idle": 0.0002,
    "thermal": {"t1": 70.0, "t2": 50.0, "one_qubit": 25.0, "two_qubit": 42.0},
    "depolarizing": {
        "p1": 0.001,
        "p2": 0.005,
        "qubits": {"0,0": 0.1},
        "couplers": {"0,0:0,1": 0.1},
    },
    "readout": {"p01": 0.01, "p10": 0.03, "qubits": {"0,0": {"p01": 0.02}, "0,1": [0.1, 0.2]}},
    "correlated_readout": {"both": 0.002, "couplers": {"0,0:0,1": 0.01}},
    "crosstalk": {"p": 0.01, "couplers": {"0,0:0,1": {"p": 0.1, "angle": 0.2}}},
    "preparation": {"p": 0.01, "qubits": {"0,0": 0.1}},
    "calibrated": {"qubits": {"0,0": {}, "0,1": {}}, "couplers": {"0,0:0,1": {"cz": 0.01}}},
}
CALIBRATION: dict[str, Any] = {
    "name": "lab",
    "durations": {"one_qubit": 25.0, "measurement": "500 ns", "cz": 40.0, "sqrt_iswap": 30.0},
    "qubits": {
        "default": {"t1": 40.0, "t2": 30.0, "one_qubit": 0.001, "p01": 0.01, "p10": 0.02},
        "0,0": {"p10": 0.05, "t2": 100.0},
        "0,1": {},
    },
    "couplers": {"0,0:0,1": {"cz": 0.004, "sqrt_iswap": {"error": 0.01, "phi": 0.1}}},
}
DEVICE: dict[str, Any] = {
    "name": "lab",
    "qubits": [[0, 0], [0, 1], [1, 0]],
    "couplers": [[[0, 0], [0, 1]], [[0, 0], [1, 0]]],
    "gates": ["cz", "syc"],
    "measures_apart": True,
    "durations": {"one_qubit": 20, "two_qubit": 40, "measurement": 500},
    "errors": {
        "one_qubit": 0.001,
        "two_qubit": {"default": 0.01, "0,0:0,1": 0.02},
        "readout": {"default": 0.02, "0,0": [0.1, 0.2]},
        "t1": 30,
        "t2": {"default": 20, "0,1": 5},
    },
}
ODD: list[Any] = [
    *(
        None,
        True,
        "",
        "x",
        "x" * 3000,
        "0,0",
        "0.5",
        "1 us",
        "nan",
        "\n\n",
        "\x00",
        "9" * 5000 + " us",
    ),
    *(0, -1, 1, 7, 10**400, -(10**5000), 0.0, -0.5, 1e-320, 1e308, math.nan, math.inf, -math.inf),
    *([], {}, [[]], [0, 0], [1.5, "x"], {"a": {}}, {"": 1}, {"default": None}, {"0,0": math.nan}),
    *([0] * 500, {f"k{i}": i for i in range(300)}, {"x" * 3000: 1}, [["0", "1"]] * 3),
]
PYTHON_ONLY: list[Any] = [
    1j,
    b"x",
    {1, 2},
    object(),
    np.float64(0.1),
    np.array([1.0]),
    cirq.X,
    (0, 1),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something may be damaged."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


def damaged(valid: dict[str, Any], random: np.random.Generator, odd: list[Any]) -> Any:
    """A table with one to three of its entries deleted, replaced or joined by others."""
    mapping = copy.deepcopy(valid)
    for _ in range(int(random.integers(1, 4))):
        every = places(mapping)[1:]
        if not every:
            break
        *path, last = every[random.integers(len(every))]
        parent = mapping
        for key in path:
            parent = parent[key]
        value = odd[random.integers(len(odd))]
        act = random.integers(4)
        if act == 0:
            del parent[last]
        elif act == 1 and isinstance(parent, dict):
            names = [
                "x",
                "0,9",
                "0,0:0,9",
                "T1",
                "frequency",
                "p1",
                "",
                "a" * 500,
                "a.b",
                "default",
            ]
            parent[names[random.integers(len(names))]] = copy.deepcopy(value)
        else:
            parent[last] = copy.deepcopy(value)
    return mapping


def survives(make: Callable[[], object]) -> bool:
    """Whether something is made; a refusal must be one line of at most 200 characters."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", NoiseNote)
        try:
            make()
        except (NoiseError, InputError) as refusal:
            line = str(refusal)
            assert "\n" not in line and 0 < len(line) <= 200, (len(line), line)
            return False
    return True


def used(mapping: Any) -> None:
    """Noise that is made, and put into a circuit."""
    noise = as_noise(mapping)
    assert isinstance(noise.configuration, NoiseConfiguration)
    assert NoiseConfiguration.from_mapping(noise.configuration.to_mapping()) == noise.configuration
    first, second = cirq.GridQubit.rect(1, 2)
    noise.noisy_circuit(
        cirq.Circuit(cirq.X(first), cirq.CZ(first, second), cirq.measure(first, second))
    )


def own_calibration(mapping: Any) -> None:
    used({"calibrated": mapping})


def device(mapping: Any) -> None:
    loaded = device_from_mapping(mapping)
    for qubit in loaded.graph:
        assert 0 <= loaded.readout_error(qubit) <= 1 and 0 <= loaded.decay_error(qubit, 3, 4) <= 1
    assert loaded.duration_ratio("cz") > 0


@pytest.mark.parametrize(
    ("valid", "make"),
    [(NOISE, used), (CALIBRATION, own_calibration), (DEVICE, device)],
    ids=["noise", "calibration", "device"],
)
def test_damaged_tables_are_valid_or_refused_in_one_line(
    valid: dict[str, Any], make: Callable[[Any], object]
) -> None:
    random = np.random.default_rng(18)
    made = 0
    for _ in range(400):
        mapping = damaged(valid, random, ODD + PYTHON_ONLY)
        made += survives(lambda mapping=mapping: make(mapping))
    assert 0 < made < 400


@pytest.mark.parametrize(
    ("table", "valid"), [("noise", NOISE), ("calibration", CALIBRATION), ("device", DEVICE)]
)
def test_damaged_files_are_valid_or_refused_in_one_line(
    table: str, valid: dict[str, Any], tmp_path: Path
) -> None:
    random = np.random.default_rng(19)
    load: Callable[[str], object] = load_device if table == "device" else as_noise
    for number in range(150):
        mapping = {table: damaged(valid, random, [odd for odd in ODD if odd is not None])}
        suffix = ".toml" if table == "device" or number % 2 else ".json"
        try:
            text = write_document(mapping) if suffix == ".toml" else json.dumps(mapping)
        except (ValueError, TypeError):
            continue
        content = bytearray(text.encode())
        if number % 3 == 0:
            del content[random.integers(len(content)) :]
        elif number % 3 == 1:
            for _ in range(4):
                content[random.integers(len(content))] = random.integers(256)
        file = tmp_path / f"{number}{suffix}"
        file.write_bytes(bytes(content))
        survives(lambda file=file: load(str(file)))


def test_damaged_diagrams_and_specifications_are_valid_or_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(20)
    text = "o-o-o\n|   |\no-o-o\n"
    for _ in range(150):
        characters = list(text * int(random.integers(1, 3)))
        for _ in range(int(random.integers(1, 5))):
            place = int(random.integers(len(characters)))
            characters[place] = "o-| .\n\t0*9\x00é-"[random.integers(13)]
        file = tmp_path / "diagram.txt"
        file.write_text("".join(characters))
        survives(lambda file=file: load_device(str(file)))
    specification = str(load_device("grid:2x2").cirq_device.to_proto())  # type: ignore[attr-defined]
    for _ in range(60):
        content = bytearray(specification.encode())
        for _ in range(int(random.integers(1, 4))):
            content[random.integers(len(content))] = random.integers(32, 127)
        file = tmp_path / "specification.textproto"
        file.write_bytes(bytes(content))
        survives(lambda file=file: load_device(str(file)))
