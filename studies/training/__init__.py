"""The training study: an image classifier with a quantum convolution, trained end to end."""
