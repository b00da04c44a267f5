"""What an installation does in a script of somebody's: a sweep, and a module that is trained."""

import copy
import sys
from pathlib import Path

import numpy as np

import qucnn_cirq
import studies
from qucnn_cirq.datasets import load_mnist


def check_sweep() -> None:
    """Runs a few points on two processes."""
    settings = {"images": 1, "shots": 100, "repeat": 0, "convolution.stride": 4}
    axes = {"convolution.overlap": ["inversion", "destructive"], "noise.scale": [0.1, 1.0]}
    results = studies.run("noise", "sweep", axes, workers=2, settings=settings)
    table = results.table()
    assert results.status().done == len(table) == 4, results.status()
    assert table.set_index("convolution.overlap")["two_qubit_gates"].to_dict() == {
        "inversion": 8,
        "destructive": 14,
    }
    assert results.report().stat().st_size > 100_000


def check_module() -> None:
    """Trains a copy by one step, which leaves the original as it is."""
    import torch

    from qucnn_cirq.torch_layer import QuantumConv2d

    torch.manual_seed(0)
    data = load_mnist("train", 20)
    images = torch.from_numpy(data.images)[:, None] / 255
    labels = torch.from_numpy(data.labels.astype(np.int64))
    network = torch.nn.Sequential(
        QuantumConv2d(1, 2, kernel_size=4, stride=4, shots=None),
        torch.nn.Flatten(),
        torch.nn.Linear(2 * 49, 10),
    )
    copied = copy.deepcopy(network)
    optimizer = torch.optim.SGD(copied.parameters(), lr=0.5)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(copied(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0], losses
    kept = torch.nn.functional.cross_entropy(network(images), labels).item()
    assert kept == losses[0], (kept, losses)
    assert not torch.equal(copied[0].angles, network[0].angles)


if __name__ == "__main__":
    installed = Path(qucnn_cirq.__file__).resolve()
    assert Path(sys.prefix).resolve() in installed.parents, installed
    check_sweep()
    if "torch" in sys.argv[1:]:
        check_module()
