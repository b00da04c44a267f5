"""The verbs of the command line, one module each: `configure` its parser, `run` it."""

TRACEBACK = "--traceback"
"""The option that says where an internal error arose."""
