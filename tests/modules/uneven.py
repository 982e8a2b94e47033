"""An engine whose completions have unequal lengths, which those of an untrained model hardly have."""

from dataclasses import replace

import torch

from cogito_pl.policy import LiveEngine


class Uneven(LiveEngine):
    """Cuts completion `b` after `3 + (5 b) mod 17` tokens; says of two in three that they ended by themselves."""

    def generate(self, requests):
        samples = super().generate(requests)
        places = torch.arange(len(samples.ids))
        mask = samples.mask & (torch.arange(samples.ids.shape[1]) < (3 + 5 * places % 17)[:, None])
        return replace(samples, mask=mask, log_probs=samples.log_probs * mask, finished=places % 3 > 0)
