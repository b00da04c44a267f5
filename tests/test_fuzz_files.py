# ruff: noqa: E501
"""Whatever is in a file: a clean exit, and one line of at most 200 characters if it is refused."""

from __future__ import annotations

import copy
import gzip
import io
import random
import re
import struct
import tomllib
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import noise_models
import qucnn_cirq
import studies
from noise_models import NoiseError, read_calibration
from noise_models.files import read_json
from noise_models.tables import write_document
from qucnn_cirq.array_files import read_arrays
from qucnn_cirq.cli import main
from qucnn_cirq.datasets import read_idx
from qucnn_cirq.errors import InputError
from qucnn_cirq.heads.linear import LinearClassifier
from studies.images import select_images
from studies.preset_files import presets
from studies.sweep.catalogue import load_study
from studies.sweep.job import dry_run

ODD = (
    0, -1, 1, 2.5, True, float("nan"), float("inf"), -float("inf"), 1e308, 10**30, -(10**30), "",
    "auto", "x" * 5000, "\u00e9\u202e\x1b[2J", "a\nb", "/dev/zero", [], [[]], [1, "a"], [1] * 3, {},
    {"a": {"b": 1}}, {"start": 1, "stop": 2, "points": 3}, [None], "nan", [-1, 0], ["x", "x"],
)  # fmt: skip


def mutated(document: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """A document with one or two of its entries deleted, replaced, wrapped or added."""
    document = copy.deepcopy(document)
    for _ in range(draw.choice((1, 1, 2))):
        table: Any = document
        while True:
            key = draw.choice(list(table))
            if not isinstance(table[key], dict) or not table[key] or draw.random() < 0.15:
                break
            table = table[key]
        how = draw.randrange(5)
        if how == 0:
            del table[key]
        elif how in (1, 2):
            table[key] = copy.deepcopy(draw.choice(ODD))
        elif how == 3:
            table[key] = [table[key]] if draw.random() < 0.5 else {"inner": table[key]}
        else:
            table[draw.choice(("odd", "\u00e9 x", "seed", "scale", "k" * 300))] = copy.deepcopy(
                draw.choice(ODD)
            )
        if not document:
            break
    return document


def written(document: dict[str, Any]) -> str | None:
    """As TOML, odd numbers included; None if TOML cannot say it."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value if each is not None]
        if isinstance(value, float) and not np.isfinite(value):
            return f"<<{value}>>"
        return value

    text = write_document(plain(document))
    return re.sub(r'"<<(.*?)>>"', r"\1", text)


def checked(path: Path) -> None:
    """What a study does before it computes."""
    kind, document = load_study(str(path))
    dry_run(kind, document)


@pytest.mark.parametrize("name", presets())
def test_mutated_configurations_are_used_or_refused_in_one_line(name, tmp_path, capsys):
    source = Path(studies.__file__).parent / "presets" / f"{name}.toml"
    document = tomllib.loads(source.read_text())
    draw = random.Random(f"configurations {name}")
    path = tmp_path / "odd.toml"
    # Few points: each is read in the same way.
    for axis, values in document.get("axes", {}).items():
        document["axes"][axis] = values[:1] if isinstance(values, list) else values
    refused = 0
    for _ in range(12):
        path.write_text(written(mutated(document, draw)), encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                checked(path)
            except InputError as error:
                refused += 1
                assert len(str(error)) <= 200 and str(error).isprintable(), path.read_text()
    assert refused > 1


BOMB = "a" + ".a" * 200_000 + " = 1\n"
TEXTS = {
    "brackets": "a = " + "[" * 3000 + "]" * 3000,
    "tables": "a = " + "{a = " * 3000 + "1" + "}" * 3000,
    "digits": "[study]\nname = 'noise'\nshots = " + "9" * 5000,
    "dots": BOMB,
    "dotted header": "[" + BOMB.split(" ")[0] + "]",
    "spaced dots": "a" + " . 'a'" * 200_000 + " = 1",
    "quick": "[study]\nname = 'noise'\n[quick]\nsettings = 1\n",
    "quick texts": "[study]\nname = 'noise'\n[quick]\nsettings = [1]\n",
    "quick is no table": "quick = 1\n[study]\nname = 'noise'\n",
    "axes": "axes = 1\n[study]\nname = 'noise'\n",
    "zip": "zip = [1]\n[study]\nname = 'noise'\n",
    "list of values": f"[study]\nname = 'noise'\n[axes]\nshots = {list(range(1, 300_001))}\n",
    "range": "[study]\nname = 'noise'\n[axes]\nshots = {start = 1, stop = 300000, points = 300000}\n",
    "product": "[study]\nname = 'noise'\n[axes]\n"
    + "".join(f"{key} = {list(range(1, 151))}\n" for key in ("shots", "seed", "images")),
    "zipped": f"[study]\nname = 'noise'\n[zip]\nshots = {list(range(1, 30_001))}\n",
    "binary": "\x00\x01\x02",
    "empty": " \n",
    "line break": '[study]\nname = "a\\nb"\n',
    "long name": f"[study]\nname = '{'x' * 100_000}'\n",
    "long table": f"[{'x' * 100_000}]\n",
    "control": '[study]\nname = "\\u001b[2J"\n',
    "date": "[study]\nname = 1979-05-27\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_would_break_a_parser_are_refused_in_one_line(name, tmp_path, capsys):
    path = tmp_path / "c.toml"
    path.write_text(TEXTS[name])
    assert main(["study", str(path), "--dry-run"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and len(line) <= 201 and line[:-1].isprintable()


def test_what_is_no_regular_file_is_refused_everywhere(tmp_path, capsys):
    import os

    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "endless.toml").symlink_to("/dev/zero")
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    (tmp_path / "folder.toml").mkdir()
    layer = str(tmp_path / "layer.toml")
    Path(layer).write_text("[convolution]\nkernel = 2\n")
    for name in ("pipe", "endless", "loop", "folder"):
        path = str(tmp_path / f"{name}.toml")
        commands = [
            ["study", path, "--dry-run"],
            ["study", "noise", "--dry-run", "--set", f"noise={path}"],
            ["study", "noise", "--dry-run", "--set", f"device={path}"],
            ["study", "noise", "--dry-run", "--set", f"data={path}"],
            ["compile", path, "--device", "rainbow", "--out", str(tmp_path / "o.json")],
            ["compile", layer, "--device", "rainbow", "--patch", path, "--out", "o.json"],
        ]
        # The presets have hundreds of points, which two kinds need not go through.
        for arguments in commands if name in ("pipe", "endless") else commands[::4]:
            code = main(arguments)
            captured = capsys.readouterr()
            assert code in (1, 2), arguments
            # A dry run ends with 1 and tells of the points that would fail; all else is refused.
            told = captured.out if code == 1 else captured.err
            assert code == 1 or (captured.err.count("\n") == 1 and len(captured.err) <= 201)
            assert f"{tmp_path.name}/{name}.toml" in told, arguments


def array_files() -> dict[str, bytes]:
    images = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    npy, npz, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, images)
    np.savez(npz, images=images, labels=np.arange(2))
    np.savez_compressed(packed, images=images)
    idx = b"\0\0\x08\x03" + struct.pack(">3I", 2, 3, 3) + images.tobytes()
    return {
        "a.npy": npy.getvalue(),
        "b.npz": npz.getvalue(),
        "c.npz": packed.getvalue(),
        "d-images-idx3-ubyte": idx,
        "e-images-idx3-ubyte.gz": gzip.compress(idx),
    }


@pytest.mark.parametrize("name", array_files())
def test_damaged_arrays_are_used_or_refused_in_one_line(name, tmp_path):
    content = array_files()[name]
    draw = random.Random(f"arrays {name}")
    path = tmp_path / name
    labels = tmp_path / name.replace("images-idx3", "labels-idx1")
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 1, 2, 5))):
            damaged[draw.randrange(len(damaged))] = draw.choice(
                (0, 1, 0x7F, 0xFF, draw.randrange(256))
            )
        if draw.random() < 0.2:
            del damaged[draw.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        if labels != path:
            labels.write_bytes(b"\0\0\x08\x01" + struct.pack(">I", 2) + b"\1\2")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                chosen = select_images("train", 0, 1, str(path))
                assert chosen.images.dtype == np.float64
            except InputError as error:
                assert len(str(error)) <= 200 and str(error).isprintable()


def npy(header: bytes, data: bytes = b"", version: int = 1) -> bytes:
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + size + header + data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }"), "8000000000"),
        (npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"8" * 8), "numbers"),
        (npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s1,), }" % (b"1," * 64)), "65"),
        (npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, %s), }" % (b"9" * 18)), "NumPy"),
        (npy(b"(" * 5000, version=2), "header"),
        (npy(b"{'descr': '<U999999999', 'fortran_order': False, 'shape': (1,), }"), "give numbers"),
        (npy(b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", b"8" * 8), "neither"),
        (b"\0\0\x08\x41" + struct.pack(">65I", *[1] * 65) + b"a", "dimensions"),
        (b"PK\x05\x06" + bytes(18), "train_images"),
    ],
)  # fmt: skip
def test_headers_are_not_believed(content, words, tmp_path):
    path = tmp_path / ("a-images-idx3-ubyte" if content[:1] == b"\0" else "a.npz")
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        if content[:1] == b"\0":
            read_idx(path)
        else:
            select_images("train", 0, 1, str(path))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([3.0, 4.0, 5.0], "f2"), None),
        (np.array([3, 4, 5], ">i8"), None),
        (np.array([0.5, 1, 2]), "label 0.5"),
        (np.array([1, np.nan, 2]), "label nan"),
        (np.array([1, 2, np.inf]), "label inf"),
        (np.array([1, 2, 2**63], "u8"), "whole numbers"),
        (np.array(["a", "b", "c"]), "real numbers"),
        (np.array([1, 2, 3j]), "real numbers"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["own.npz", "OWN.NPZ"])
def test_labels_are_whole_numbers_of_any_type(labels, words, name, tmp_path):
    with open(tmp_path / name, "wb") as file:
        np.savez(file, images=np.ones((3, 4, 4)), labels=labels)
    if words is None:
        chosen = select_images("test", 1, 2, str(tmp_path / name))
        np.testing.assert_array_equal(chosen.labels, [4, 5])
        assert chosen.labels.dtype == np.int64
    else:
        with pytest.raises(InputError, match=words):
            select_images("test", 0, 3, str(tmp_path / name))


@pytest.mark.parametrize("labels", [[0, 10], [-1, 3], [0.5, 1]])
def test_a_classifier_of_ten_classes_has_no_others(labels):
    with pytest.raises(InputError, match=r"labels .*0 to 9"):
        LinearClassifier.fit(np.ones((2, 3)), labels)


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "lab.json"
    path.write_text('{"qubits": {"0,1": {"t1": 3.0}, "0,1": {"t1": 4.0}}}')
    with pytest.raises(InputError, match="the key '0,1' stands twice"):
        read_json(path)
    with pytest.raises(NoiseError, match="the key '0,1' stands twice"):
        read_calibration(path)


def test_archives_that_expand_as_no_data_do_are_refused(tmp_path):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (100000000,), }"
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", npy(header, bytes(10**8)))
    with pytest.raises(InputError, match="give the file unpacked"):
        read_arrays(tmp_path / "bomb.npz")
    idx = b"\0\0\x08\x01" + struct.pack(">I", 10**8) + bytes(10**8)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(idx, 6))
    with pytest.raises(InputError, match="give the file unpacked"):
        read_idx(tmp_path / "bomb.gz")


OPENING = re.compile(
    r"\bopen\(|\.read_text\(|\.read_bytes\(|np\.load\(|np\.loadtxt|np\.genfromtxt|np\.fromfile|"
    r"json\.load\(|tomllib\.|gzip\.open|read_csv\((?!io\.)|read_parquet|shutil\.copy|pickle\.load"
)
READERS = {
    "studies/elsewhere/programs.py": "it reads how files begin that it is about to remove",
    "studies/files.py": "it reads a table from a buffer",
    "studies/provenance.py": "it reads what the build wrote",
    "studies/compilation/peers.py": "it locks a file of its own, which is empty",
    "noise_models/files.py": "it is the reader",
    "noise_models/extensions.py": "it digests source code that Python has imported",
    "noise_models/writing.py": "it writes, and flushes folders",
    "qucnn_cirq/cli.py": "it opens the null device",
    "qucnn_cirq/datasets.py": "it maps IDX files whose sizes it has checked",
    "studies/preset_files.py": "it reads the presets of the package",
    "qucnn_cirq/guard.py": "it asks the system for its own memory",
}


def test_no_other_module_opens_files_by_itself():
    root = Path(qucnn_cirq.__file__).parent.parent
    found = {
        str(path.relative_to(root))
        for package in (qucnn_cirq, noise_models, studies)
        for path in Path(package.__file__).parent.rglob("*.py")
        if any(OPENING.search(line.split("#")[0]) for line in path.read_text().splitlines())
    }
    assert found <= set(READERS), sorted(found - set(READERS))
