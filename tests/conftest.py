import os
import tempfile

# Tests neither use nor fill the user's own cache. Set before anything is imported, and inherited by
# the processes that tests start.
_CACHE = tempfile.TemporaryDirectory(prefix="qucnn-cache-")
os.environ["QUCNN_CACHE"] = _CACHE.name
