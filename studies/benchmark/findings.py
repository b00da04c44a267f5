"""What a benchmark found, in sentences."""

from __future__ import annotations

import numpy as np

from studies.benchmark.figures import NAMES, TIE, benchmark_data
from studies.statistics import mean_interval
from studies.sweep.results import Results
from studies.wording import interval_text


def findings(results: Results) -> list[str]:
    """How this package's predicted errors stand beside those of the best other compiler.

    Args:
        results: What was measured so far, at least one point.
    """
    data = benchmark_data(results.table())
    if data.empty:
        return ["No specification was compiled by this package and another one so far."]
    logs = np.log(data["ratio"])
    mean, low, high = np.exp(mean_interval(logs))
    lines = [
        f"Of {len(data)} convolutions drawn at random, predicted error over that of the best other "
        f"compiler, geometric mean: {interval_text(mean, low, high, '.3g')}."
    ]
    for overlap, own in data.groupby("overlap", sort=False):
        worse, tied = int((own["ratio"] > 1 + TIE).sum()), int((abs(own["ratio"] - 1) <= TIE).sum())
        ratio = float(np.exp(np.log(own["ratio"]).mean()))
        lines.append(
            f"{overlap}: {ratio:.3g} times; smaller in {len(own) - worse - tied}, as large in "
            f"{tied} (within {100 * TIE:.1f} %), larger in {worse} of {len(own)}."
        )
    best = ", ".join(
        f"{NAMES[name]} {count}" for name, count in data["best"].value_counts().items()
    )
    return [*lines, f"The best of the others, how often: {best}."]
