"""Drawings of circuits and devices, as text and as SVG."""
