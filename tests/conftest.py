import gc
import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Tests neither use nor fill the user's own cache. Set before anything is imported, and inherited by
# the processes that tests start.
_CACHE = tempfile.TemporaryDirectory(prefix="qucnn-cache-")
os.environ["QUCNN_CACHE"] = _CACHE.name

# The same examples in every run, and none that fails because the machine is busy.
settings.register_profile(
    "reproducible",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("reproducible")

# Looking for garbage among all that the libraries hold takes a twentieth of the time.
gc.set_threshold(50_000, 20, 100)


def pytest_collection_finish() -> None:
    """What is imported by now is no garbage: neither this process nor those it forks look again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """All tests of a file run in one process, so that it makes its fixtures once."""
    from xdist.scheduler import LoadFileScheduling

    # In the order of their names, which ends with many small files: no process idles at the end.
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Forgets what a test registers: sweeps ask their workers for such names."""
    from noise_models import registry

    before = {each: each.registered_here() for each in tuple(registry._REGISTRIES)}
    yield
    for each in tuple(registry._REGISTRIES):
        for name in each.registered_here():
            if name not in before.get(each, ()):
                del each._members[name]


@pytest.fixture(scope="session", autouse=True)
def one_format() -> Iterator[None]:
    """Figures are written as small PNGs with no layout solved: all else takes most of the time.

    The tests of figures lay out those of every study and check that they can be read.
    """
    from qucnn_cirq.drawing.theme import save_figure_as

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studies.drawing.FORMATS", ("png",))
        patch.setattr("studies.drawing.lay_out", lambda figure: figure.set_layout_engine("none"))
        patch.setattr(
            "studies.drawing.save_figure_as",
            lambda figure, path, dpi, *about: save_figure_as(figure, path, 50, *about),
        )
        yield
