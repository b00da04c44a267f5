"""Circuits and programs in files: Cirq's JSON, OpenQASM, Google's programs, our own."""
