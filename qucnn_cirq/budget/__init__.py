"""Error budgets: which gate, coupler, qubit, moment and stage costs how much accuracy."""

from qucnn_cirq.budget.budget import COLUMNS, ErrorBudget, error_budget

__all__ = ["COLUMNS", "ErrorBudget", "error_budget"]
