"""The study of other quantum convolutions, each beside its controls."""
