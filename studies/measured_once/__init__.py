"""The study of patches that are measured once, for all filters and all their gradients."""
