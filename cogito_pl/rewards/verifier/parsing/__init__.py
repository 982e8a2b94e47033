"""What the verifiers read answers with: where an answer stands, its formulas, numbers, units and labels."""
