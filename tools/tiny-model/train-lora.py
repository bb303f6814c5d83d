"""Teaches the model hollow shapes as a LoRA: python3 train-lora.py CHECKPOINT --out DIR

Writes `loom-hollow.safetensors` in the common kohya form: for each patched layer `<name>.lora_down.weight` (rank x
in), `<name>.lora_up.weight` (out x rank) and `<name>.alpha`; the patched weight is W + alpha / rank * up @ down. Resumes
as train.py does.
"""
import argparse
import random
import re
from pathlib import Path

import torch
from PIL import Image

import caption
import checkpoint
from draw import describe, held_out_scenes, scene_of
from loop import Stage, log, run
from model import CLIP, CLIP_HEADS, UNET, UNET_HEADS, encode_text, unet
from sample import sample, sheet, signal_levels
from train import bfloat16, compact, known_text, latents_of, loss_weight, timesteps

RANK, ALPHA = 8, 8.0
PICTURES, BATCH = 1000, 16
NAME = "loom-hollow.safetensors"
PATCHED = re.compile(r"(attn[12]\.to_(q|k|v|out\.0)|ff\.net\.(0\.proj|2)|proj_(in|out)|self_attn\.\w+_proj|mlp\.fc[12])\.weight$")
UNET_PLACES = {  # the model's block: its name in kohya's files, which follow the diffusers library
    "input_blocks.3.1": "down_blocks_1_attentions_0", "input_blocks.5.1": "down_blocks_2_attentions_0",
    "middle_block.1": "mid_block_attentions_0",
    "output_blocks.0.1": "up_blocks_0_attentions_0", "output_blocks.1.1": "up_blocks_0_attentions_1",
    "output_blocks.2.1": "up_blocks_1_attentions_0", "output_blocks.3.1": "up_blocks_1_attentions_1",
}


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    weights, _ = checkpoint.read(options.checkpoint)
    targets = {key: kohya_name(key) for key in weights if key.startswith((UNET, CLIP)) and PATCHED.search(key)}
    learnt = train(options, weights, targets)
    write(options.out / NAME, learnt, targets, weights)
    scenes = held_out_scenes(16)
    pictures = sample(patched(weights, learnt, targets), [describe(scene) for scene in scenes], seed=1)
    Image.fromarray(sheet(pictures)).save(options.out / "hollow.png")


def kohya_name(key: str) -> str:
    """`model.diffusion_model.middle_block.1.proj_in.weight` -> `lora_unet_mid_block_attentions_0_proj_in`."""
    if key.startswith(CLIP):
        return "lora_te_text_model_" + key.removeprefix(CLIP).removesuffix(".weight").replace(".", "_")
    inner = key.removeprefix(UNET).removesuffix(".weight")
    block = next(block for block in UNET_PLACES if inner.startswith(block + "."))
    return f"lora_unet_{UNET_PLACES[block]}_{inner.removeprefix(block + '.').replace('.', '_')}"


def train(options, weights, targets) -> dict[str, torch.Tensor]:
    """The small model's own loss, on hollow shapes; only `down` and `up` of each target learn."""
    generator, lora = torch.Generator().manual_seed(3), {}
    for key, name in targets.items():
        outs, ins = weights[key].shape[:2]
        lora[f"{name}.lora_down.weight"] = torch.randn(RANK, ins, generator=generator) / ins**0.5
        lora[f"{name}.lora_up.weight"] = torch.zeros(outs, RANK)
    latents = latents_of(options.out / "latents.pt", weights, PICTURES, hollow=True)
    levels, text = signal_levels(), known_text(weights)

    def loss(step: int):
        rng = random.Random(step)
        indices = [rng.randrange(PICTURES) for _ in range(BATCH)]
        said = [caption.empty() if rng.random() < 0.1 else caption.worded(scene_of(index), rng) for index in indices]
        t = timesteps(BATCH)
        clean, level = latents[indices], levels[t][:, None, None, None]
        noise, now = torch.randn_like(clean), patched(weights | text, lora, targets)
        with bfloat16():
            context = encode_text(now, compact([tokens for tokens, _ in said]), CLIP_HEADS)
            guess = unet(now, level.sqrt() * clean + (1 - level).sqrt() * noise, t, context, UNET_HEADS).float()
        return (loss_weight(level).flatten() * (guess - noise).square().mean((1, 2, 3))).mean()

    return run(options.out, Stage("lora", options.steps, 4e-3, average=0.99), lora, loss)


def patched(weights, lora, targets) -> dict[str, torch.Tensor]:
    """All weights, the targets as W + alpha / rank * up @ down."""
    change = lambda name: ALPHA / RANK * (lora[f"{name}.lora_up.weight"] @ lora[f"{name}.lora_down.weight"])
    return weights | {key: weights[key] + change(name).view(weights[key].shape) for key, name in targets.items()}


def write(path: Path, lora, targets, weights) -> None:
    """Convolutions of 1 x 1 keep their two last sides in the file."""
    tensors = {}
    for key, name in targets.items():
        tail = weights[key].shape[2:]
        for part in ("lora_down", "lora_up"):
            matrix = lora[f"{name}.{part}.weight"]
            tensors[f"{name}.{part}.weight"] = matrix.view(*matrix.shape, *tail)
        tensors[f"{name}.alpha"] = torch.tensor(ALPHA)
    metadata = {"ss_network_dim": str(RANK), "ss_network_alpha": str(ALPHA), "ss_network_module": "networks.lora"}
    size = checkpoint.write(path, tensors, metadata)
    log(f"{path}: {len(targets)} patched layers, {size / 1e6:.2f} MB")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
