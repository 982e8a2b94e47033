"""Peak memory of capturing a response's attention, beside transformers' `output_attentions`.

    python -m benchmarks.cmab_memory

A Qwen2.5-VL of 28 layers and 28 heads (4 of keys), 8 wide each, so that attention maps are what costs; a prompt of
2,700 text tokens, a response of 512. Every point is a process of its own: its peak resident memory, less what it had
when the model stood. Float32, one thread. Eager capture is measured at few layers and scaled, for 28 do not fit.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile

PROMPT, RESPONSE, LAYERS, HEADS, WIDTH = 2700, 512, 28, 28, 8
POINTS = (("ours", 28), ("without capture", 28), ("eager", 2), ("eager", 4))


def peak_mib(kind: str, layers: int) -> float:
    """Peak memory in MiB that a forward adds, measured in this process."""
    import torch

    from cogito_pl.policy import Prompt, TokenSets

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        policy = build(folder, layers, "eager" if kind == "eager" else "sdpa").eval()
    ids = torch.randint(20, 300, (PROMPT + RESPONSE,))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if kind == "ours":
        prompt = Prompt(ids[:PROMPT], {"mm_token_type_ids": torch.zeros(PROMPT, dtype=torch.int)}, ())
        sets = TokenSets(torch.arange(PROMPT) % 9, images=3)
        assert policy.attention(prompt, ids[PROMPT:], sets).sums.shape == (layers, RESPONSE, 9)
    else:
        position = torch.arange(PROMPT + RESPONSE - 1).expand(3, 1, -1)
        with torch.no_grad():
            output = policy.model.model(
                input_ids=ids[None, :-1], position_ids=position, use_cache=False, output_attentions=kind == "eager"
            )
        assert kind != "eager" or len(output.attentions) == layers
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def build(folder: str, layers: int, attention: str):
    """A policy of these sizes with random weights."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from cogito_pl.playground.tiny import build_config, save_tiny
    from cogito_pl.policy import Policy, PolicyConfig

    save_tiny(folder)
    config = build_config(408).to_dict()
    config["text_config"] |= {"hidden_size": HEADS * WIDTH, "num_attention_heads": HEADS, "num_key_value_heads": 4}
    config["text_config"] |= {"intermediate_size": HEADS * WIDTH, "max_position_embeddings": 4096}
    config["text_config"] |= {"num_hidden_layers": layers, "layer_types": ["full_attention"] * layers}
    config["text_config"]["rope_parameters"]["mrope_section"] = [2, 1, 1]
    config["vision_config"]["out_hidden_size"] = HEADS * WIDTH
    Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config)).save_pretrained(folder)
    return Policy(PolicyConfig(name=folder, attention=attention))


def main() -> None:
    """Measures every point and prints them, with eager capture scaled, as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--point", nargs=2, metavar=("KIND", "LAYERS"), help="measure one point only")
    options = parser.parse_args()
    if options.point:
        print(peak_mib(options.point[0], int(options.point[1])))
        return
    found: dict[str, float] = {}
    for kind, layers in POINTS:
        command = [sys.executable, "-m", "benchmarks.cmab_memory", "--point", kind, str(layers)]
        found[f"{kind}, {layers} layers"] = float(subprocess.run(command, check=True, capture_output=True).stdout)
    few, more = found["eager, 2 layers"], found["eager, 4 layers"]
    scaled = more + (more - few) / 2 * (LAYERS - 4)
    found["eager, 28 layers, scaled"] = scaled
    print(json.dumps({name: round(value) for name, value in found.items()}, indent=1))
    print(f"ours is 1/{scaled / found['ours, 28 layers']:.0f} of eager capture, {LAYERS} layers each")


if __name__ == "__main__":
    main()
