"""The ablation runner: the plain recipe and variants of it, at equal updates, in one table.

Imports nothing, for the reason that the quickstart does not.
"""
