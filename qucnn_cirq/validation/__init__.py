"""Which rules of a device a circuit breaks, where, and what to do about each."""

from qucnn_cirq.validation.placing import place
from qucnn_cirq.validation.rules import check, errors_of, validate
from qucnn_cirq.validation.violation import RULES, Violation
