"""The search for settings: trials of a recipe, chosen by Optuna, of which the best is an overlay."""
