"""Reproduces the figures of QuCNN (arXiv:2210.05443), ideal and with a device's noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noise_models.writing import write_text
from studies.report import html
from studies.report.report import REPORT, study_sections
from studies.sweep.catalogue import load_study, study_of_results
from studies.sweep.job import RunOptions, run_sweep
from studies.sweep.results import read_results

_NOISE = "noise=willow_pink"
_INCOMPLETE = "Points of this study failed; what there is stands below."


@dataclass(frozen=True)
class Part:
    """One study of the reproduction.

    Attributes:
        folder: Name of its folder.
        title: Its headline in the report.
        study: The preset.
        settings: What differs from the preset.
        quick: What differs further where time is short.
        stated: What the paper states.
        chosen: What was chosen where the paper is silent or can be read in two ways.
    """

    folder: str
    title: str
    study: str
    settings: tuple[str, ...]
    quick: tuple[str, ...]
    stated: str
    chosen: str


PARTS = (
    Part(
        "figure_3_forward",
        "Figure 3: a quantum convolution of handwritten digits",
        "forward",
        (_NOISE,),
        ("images=4",),
        "QuCNN is validated by applying a convolutional layer, with a data state and a filter "
        "state, to a small subset of MNIST images (abstract; figure 3).",
        "Images: the first 16 of the training set (4 in a quick run). Filter: a 4x4 kernel of a "
        "classical network trained on MNIST, stride 1. 10,000 shots a patch. A patch that is all "
        "zero has no state: its value is 0 by definition. The exact classical counterpart is the "
        "squared cosine of patch and filter; the plain convolution, which keeps norm and sign, is "
        "drawn beside it.",
    ),
    Part(
        "figure_4_gradient",
        "Figure 4: gradients, multiplied by g on the processor or afterwards",
        "gradient",
        (
            "noise={}",
            'zip={state = ["superposition", "superposition", "mixed"], '
            'noise = ["ideal", "willow_pink", "ideal"]}',
        ),
        ("shots=[100, 10000, 1000000]", "upstream=[1.0, 0.1]", "repeat=[0]"),
        "The back-propagated gradients are compared (abstract): multiplied by g on the processor "
        "and post-processed, as shots grow, on a state called maximally mixed (figure 4).",
        "On a literally mixed state every gradient is 0; it is the null test here. The reading "
        "that gives a gradient is the equal superposition. The factor 1/2 of the shift rule is "
        "applied afterwards in both; absorbing it into g costs four times the shots.",
    ),
    Part(
        "figure_6_learning",
        "Figure 6: learning a filter state",
        "learning",
        (
            "noise={}",
            'zip={method = ["exact", "parameter_shift", "parameter_shift"], '
            'shots = [0, 1000, 1000], noise = ["ideal", "ideal", "willow_pink"]}',
        ),
        ("repeat=[0, 1]", "iterations=50", "convolution.filters.layers=[1, 2, 3]"),
        "A filter state is trained against an ideal target state (abstract), with an ansatz of "
        "one, two and three layers (figure 6).",
        "Target: the trained 4x4 kernel of figure 3. Optimiser: Adam, rate 0.1, from uniformly "
        "random angles. Four layers are added (not in a quick run), because three cannot reach "
        "every real state.",
    ),
    Part(
        "noise_and_error",
        "Noise against the error of feature maps",
        "noise",
        (),
        ("images=2", "noise.scale={start=0.01, stop=10.0, points=7, spacing='logarithmic'}",
         "repeat=[0, 1, 2]"),
        "Nothing: added here.",
        "Depolarising gates p1 = 0.001, p2 = 0.005 and readout errors 0.01 and 0.03, all scaled "
        "together; three overlap tests on the same device.",
    ),
    Part(
        "noise_and_accuracy",
        "Noise against accuracy",
        "accuracy",
        (),
        ("images=100", "noise.scale=[0.0, 1.0, 10.0]"),
        "Nothing: added here.",
        "A linear classifier is fitted to exact feature maps of 2,000 training images and reads "
        "noisy maps of 500 test images (100 in a quick run): four filters with random "
        "angles, stride 3.",
    ),
    Part(
        "other_convolutions",
        "Other quantum convolutions, beside their controls",
        "systems",
        ("noise=willow_pink", "axes.noise.scale=[0.0, 1.0]"),
        ("images=300", "test_images=100", "repeat=[0]"),
        "Of quanvolution: better than without it, not better than random non-linear maps. Of Chen "
        "et al.: faster and better than a classical network of similar size, on simulated events. "
        "Of QuClassi: up to 53.75 % and 203 % better than two peers, with 97.37 % fewer parameters "
        "than a network. Of QuGAN: 94.98 % fewer parameters, 48.33 % better. Of QuantumFlow: 94.09 "
        "% on MNIST, 95.73 % and 98.27 % on 3 against 6 at 4x4. Of QCNN: 0.9905 on 0 against 1.",
        "The same images, device and noise for all, and beside each the same circuit without "
        "entanglers, a classical map of the same shape and QuCNN; learnt ideally. Intervals are "
        "Wilson's over test images, means over starts.",
    ),
)  # fmt: skip


def reproduce(
    folder: Path,
    quick: bool,
    workers: int,
    quiet: bool,
    note: Callable[[str], None],
) -> dict[str, Any]:
    """Runs all parts, or what is missing of them, and writes one report.

    Points that failed, now or in an earlier run, are tried again by the next one.

    Args:
        folder: Where everything goes, a folder for each part.
        quick: Fewer points, images and repetitions.
        workers: Processes.
        quiet: No progress bar.
        note: Takes a line for the user.

    Returns:
        For each part its folder and what was found; the points that failed; and the page.

    Raises:
        InputError: If the folder holds other results.
        KeyboardInterrupt: If the user stopped it; what was finished is kept.
        OSError: If writing fails.
    """
    summaries: dict[str, dict[str, Any]] = {}
    for number, part in enumerate(PARTS, start=1):
        note(f"[{number}/{len(PARTS)}] {part.title}")
        own = folder / part.folder
        settings = [*part.settings, *(part.quick if quick else ())]
        study, document = load_study(part.study, settings)
        options = RunOptions(workers, retry=True)
        summaries[part.folder] = run_sweep(study, document, own, options, quiet, note)
    page = html.page("QuCNN, reproduced", _sections(folder, quick, summaries))
    write_text(folder / REPORT, page)
    failed = {name: summary["failed"] for name, summary in summaries.items() if summary["failed"]}
    found = {name: summary["text"] for name, summary in summaries.items()}
    return {"parts": found, "failed": failed, "report": str(folder / REPORT)}


def _sections(folder: Path, quick: bool, summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    body = [
        html.paragraphs(
            "The figures of S. Stein, Y. Mao, J. Ang and A. Li, QuCNN (arXiv:2210.05443), computed "
            "again: ideally, and with the calibrated noise of the device willow_pink; and two that "
            "the paper does not have."
            + (" A quick run: fewer images, points and repetitions." if quick else "")
        ),
        html.heading("What the paper states, what was found, what was chosen"),
        html.table(
            ("figure", "what the paper states", "what was found here", "what was chosen here"),
            [
                (part.title, part.stated, _answer(part, folder, summaries), part.chosen)
                for part in PARTS
            ],
            stacked=True,
        ),
        html.paragraphs(
            "Chosen is what the paper leaves open or can be read in two ways. Intervals in square "
            "brackets and after \N{PLUS-MINUS SIGN} are 95 % confidence intervals, unless it says "
            "otherwise."
        ),
    ]
    for part in PARTS:
        own = summaries.get(part.folder)
        section = study_sections(folder / part.folder, level=3, summary=own)
        body += [html.heading(part.title), *section.first, *section.body]
    command = "qucnn reproduce --out again" + (" --quick" if quick else "")
    return [*body, html.heading("To run all of it again"), html.preformatted(command)]


def _answer(
    part: Part, folder: Path, summaries: Mapping[str, Mapping[str, Any]]
) -> str | list[str]:
    if summaries.get(part.folder, {}).get("failed"):
        return _INCOMPLETE
    results = read_results(folder / part.folder)
    return study_of_results(results.plan.study).found(results)
