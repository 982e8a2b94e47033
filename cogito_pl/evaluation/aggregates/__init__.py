"""The numbers that benchmarks report, each a `torchmetrics.Metric` that is synchronised over ranks."""
