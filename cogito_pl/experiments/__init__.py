"""Runs as data: phases that resume, what they cost, intervals, and the ablation runner.

Imports nothing, so that a command can set the environment before torch reads it.
"""
