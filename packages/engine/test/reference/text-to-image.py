"""Writes ../fixtures/text-to-image.png: what PyTorch makes of examples/workflows/text-to-image.json and the shipped model.

    /usr/bin/python3 text-to-image.py

Euler's method over k-diffusion's form of the model (Karras et al. 2022, arXiv:2206.00364): x is scaled by 1/sqrt(s^2 + 1),
the network's eps is dx/ds, and guidance mixes two of them. The networks are those of tools/tiny-model/model.py, in float32.
Made with torch 1.13.1 on a CPU with AVX-512.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / "tools" / "tiny-model"))
import checkpoint  # noqa: E402
from model import LATENT_SCALE, decode, unet  # noqa: E402
from sample import contexts, signal_levels  # noqa: E402


def main() -> None:
    nodes = json.loads((ROOT / "examples/workflows/text-to-image.json").read_text()).values()
    inputs = {node["class_type"]: node["inputs"] for node in nodes}
    texts = [node["inputs"]["text"] for node in nodes if node["class_type"] == "CLIPTextEncode"]
    weights, _ = checkpoint.read(ROOT / "models/checkpoints" / inputs["CheckpointLoaderSimple"]["ckpt_name"])
    sampler, size = inputs["KSampler"], inputs["EmptyLatentImage"]
    assert (sampler["sampler_name"], sampler["scheduler"], sampler["denoise"]) == ("euler", "normal", 1)
    noise = torch.randn(1, 4, size["height"] // 8, size["width"] // 8, generator=torch.Generator().manual_seed(sampler["seed"]))
    with torch.no_grad():
        latents = euler(weights, contexts(weights, texts), noise, sampler["steps"], sampler["cfg"])
        picture = (decode(weights, latents / LATENT_SCALE)[0] + 1) / 2
    pixels = (picture.clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0).numpy()  # truncated, as SaveImage does
    Image.fromarray(np.ascontiguousarray(pixels)).save(HERE.parent / "fixtures/text-to-image.png", optimize=True)


def euler(weights, context: torch.Tensor, noise: torch.Tensor, steps: int, guidance: float) -> torch.Tensor:
    """context: [2, N, D], of the prompt and of the negative one."""
    levels = signal_levels()
    known = ((1 - levels) / levels).sqrt()
    sigmas = torch.cat([sigmas_at(known, torch.linspace(len(known) - 1, 0, steps)), torch.zeros(1)])
    x = noise * (1 + sigmas[0] ** 2).sqrt()
    for sigma, below in zip(sigmas, sigmas[1:]):
        timestep = (sigma.log() - known.log()).abs().argmin()
        scaled = x / (sigma**2 + 1).sqrt()
        prompted, negative = unet(weights, scaled.expand(2, -1, -1, -1), timestep.expand(2), context).chunk(2)
        x = x + (negative + guidance * (prompted - negative)) * (below - sigma)
    return x


def sigmas_at(known: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
    """Between whole timesteps the logarithm is linear."""
    low, high, share = timesteps.floor().long(), timesteps.ceil().long(), timesteps.frac()
    return ((1 - share) * known[low].log() + share * known[high].log()).exp()


if __name__ == "__main__":
    main()
