"""Official rules of benchmarks that differ from the shipped verifiers: one file per benchmark."""
