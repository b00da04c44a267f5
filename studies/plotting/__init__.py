"""Figures of any measured column against any axis, as whoever looks at results chooses them."""
