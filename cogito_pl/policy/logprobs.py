"""Log-probabilities and entropies from hidden states, without the whole `[tokens, vocabulary]` matrix.

Logits are computed a chunk of tokens at a time, in float32, and again in the backward pass. Memory is linear in
tokens, and independent of tokens times vocabulary; the price is one further matrix product in the backward pass (8 N V
d FLOPs in all instead of 6 N V d).
"""

from typing import Any

import torch
from torch import Tensor, nn

CHUNK_ELEMENTS = 2**24
"""Logits that exist at a time: 64 MiB in float32."""


def head_log_probs(
    hidden: Tensor,  # [N, d]
    weight: Tensor,  # [V, d], the output embedding
    bias: Tensor | None,  # [V]
    targets: Tensor,  # [N]
    *,
    temperature: float = 1.0,
    entropy: bool = False,
    chunk_elements: int = CHUNK_ELEMENTS,
) -> tuple[Tensor, Tensor | None]:
    """Log-softmax of h W^T / T at the targets and, where asked for, the entropy of each distribution, both `[N]`.

    With z = h W^T / T and p = softmax(z):

        log_prob = z[target] - logsumexp(z)        d log_prob / dz = onehot(target) - p
        entropy  = -sum p log p                    d entropy  / dz = -p (log p + entropy)

    Gradients of the weight are accumulated over chunks in float32, whatever its type.
    """
    chunk = max(1, chunk_elements // weight.shape[0])
    values, entropies = _ChunkedHead.apply(hidden, weight, bias, targets, temperature, entropy, chunk)
    return values, entropies if entropy else None


class _ChunkedHead(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        entropy: bool,
        chunk: int,
    ) -> tuple[Tensor, Tensor]:
        values = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        normalisers, entropies = torch.empty_like(values), torch.zeros_like(values)
        for start in range(0, len(hidden), chunk):
            rows = slice(start, start + chunk)
            logits = _logits(hidden[rows], weight, bias, temperature)
            normalisers[rows] = logits.logsumexp(1)
            values[rows] = logits.gather(1, targets[rows, None])[:, 0] - normalisers[rows]
            if entropy:
                log_probabilities = logits.sub_(normalisers[rows, None])
                entropies[rows] = -(log_probabilities.exp().mul_(log_probabilities)).sum(1)
        ctx.save_for_backward(hidden, weight, bias, targets, normalisers, entropies)
        ctx.temperature, ctx.entropy, ctx.chunk = temperature, entropy, chunk
        return values, entropies

    @staticmethod
    def backward(ctx: Any, grad_values: Tensor, grad_entropies: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets, normalisers, entropies = ctx.saved_tensors
        need_hidden, need_weight, need_bias = ctx.needs_input_grad[:3]
        grad_hidden = torch.empty_like(hidden) if need_hidden else None
        grad_weight = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device) if need_weight else None
        grad_bias = torch.zeros(len(weight), dtype=torch.float32, device=weight.device) if need_bias else None
        for start in range(0, len(hidden), ctx.chunk):
            rows = slice(start, start + ctx.chunk)
            log_probabilities = _logits(hidden[rows], weight, bias, ctx.temperature) - normalisers[rows, None]
            probabilities = log_probabilities.exp()
            if ctx.entropy:
                of_entropy = (log_probabilities + entropies[rows, None]).mul_(grad_entropies[rows, None])
                grad = -probabilities * of_entropy.add_(grad_values[rows, None])
            else:
                grad = probabilities.mul_(-grad_values[rows, None])
            grad.scatter_add_(1, targets[rows, None], grad_values[rows, None])
            grad = grad.div_(ctx.temperature)
            if grad_hidden is not None:
                grad_hidden[rows] = (grad.to(weight.dtype) @ weight).to(hidden.dtype)
            if grad_weight is not None:
                grad_weight.addmm_(grad.T, hidden[rows].float())
            if grad_bias is not None:
                grad_bias += grad.sum(0)
        return (
            grad_hidden,
            None if grad_weight is None else grad_weight.to(weight.dtype),
            None if grad_bias is None else grad_bias.to(bias.dtype),
            None,
            None,
            None,
            None,
        )


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor | None, temperature: float) -> Tensor:
    """Float32 logits `[n, V]`; the product itself is in the type of the weights, which accumulates in float32."""
    logits = nn.functional.linear(hidden.to(weight.dtype), weight, bias).float()
    return logits / temperature if temperature != 1.0 else logits


def has_plain_head(model: nn.Module) -> bool:
    """Whether the model's logits are its output embedding times its last hidden states and nothing more."""
    config = model.config.get_text_config()
    twists = ("final_logit_softcapping", "logits_scaling", "logit_scale", "output_multiplier_scale")
    return type(model.get_output_embeddings()) is nn.Linear and not any(getattr(config, name, None) for name in twists)
