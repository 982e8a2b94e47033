"""Peak memory of log-probabilities and their gradient against the number of completion tokens, at a large vocabulary.

    python -m benchmarks.memory --image benchmarks/memory.png

A model of tiny widths and 152,064 tokens, so that the head and the rows are what costs. Every point is a process of its
own: its peak resident memory, less what it had when the model stood. Float32, one thread, forward and backward.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

VOCABULARY = 152_064
SERIES = {
    "one completion": ("auto", 1, (1024, 2048, 4096, 8192, 16384)),
    "eight completions of one prompt": ("auto", 8, (1024, 2048, 4096, 8192, 16384)),
    "one completion, whole logits": ("padded", 1, (1024, 2048, 4096)),
}
"""Layout, completions, and completion tokens in all."""


def peak_mib(layout: str, completions: int, tokens: int) -> float:
    """Peak memory in MiB that a forward and backward adds, measured in this process."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from cogito_pl.playground.tiny import build_config, save_tiny
    from cogito_pl.policy import Policy, PolicyConfig, Prompt

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        save_tiny(folder)
        config = build_config(VOCABULARY).to_dict()
        config["text_config"] |= {"hidden_size": 64, "num_attention_heads": 2}
        config["text_config"] |= {"intermediate_size": 128, "max_position_embeddings": 32768}
        config["vision_config"]["out_hidden_size"] = 64
        Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config)).save_pretrained(folder)
        policy = Policy(PolicyConfig(name=folder, layout=layout))
    prompt = Prompt(torch.randint(20, 300, (64,)), {"mm_token_type_ids": torch.zeros(64, dtype=torch.int)}, ())
    ids = torch.randint(20, 300, (completions, tokens // completions))
    policy.log_probs([prompt], ids[:1, :2], torch.ones(1, 2, dtype=torch.bool)).values.sum().backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = policy.log_probs([prompt] * completions, ids, torch.ones_like(ids, dtype=torch.bool), entropy=True)
    result.values.sum().backward()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def draw(points: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Draws one line per series."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, series), marker in zip(points.items(), "os^", strict=True):
        axes.plot(*zip(*series, strict=True), marker=marker, label=name)
    axes.set(xlabel="completion tokens", ylabel="peak memory added (MiB)", ylim=(0, None), xlim=(0, None))
    axes.set_title(f"Log-probabilities, entropies and gradients, vocabulary {VOCABULARY:,}")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measures every point and prints them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, help="PNG file to draw")
    parser.add_argument("--point", nargs=3, metavar=("LAYOUT", "COMPLETIONS", "TOKENS"), help="measure one point only")
    options = parser.parse_args()
    if options.point:
        layout, completions, tokens = options.point
        print(peak_mib(layout, int(completions), int(tokens)))
        return
    points: dict[str, list[tuple[int, float]]] = {}
    for name, (layout, completions, sizes) in SERIES.items():
        for tokens in sizes:
            command = [sys.executable, "-m", "benchmarks.memory", "--point", layout, str(completions), str(tokens)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            points.setdefault(name, []).append((tokens, round(float(output.split()[-1]), 1)))
            print(name, points[name][-1], file=sys.stderr)
    if options.image:
        draw(points, options.image)
    print(json.dumps(points))


if __name__ == "__main__":
    main()
