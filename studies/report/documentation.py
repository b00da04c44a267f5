"""What the documentation quotes, its figures and its numbers, measured by one command."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noise_models.files import file_bytes
from noise_models.writing import atomic_write, write_text
from studies.provenance import provenance
from studies.sweep.catalogue import load_study
from studies.sweep.job import RunOptions, run_sweep
from studies.sweep.results import failure_lines
from studies.sweep.study import Study

FIGURES = "figures"
"""The folder of the figures, by the names that they have in the documentation."""
MEASURED = "measured.md"
"""The file of the numbers."""


@dataclass(frozen=True)
class Quoted:
    """A preset that pages quote.

    Attributes:
        preset: Its name, which is that of its folder of results.
        pages: Where its numbers and figures stand.
        figures: Names of figures in the documentation, by those that they have in the results.
        quick: What differs where time is short, for presets that have no quick version themselves.
        is_timed: Whether its numbers are times, so that nothing runs beside it.
    """

    preset: str
    pages: tuple[str, ...]
    figures: Mapping[str, str] = field(default_factory=dict)
    quick: tuple[str, ...] = ()
    is_timed: bool = False

    def load(self, quick: bool) -> tuple[Study, dict[str, Any]]:
        """The study and its configuration.

        Args:
            quick: Whether it is to be quick.
        """
        if quick and self.quick:
            return load_study(self.preset, self.quick)
        return load_study(self.preset, quick=quick)


QUOTED = (
    Quoted(
        "forward",
        ("README.md", "docs/forward.md"),
        {"forward": "forward", "errors": "errors"},
        ("images=2",),
    ),
    Quoted(
        "loading",
        ("docs/compiler.md",),
        {"loading": "loading"},
        ("images=2", "infidelity=[0.0, 1e-3]"),
    ),
    Quoted(
        "budget",
        ("docs/budget.md",),
        {"budget": "budget", "budget_map": "budget_map"},
        ("images=2",),
    ),
    Quoted("loading_8x8", ("docs/compiler.md",), {"loading": "loading_8x8"}),
    Quoted(
        "mitigation",
        ("docs/choosing.md",),
        {"ladder": "ladder"},
        ("images=2", "training=1", "shots=[10000]", 'method=["raw", "optimal", "zne", "bound"]'),
    ),
    Quoted("mitigation_map", ("docs/choosing.md",), {"best_method": "best_method"}),
    Quoted("mitigation_drift", ("docs/mitigation.md",), {"error_against_assumed_scale": "drift"}),
    Quoted("noise", ("docs/sweeps.md",), {"error_against_noise_scale": "noise_error"}),
    Quoted(
        "accuracy",
        ("docs/sweeps.md",),
        {"error_and_accuracy_against_noise_scale": "noise_accuracy"},
    ),
    Quoted("gradient", ("docs/sweeps.md",), {"gradient": "gradient"}),
    Quoted("learning", ("docs/sweeps.md",), {"learning": "learning"}),
    Quoted("training", ("docs/sweeps.md",), {"training": "training"}),
    Quoted("dataset", ("docs/sweeps.md",)),
    Quoted(
        "quanvolution",
        ("docs/systems.md",),
        {"systems": "systems_quanvolution", "systems_gates": "systems_quanvolution_gates"},
    ),
    Quoted("quanvolution_shots", ("docs/systems.md",), {"systems_shots": "systems_shots"}),
    Quoted("chen", ("docs/systems.md",)),
    Quoted("quclassi", ("docs/systems.md", "docs/heads.md"), {"systems": "systems_quclassi"}),
    Quoted("quclassi_ten", ("docs/systems.md", "docs/heads.md")),
    Quoted("quantumflow", ("docs/systems.md",), {"systems": "systems_quantumflow"}),
    Quoted("qcnn", ("docs/systems_qcnn.md",), {"systems": "qcnn"}),
    Quoted("qugan", ("docs/systems.md",), {"systems_distance": "systems_qugan"}),
    Quoted("measured_once", ("docs/sweeps.md",), {"measured_once": "measured_once"}),
    Quoted(
        "measured_once_training",
        ("docs/sweeps.md",),
        {"measured_once_training": "measured_once_training"},
    ),
    Quoted(
        "compilation_peers",
        ("docs/compiler.md", "docs/sweeps.md"),
        {"compilation": "compilation"},
        ("convolution.kernel=[2, 4]", "seeds=1"),
    ),
    Quoted("systems_gates", ("docs/encodings.md",), {"compilation": "systems_circuits"}),
    Quoted("benchmark", ("docs/compiler.md",), {"benchmark": "benchmark"}),
    Quoted("performance", ("docs/engines.md", "docs/compiler.md"), is_timed=True),
    Quoted("performance_peers", ("docs/engines.md",), is_timed=True),
)
"""All of them; those of other packages need the extra [peers]."""


def measure_documentation(
    folder: Path,
    quick: bool,
    workers: int,
    quiet: bool,
    note: Callable[[str], None],
) -> dict[str, Any]:
    """Runs all that is quoted, or what is missing of it, and writes its figures and numbers.

    Args:
        folder: Where everything goes: a folder for each preset, `FIGURES` and `MEASURED`.
        quick: Fewer points, images and repetitions.
        workers: Processes; what is timed has one.
        quiet: No progress bar.
        note: Takes a line for the user.

    Returns:
        For each preset what was found; the points that failed; and the file of the numbers.

    Raises:
        InputError: If the folder holds other results.
        KeyboardInterrupt: If the user stopped it; what was finished is kept.
        OSError: If writing fails.
    """
    loaded = [own.load(quick) for own in QUOTED]
    sections = [_origin()]
    found: dict[str, str] = {}
    failed: dict[str, Any] = {}
    for number, (own, (study, document)) in enumerate(zip(QUOTED, loaded, strict=True), start=1):
        note(f"[{number}/{len(QUOTED)}] {own.preset}: {study.title}")
        results = folder / own.preset
        options = RunOptions(1 if own.is_timed else workers, retry=True)
        is_new, started = not results.exists(), time.perf_counter()
        summary = run_sweep(study, document, results, options, quiet, note)
        seconds = f", {time.perf_counter() - started:.0f} s" if is_new else ""
        found[own.preset] = summary["text"]
        if summary["failed"]:
            failed[own.preset] = summary["failed"]
        command = f"`qucnn study {own.preset} --out DIR --workers {options.workers}`{seconds}"
        lines = [summary["text"], *failure_lines(summary["failed"])]
        sections += [f"## {own.preset} ({', '.join(own.pages)})", command]
        sections += ["\n".join(["```text", *lines, "```"])]
        for name, quoted in own.figures.items():
            if name in summary["figures"]:
                (folder / FIGURES).mkdir(exist_ok=True)
                with atomic_write(folder / FIGURES / f"{quoted}.png") as copy:
                    copy.write(file_bytes(results / f"{name}.png"))
        # After each: what was measured is there if the next is stopped.
        write_text(folder / MEASURED, "\n\n".join(sections) + "\n")
    return {"parts": found, "failed": failed, "measured": str(folder / MEASURED)}


def _origin() -> str:
    origin = provenance()
    known = [f"{key} {origin[key]}" for key in ("commit", "started", "python", "machine")]
    return "\n\n".join(["# What the documentation quotes", ", ".join(known)])
