"""Which controls there are. Imports nothing, so that the command line can list them."""

CONTROLS = {
    "shuffled-rewards": "GRPO with the rewards dealt out at random: what it gains is not owed to them",
    "careful-sft": "imitation of careful solutions, from the model that GRPO starts from, for as many CPU seconds",
    "permuted-images": "SFT and GRPO graded on test problems with another problem's pictures, against a blind guess",
}
"""Name to what it is, as the help and the report say it."""
