"""How hard a problem is for a model, measured offline."""
