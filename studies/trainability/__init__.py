"""The trainability study: how large gradients are before training, against qubits and depth."""
