"""What notebooks show, and short names of objects."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pytest

from noise_models import as_noise
from noise_models.markup import html_table
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
    load_device,
)

OVERLAP = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([[1, 2], [3, -1]]))
MEASURED = ConvolutionSpec(
    kernel=(2, 2), filters=[XZAnsatz(2)] * 3, encoding="angle", measurement="z"
)


class Cells(HTMLParser):
    """The names and values of tables, and the sources of images."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.images: list[str] = []
        self._within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag in ("th", "td", "caption")
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._within = False


def shown(thing: object) -> tuple[dict[str, str], list[bytes]]:
    """The table of an object, and the content of its images."""
    parser = Cells()
    parser.feed(thing._repr_html_())  # type: ignore[attr-defined]
    names = parser.texts[1:]
    contents = [base64.b64decode(image.partition("base64,")[2]) for image in parser.images]
    return dict(zip(names[::2], names[1::2], strict=True)), contents


@pytest.mark.parametrize(
    ("spec", "way"), [(OVERLAP, ("overlap test", "ancilla")), (MEASURED, ("measurement", "z"))]
)
def test_specifications_programs_and_layers_show_their_settings(
    spec: ConvolutionSpec, way: tuple[str, str]
) -> None:
    program = compile_convolution(spec)
    layer = QuantumConvolution(program, noise="willow_pink", shots=1000, seed=3)
    for thing in (spec, program, layer):
        table, _ = shown(thing)
        assert table["kernel"] == "2x2" and table[way[0]] == way[1]
        assert len(repr(thing)) < 300
    table, (circuit, places) = shown(program)
    report = program.report
    assert table["two-qubit gates, depth"] == f"{report.two_qubit_gates}, {report.two_qubit_depth}"
    assert ElementTree.fromstring(circuit).tag.endswith("svg")
    assert matplotlib.image.imread(io.BytesIO(places), format="png").std() > 0.05
    assert shown(layer)[0]["shots"] == "1,000"


def test_devices_and_noise_show_what_they_are() -> None:
    table, (map_,) = shown(load_device("willow_pink"))
    assert table["qubits"] == "105" and table["calibrated"] == "yes"
    assert matplotlib.image.imread(io.BytesIO(map_), format="png").ndim == 3
    assert shown(as_noise({"depolarizing": {"p1": 0.001}}))[0] == {"depolarizing": "{ p1 = 0.001 }"}
    assert shown(as_noise(None))[0] == {}
    assert repr(as_noise(None)) == "<noise none>"
    assert re.fullmatch(r"<noise \{.*p1.*\}>", repr(as_noise({"depolarizing": {"p1": 0.001}})))


def test_large_circuits_are_told_and_not_drawn() -> None:
    filter_ = FixedFilter(np.arange(1.0, 65.0).reshape(8, 8))
    program = compile_convolution(ConvolutionSpec(kernel=(8, 8), filters=filter_))
    assert len(program.filters[0].template.circuit) > 60
    assert len(shown(program)[1]) == 1


def test_values_of_tables_are_texts_and_no_markup() -> None:
    assert "<b>" not in html_table("<b>", [("<b>", "<b>"), ("none", None)])
