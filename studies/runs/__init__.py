"""Running studies and looking at their results, from Python and for the command line."""
