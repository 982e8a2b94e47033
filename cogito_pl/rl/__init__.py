"""The mathematics of group-relative policy optimisation, in pure torch: no Lightning, no transformers."""
