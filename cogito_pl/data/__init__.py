"""Data: sources and how they are read, stages, and the order in which problems are drawn."""
