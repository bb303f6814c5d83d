"""The keys and shapes of the small model, and its first weights.

Stable Diffusion 1.x's layout with small widths: a UNet of 64 channels times 1, 2, 2, one residual block a level and
attention on the two lower levels; an f8 VAE of 32 channels times 1, 1, 2, 2; a text encoder of 4 layers of 128.
"""
import math
from collections.abc import Iterator

import torch

from model import CLIP, UNET, VAE

CHANNELS, MULTIPLIERS, ATTENTION_LEVELS = 64, (1, 2, 2), (1, 2)
EMBEDDING, CONTEXT = 256, 128
VAE_CHANNELS, VAE_MULTIPLIERS = 32, (1, 1, 2, 2)
CLIP_LAYERS, CLIP_TOKENS, CLIP_POSITIONS = 4, 49408, 77
Shapes = Iterator[tuple[str, tuple[int, ...]]]


def affine(name: str, *shape: int) -> Shapes:
    """A weight and a bias; the bias is as long as the weight's first side."""
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def named(prefix: str, *layers: tuple) -> Shapes:
    for name, *shape in layers:
        yield from affine(prefix + name, *shape)


def unet_shapes() -> Shapes:
    """Keys without the prefix UNET."""
    yield from named("", ("time_embed.0", EMBEDDING, CHANNELS), ("time_embed.2", EMBEDDING, EMBEDDING))
    yield from affine("input_blocks.0.0", CHANNELS, 4, 3, 3)
    width, index, skips = CHANNELS, 1, [CHANNELS]
    for level, multiplier in enumerate(MULTIPLIERS):
        yield from residual_shapes(f"input_blocks.{index}.0", width, width := CHANNELS * multiplier)
        if level in ATTENTION_LEVELS:
            yield from transformer_shapes(f"input_blocks.{index}.1", width)
        skips.append(width)
        index += 1
        if level < len(MULTIPLIERS) - 1:
            yield from affine(f"input_blocks.{index}.0.op", width, width, 3, 3)
            skips.append(width)
            index += 1
    yield from residual_shapes("middle_block.0", width, width)
    yield from transformer_shapes("middle_block.1", width)
    yield from residual_shapes("middle_block.2", width, width)
    index = 0
    for level, multiplier in reversed(list(enumerate(MULTIPLIERS))):
        for block in range(2):
            name = f"output_blocks.{index}"
            yield from residual_shapes(f"{name}.0", width + skips.pop(), width := CHANNELS * multiplier)
            if level in ATTENTION_LEVELS:
                yield from transformer_shapes(f"{name}.1", width)
            if block == 1 and level > 0:
                yield from affine(f"{name}.{2 if level in ATTENTION_LEVELS else 1}.conv", width, width, 3, 3)
            index += 1
    yield from named("out.", ("0", CHANNELS), ("2", 4, CHANNELS, 3, 3))


def residual_shapes(name: str, ins: int, outs: int) -> Shapes:
    yield from named(f"{name}.", ("in_layers.0", ins), ("in_layers.2", outs, ins, 3, 3), ("emb_layers.1", outs, EMBEDDING))
    yield from named(f"{name}.", ("out_layers.0", outs), ("out_layers.3", outs, outs, 3, 3))
    if ins != outs:
        yield from affine(f"{name}.skip_connection", outs, ins, 1, 1)


def transformer_shapes(name: str, width: int) -> Shapes:
    yield from named(f"{name}.", ("norm", width), ("proj_in", width, width, 1, 1), ("proj_out", width, width, 1, 1))
    block = f"{name}.transformer_blocks.0."
    for attention, source in (("attn1", width), ("attn2", CONTEXT)):
        yield f"{block}{attention}.to_q.weight", (width, width)
        yield f"{block}{attention}.to_k.weight", (width, source)
        yield f"{block}{attention}.to_v.weight", (width, source)
        yield from affine(f"{block}{attention}.to_out.0", width, width)
    yield from named(block, ("norm1", width), ("norm2", width), ("norm3", width))
    yield from named(block, ("ff.net.0.proj", width * 8, width), ("ff.net.2", width, width * 4))


def vae_shapes() -> Shapes:
    """Keys without the prefix VAE."""
    widths = [VAE_CHANNELS * multiplier for multiplier in VAE_MULTIPLIERS]
    yield from affine("encoder.conv_in", widths[0], 3, 3, 3)
    width = widths[0]
    for level, outs in enumerate(widths):
        yield from vae_residual_shapes(f"encoder.down.{level}.block.0", width, width := outs)
        if level < len(widths) - 1:
            yield from affine(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    yield from vae_middle_shapes("encoder.mid", width)
    yield from named("encoder.", ("norm_out", width), ("conv_out", 8, width, 3, 3))
    yield from named("", ("quant_conv", 8, 8, 1, 1), ("post_quant_conv", 4, 4, 1, 1), ("decoder.conv_in", width, 4, 3, 3))
    yield from vae_middle_shapes("decoder.mid", width)
    for level, outs in reversed(list(enumerate(widths))):
        for block in range(2):
            yield from vae_residual_shapes(f"decoder.up.{level}.block.{block}", width, width := outs)
        if level > 0:
            yield from affine(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    yield from named("decoder.", ("norm_out", width), ("conv_out", 3, width, 3, 3))


def vae_middle_shapes(name: str, width: int) -> Shapes:
    yield from vae_residual_shapes(f"{name}.block_1", width, width)
    yield from affine(f"{name}.attn_1.norm", width)
    yield from named(f"{name}.attn_1.", *((part, width, width, 1, 1) for part in ("q", "k", "v", "proj_out")))
    yield from vae_residual_shapes(f"{name}.block_2", width, width)


def vae_residual_shapes(name: str, ins: int, outs: int) -> Shapes:
    yield from named(f"{name}.", ("norm1", ins), ("conv1", outs, ins, 3, 3), ("norm2", outs), ("conv2", outs, outs, 3, 3))
    if ins != outs:
        yield from affine(f"{name}.nin_shortcut", outs, ins, 1, 1)


def clip_shapes() -> Shapes:
    """Keys without the prefix CLIP."""
    yield "embeddings.token_embedding.weight", (CLIP_TOKENS, CONTEXT)
    yield "embeddings.position_embedding.weight", (CLIP_POSITIONS, CONTEXT)
    for index in range(CLIP_LAYERS):
        layer = f"encoder.layers.{index}."
        yield from named(layer, ("layer_norm1", CONTEXT), ("layer_norm2", CONTEXT))
        yield from named(layer, *((f"self_attn.{part}_proj", CONTEXT, CONTEXT) for part in ("q", "k", "v", "out")))
        yield from named(layer, ("mlp.fc1", CONTEXT * 4, CONTEXT), ("mlp.fc2", CONTEXT, CONTEXT * 4))
    yield from affine("final_layer_norm", CONTEXT)


def first_weights(prefix: str, seed: int) -> dict[str, torch.Tensor]:
    """Random weights for UNET, VAE or CLIP, with full keys."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {UNET: unet_shapes, VAE: vae_shapes, CLIP: clip_shapes}[prefix]
    return {prefix + name: first_weight(prefix, name, shape, generator) for name, shape in shapes()}


def first_weight(prefix: str, name: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Norms start as the identity, biases at zero; the UNet's residual branches start silent."""
    if len(shape) == 1:
        return torch.ones(shape) if name.endswith("weight") else torch.zeros(shape)
    if "embedding." in name:
        return torch.randn(shape, generator=generator) * (0.1 if "token" in name else 0.05)
    silent = prefix == UNET and any(end in name for end in ("out.2.", "out_layers.3.", "proj_out."))
    quiet = prefix == VAE and ("conv2." in name or "proj_out." in name)
    gain = 0.0 if silent else 0.2 if quiet else 1.0
    return torch.randn(shape, generator=generator) * gain / math.sqrt(math.prod(shape[1:]))
