"""Runs the command line: `python -m qucnn_cirq` is the same program as `qucnn`."""

from qucnn_cirq.cli import main

raise SystemExit(main())
