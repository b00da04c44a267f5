"""The gradient study: the in-circuit backward pass against its alternatives (QuCNN, figure 4)."""
