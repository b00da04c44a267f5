"""The verbs of the command line, one module each: `configure` its parser, `run` it."""
