"""Benchmarks: where their data are, how they ask, what grades an answer, and how verdicts are summed up."""
