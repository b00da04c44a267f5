"""Studies: what to vary, what to record, how to draw it."""
