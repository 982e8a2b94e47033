"""The ablation runner: a recipe and variants of it, from the same start model, at equal numbers of updates."""
