"""A training run, from the call to the result."""
