"""Logical circuits: loaders, filters, overlap tests, and the slots that binding fills."""
