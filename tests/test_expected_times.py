"""What a dry run expects: each point's own time, and once what points share."""

from __future__ import annotations

import pytest

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, compile_convolution
from qucnn_cirq.engines import expected_seconds
from qucnn_cirq.engines.prepared import seconds_if_joined
from studies.sweep.catalogue import load_study
from studies.sweep.job import _START_SECONDS, dry_run, dry_run_text
from studies.sweep.plan import make_plan
from studies.sweep.study import Cost, expected_cost, shared_seconds


def test_what_points_share_is_counted_once() -> None:
    costs = [
        Cost(1, 0, 1.0, 0, {"a": 2.0}),
        Cost(1, 0, 1.0, 0, {"a": 3.0, "b": 1.0}),
        Cost(1, 0, 1.0, 0),
    ]
    assert shared_seconds(costs) == 4.0
    assert shared_seconds([]) == 0.0


def seconds(study: str, *settings: str) -> float:
    return float(dry_run(*load_study(study, settings, True))["seconds"])


@pytest.mark.parametrize(
    ("study", "axis", "fixed", "shared"),
    [
        ("noise", "repeat", "noise.scale=1.0", True),
        ("noise", "noise.scale", "repeat=0", False),
        ("learning", "repeat", "noise.scale=1.0", True),
    ],
)
def test_further_points_cost_less_where_they_share(
    study: str, axis: str, fixed: str, shared: bool
) -> None:
    more = {"repeat": "[0, 1, 2, 3]", "noise.scale": "[1.0, 2.0, 3.0, 4.0]"}[axis]
    first = more[1:].partition(",")[0]
    one, four = (
        seconds(study, fixed, f"{axis}={values}") - _START_SECONDS for values in (first, more)
    )
    assert four < 3 * one if shared else four == pytest.approx(4 * one)


def test_every_worker_spends_what_is_shared() -> None:
    plan = dry_run(*load_study("learning", ["repeat=[0, 1]"], True))
    assert 0 < plan["shared_seconds"] < plan["seconds"]
    study, document = load_study("learning", ["repeat=[0, 1]"], True)
    costs = [expected_cost(study, point.settings) for point in make_plan(study, document).points]
    assert plan["seconds"] == pytest.approx(
        sum(each.seconds for each in costs) + plan["shared_seconds"]
    )
    plan |= {"seconds": 80.0, "shared_seconds": 20.0}
    assert "about 80 s on 1 " in dry_run_text(plan, 1)
    assert "about 35 s on 4 " in dry_run_text(plan, 4)


def test_crosstalk_and_drift_take_longer() -> None:
    usual = ["images=2", "noise.scale=1.0", "repeat=0", "convolution.overlap=ancilla"]
    plain, joined, switched_off, drifting = (
        seconds("noise", *usual, *more)
        for more in (
            [],
            ["noise.crosstalk.p=0.001"],
            ["noise.crosstalk.p=0.001", "noise.scales.gate=0"],
            ["noise.drift.sd=0.1"],
        )
    )
    # Patch and filter are evolved together: 17 ms in place of microseconds.
    assert joined > 10 * plain
    assert switched_off == pytest.approx(plain)
    assert plain + 0.5 < drifting < plain + 2


def test_the_engine_knows_what_joins() -> None:
    program = compile_convolution(ConvolutionSpec(kernel=(2, 2)), "grid:3x3")
    template = program.filters[0].template
    apart, together = (as_noise({"idle": 0.01, **more}) for more in ({}, CROSSTALK))
    assert seconds_if_joined(template, apart) == 0
    assert seconds_if_joined(template, as_noise({**CROSSTALK, "scale": 0.0})) == 0
    assert 1e-6 < seconds_if_joined(template, together) < 1e-4
    drifting = as_noise({"idle": 0.01, "drift": {"sd": 0.1}})
    for engine, passes in (("exact", 11), ("sampler", 1)):
        once, several = (expected_seconds(engine, template, each, 10) for each in (apart, drifting))
        assert several == pytest.approx(passes * once)


CROSSTALK = {"crosstalk": {"p": 0.001}}
