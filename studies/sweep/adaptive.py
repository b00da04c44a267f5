"""Taking shots until an interval is narrow enough, with a bound that survives repeated looking."""

from __future__ import annotations

import math

from scipy.optimize import brentq


def interval(
    successes: int, trials: int, look: int, confidence: float = 0.95
) -> tuple[float, float]:
    """A confidence interval for a mean probability that holds at every look at once.

    The trials are independent and may have different probabilities; their average p is what the
    interval is for. It holds those p for which the observed average is not too unlikely by
    Chernoff's bound, exp(-n KL(observed || p)), which W. Hoeffding (J. Am. Stat. Assoc. 58, 13
    (1963), theorem 1) proves for unequal probabilities. The k-th look spends 1 / (k (k + 1)) of
    the allowed probability of error, which adds up to no more than all of it: stopping as soon as
    the interval is narrow is then allowed.

    Args:
        successes: Successes in all trials so far.
        trials: Trials so far, at least 1.
        look: Number of the look, from 1.
        confidence: Probability that all intervals, over all looks, hold the average.

    Returns:
        The lower and the upper end, within 0..1.
    """
    spent = (1 - confidence) / (look * (look + 1))
    bound = math.log(2 / spent) / trials
    observed = successes / trials

    def excess(p: float) -> float:
        return _divergence(observed, p) - bound

    tiny = 1e-15
    low = 0.0 if excess(tiny) <= 0 else float(brentq(excess, tiny, max(observed, tiny)))
    high = (
        1.0 if excess(1 - tiny) <= 0 else float(brentq(excess, min(observed, 1 - tiny), 1 - tiny))
    )
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)


def _divergence(observed: float, p: float) -> float:
    """Relative entropy of two coins, in nats."""
    total = 0.0
    for q, r in ((observed, p), (1 - observed, 1 - p)):
        if q > 0:
            total += q * math.log(q / r)
    return total
