"""Circuits of studies that are run elsewhere, and the counts that come back."""
