"""The quickstart: data, SFT, GRPO and a graded comparison in one command, driving `fit` and `validate` as a user would.

Imports nothing, so that `__main__` can set the environment before torch reads it.
"""
