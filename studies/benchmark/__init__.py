"""The benchmark: convolutions drawn at random, by this compiler and by general ones."""
