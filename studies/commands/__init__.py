"""The verbs of the command line about studies, one module each, as in `qucnn_cirq.commands`."""
