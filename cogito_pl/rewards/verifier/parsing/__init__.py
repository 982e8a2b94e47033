"""Reads answers: where a response states one, and its formulas, numbers, units, labels and boxes."""
