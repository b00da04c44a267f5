"""The performance study: time for each patch, engine by engine, on the same circuits."""
