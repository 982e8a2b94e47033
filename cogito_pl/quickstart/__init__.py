"""The quickstart: data, SFT, GRPO and a graded comparison in one command, by the commands that a user would type.

Imports nothing, so that `__main__` can set the environment before torch reads it.
"""
