"""The verbs of the command line, one module each.

A verb is a module with the texts ``HELP``, its line in the list of verbs, and ``DESCRIPTION``, with
which ``qucnn VERB --help`` begins, and two functions. What only ``run`` needs is imported there, so
that ``--help`` and other verbs do not wait for it.

``add_arguments(parser)`` adds the arguments of the verb to its parser.

Args:
    parser: The ``argparse.ArgumentParser`` of the verb, with the global options already.

``run(options)`` does what was asked, prints the result, and returns the exit code.

Args:
    options: The ``argparse.Namespace`` of the verb's own arguments and the global options:
        ``seed``, None if not given; ``quiet``, to print no progress and no notes; ``json``, to
        print the result as JSON; ``verbose`` and ``louder``, how often -v was given before and
        behind the verb; and ``traceback``.

Returns:
    0 if all is done, 1 if a check or points failed.

Raises:
    InputError: For bad input, which becomes one line and exit code 2.
    OSError: For files that cannot be read or written, as well.
"""

TRACEBACK = "--traceback"
"""The option that says where an internal error arose."""
