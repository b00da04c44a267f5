"""The loading study: what a shorter, inexact loader costs and what it gains under noise."""
