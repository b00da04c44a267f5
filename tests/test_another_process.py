"""A process that hashes text otherwise, and so orders sets otherwise, computes the same."""

import json
import os
import pickle
import subprocess
import sys

import cirq
import numpy as np

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)

ANEW = """
import hashlib, json, pickle, sys, cirq, numpy as np
from qucnn_cirq import *
from qucnn_cirq.devices import grid_device

def sha256(content):
    return hashlib.sha256(content).hexdigest()

def circuit_of(spec, device, **options):
    program = compile_convolution(spec, device, **options)
    angles = np.arange(float(spec.n_parameters))
    circuit = program.circuit(np.arange(1, 17).reshape(4, 4), angles)
    return sha256(cirq.to_json(circuit).encode())

def maps_of(spec):
    program = compile_convolution(spec, "willow_pink", layout="plaquettes")
    layer = QuantumConvolution(program, engine="exact", noise="willow_pink", shots=None, seed=3)
    return sha256(layer.forward(np.random.default_rng(0).normal(size=(2, 5, 5))).tobytes())

ring = ConvolutionSpec(filters=XZAnsatz(layers=2, entangler="ring"))
fixed = ConvolutionSpec(filters=FixedFilter(np.arange(16) - 3), overlap="destructive")
bent = ConvolutionSpec(filters=FixedFilter(np.arange(16) - 3), overlap="inversion")
hexagon = grid_device([q for q in cirq.GridQubit.rect(4, 4) if q != cirq.GridQubit(1, 1)])
found = {
    "circuits": [
        circuit_of(ring, "willow_pink"),
        circuit_of(ring, "grid:3x3", layout="routed"),
        circuit_of(fixed, hexagon, layout="routed", gate_set="syc"),
        circuit_of(fixed, "rainbow", gate_set="sqrt_iswap"),
        circuit_of(bent, "weber"),
    ],
    # Its last digits depend on the order of sums.
    "maps": maps_of(ConvolutionSpec(filters=[XZAnsatz(layers=2)] * 2)),
}
"""
SENT = """
layer, images, equal, toml = pickle.load(sys.stdin.buffer)
sent = {
    "maps": layer.forward(images).tolist(),
    "different": len({*equal}),
    "identity": ConvolutionSpec.from_toml(toml).identity,
}
print(json.dumps([found, sent]))
"""


def test_circuits_last_digits_identities_and_what_is_pickled_are_the_same_in_another_process():
    images = np.random.default_rng(0).random((2, 4, 4)) + 0.1
    spec = ConvolutionSpec(kernel=2, stride=2, filters=XZAnsatz())
    program = compile_convolution(spec, "grid:4x5")
    layer = QuantumConvolution(
        program, engine="auto", noise={"depolarizing": {"p2": 0.01}}, shots=20, seed=1
    )
    maps = layer.forward(images)
    # No hash may travel with them.
    equal = (spec, ConvolutionSpec(kernel=(2, 2), stride=(2, 2), filters=[XZAnsatz()]))
    circuit = cirq.Circuit(cirq.ry(0.3 + i)(cirq.q(i)) for i in range(4))
    named = ConvolutionSpec(filters=[circuit, FixedFilter(np.arange(16) / 7)])
    done = subprocess.run(
        [sys.executable, "-c", ANEW + SENT],
        input=pickle.dumps((layer, images, equal, named.to_toml())),
        env={**os.environ, "PYTHONHASHSEED": "7"},
        stdout=subprocess.PIPE,
        check=True,
    )
    anew, sent = json.loads(done.stdout)
    here: dict = {}
    exec(ANEW, here)
    assert anew == here["found"]
    assert sent == {"maps": maps.tolist(), "different": 1, "identity": named.identity}
