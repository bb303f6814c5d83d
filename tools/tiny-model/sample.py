"""Pictures from captions: DDIM (eta 0) with classifier-free guidance, as Stable Diffusion 1.x is sampled."""
import numpy as np
import torch

from caption import UNKNOWN, plain_tokens
from model import CLIP, LATENT_SCALE, decode, encode_text, unet

TIMESTEPS = 1000
BATCH = 16


def signal_levels() -> torch.Tensor:
    """abar_t: products of 1 - beta_t, sqrt(beta) linear from sqrt(0.00085) to sqrt(0.012); float32 [1000]."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0).float()


@torch.no_grad()
def sample(weights, captions: list[str], seed: int, steps: int = 25, guidance: float = 4.0) -> np.ndarray:
    """uint8 pictures [B, 128, 128, 3]; picture i starts from the noise of seed + i."""
    pictures = [
        decode_pictures(weights, sample_latents(weights, captions[at : at + BATCH], seed + at, steps, guidance))
        for at in range(0, len(captions), BATCH)
    ]
    return np.concatenate(pictures)


def sample_latents(weights, captions: list[str], seed: int, steps: int, guidance: float) -> torch.Tensor:
    """x_s = sqrt(abar_s) x0 + sqrt(1 - abar_s) eps, from noise down to x0; [B, 4, 16, 16], scaled."""
    levels, count = signal_levels(), len(captions)
    context = contexts(weights, captions + [""] * count)
    noises = [torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(seed + i)) for i in range(count)]
    x = torch.stack(noises)
    timesteps = torch.linspace(TIMESTEPS - 1, 0, steps).round().long()
    for index, timestep in enumerate(timesteps):
        prompted, empty = unet(weights, torch.cat([x, x]), timestep.expand(2 * count), context).chunk(2)
        noise = empty + guidance * (prompted - empty)
        level = levels[timestep]
        clean = (x - (1 - level).sqrt() * noise) / level.sqrt()
        below = levels[timesteps[index + 1]] if index + 1 < steps else torch.tensor(1.0)
        x = below.sqrt() * clean + (1 - below).sqrt() * noise
    return x


def contexts(weights, captions: list[str]) -> torch.Tensor:
    """[B, 77, D]. An unknown word reads any row that is zero, as all rows of unlearnt words are."""
    tokens = torch.tensor([plain_tokens(caption) for caption in captions])
    zero_row = int((weights[CLIP + "embeddings.token_embedding.weight"] == 0).all(dim=1).nonzero()[0])
    return encode_text(weights, tokens.masked_fill(tokens == UNKNOWN, zero_row))


def decode_pictures(weights, latents: torch.Tensor) -> np.ndarray:
    pictures = (decode(weights, latents / LATENT_SCALE) + 1) * 127.5
    return pictures.clamp(0, 255).round().byte().permute(0, 2, 3, 1).numpy()


def sheet(pictures: np.ndarray, columns: int = 8) -> np.ndarray:
    """The pictures side by side in rows; a last row that is not full is left out."""
    rows = [np.concatenate(list(pictures[at : at + columns]), axis=1) for at in range(0, len(pictures) - columns + 1, columns)]
    return np.concatenate(rows)
