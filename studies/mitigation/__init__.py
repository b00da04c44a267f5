"""The mitigation study: what estimators and mitigation make of the same shots."""
