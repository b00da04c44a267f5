"""Error budgets: which gate, coupler, qubit, moment and stage costs how much accuracy."""

from qucnn_cirq.budget.budget import COLUMNS, ErrorBudget, error_budget
from qucnn_cirq.budget.placing import compile_by_error, place_by_error

__all__ = ["COLUMNS", "ErrorBudget", "compile_by_error", "error_budget", "place_by_error"]
