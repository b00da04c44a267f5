"""Parameter sweeps: points, their identities, chunks of results, and who computes them."""
