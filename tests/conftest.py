import os
import tempfile

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
