"""Grid devices: their couplers, gate sets, durations and calibrated errors.

Devices by name and from rectangles are ``cirq_google.GridDevice`` objects, so that Cirq's own
validation has the last word on every circuit (`qucnn_cirq.validation`).
"""

from qucnn_cirq.devices.catalogue import (
    DeviceLike,
    describe_device,
    describe_devices,
    device_names,
    load_device,
)
from qucnn_cirq.devices.device import NATIVE_GATES, NOMINAL_ERRORS, Device
from qucnn_cirq.devices.grids import grid_device
