"""What `qucnn study --list` and `qucnn study NAME --help` print."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap

WIDTH = max(60, min(100, shutil.get_terminal_size((100, 24)).columns))
"""Columns of a terminal that texts are broken at."""


class HelpOfStudy(argparse.Action):
    """Prints the help of the verb or, after the name of a study, that of the study."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """See `argparse.Action`."""
        name = getattr(namespace, "study", None)
        print(study_text(name) if name else parser.format_help().rstrip())
        parser.exit()


def listed() -> dict[str, str]:
    """The studies that come with the package, and what each does."""
    from studies.preset_files import about, presets

    return {name: about(name) for name in presets()}


def list_text() -> str:
    """A line for each study that comes with the package, cut where a terminal ends."""
    found = listed()
    widest = max(map(len, found))
    # Who reads a pipe or a file looks for words in whole lines.
    room = WIDTH - widest - 2 if sys.stdout.isatty() else sys.maxsize
    return "\n".join(
        f"{name:<{widest}}  {textwrap.shorten(what, room, placeholder=' ...')}"
        for name, what in found.items()
    )


def study_text(name: str) -> str:
    """What a study does, what it sweeps over, its settings and their defaults.

    Args:
        name: A preset or the path of a configuration.

    Raises:
        InputError: If there is no such study.
    """
    from studies.preset_files import heading, presets
    from studies.sweep.catalogue import load_study
    from studies.sweep.described import settings_of, value_text

    study, document = load_study(name)
    own = document.get("study", {})
    lines = [f"qucnn study {name}", ""]
    if name in presets():
        lines += [*textwrap.wrap(heading(name), WIDTH), ""]
    lines += [f"study {study.name}: {study.title}", ""]
    axes = {**document.get("axes", {}), **document.get("zip", {})}
    if axes:
        lines.append("it sweeps over")
    for key, values in axes.items():
        lines += _wrapped(f"  {key} = ", value_text(values))
    if axes:
        lines.append("")
    lines.append("settings of the table [study]")
    for setting in settings_of(study):
        given = value_text(own[setting.key]) if setting.key in own else ""
        default = value_text(setting.default)
        shown = f"{given} (default {default})" if given and given != default else default
        lines.append(f"  {setting.key} = {shown}")
        lines += textwrap.wrap(
            setting.meaning, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    lines += [
        "",
        "of [convolution] and [noise] tell docs/sweeps.md and docs/noise.md",
        f"columns of the results: qucnn columns {name}",
    ]
    return "\n".join(lines)


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * min(len(start), 12)
    )
