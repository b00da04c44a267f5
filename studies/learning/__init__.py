"""The learning study: fitting a filter state by its overlap with a target (QuCNN, figure 6)."""
