"""The budget study: which gate, coupler, qubit and stage costs how much accuracy."""
