"""One self-contained page for the results in a folder."""
