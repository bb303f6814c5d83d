"""Stable Diffusion 1.x's three networks as functions over a checkpoint's own keys.

`weights` is a plain dict from full key to tensor; everything about the architecture but the number of attention heads
is read from which keys exist and from their shapes, so any checkpoint of the family runs here. Used for training and as
the PyTorch reference. Sizes: B pictures, C channels, H x W latent pixels, N tokens, D context width.
"""
import math

import torch
import torch.nn.functional as F

UNET, VAE, CLIP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model."
LATENT_SCALE = 0.18215
UNET_HEADS, CLIP_HEADS = 8, 2  # Stable Diffusion 1.x: 8 heads in the UNet, heads of 64 channels in the text encoder
GROUPS = 32
UNET_EPS, VAE_EPS = 1e-5, 1e-6


class Layers:
    """The layers under one prefix, called by name."""

    def __init__(self, weights: dict[str, torch.Tensor], prefix: str):
        self.weights, self.prefix = weights, prefix

    def under(self, name: str) -> "Layers":
        return Layers(self.weights, f"{self.prefix}{name}.")

    def has(self, name: str) -> bool:
        return self.prefix + name in self.weights

    def get(self, name: str) -> torch.Tensor | None:
        return self.weights.get(self.prefix + name)

    def count(self, pattern: str) -> int:
        """How many n = 0, 1, 2... have the key `pattern.format(n)`."""
        n = 0
        while self.has(pattern.format(n)):
            n += 1
        return n

    def linear(self, name: str, x):
        return F.linear(x, self.get(name + ".weight"), self.get(name + ".bias"))

    def conv(self, name: str, x, stride: int = 1, padding: int | None = None):
        """Keeps H x W unless told otherwise."""
        weight = self.get(name + ".weight")
        return F.conv2d(x, weight, self.get(name + ".bias"), stride, weight.shape[2] // 2 if padding is None else padding)

    def group_norm(self, name: str, x, eps: float):
        return F.group_norm(x.float(), GROUPS, self.get(name + ".weight"), self.get(name + ".bias"), eps)

    def layer_norm(self, name: str, x):
        weight = self.get(name + ".weight")
        return F.layer_norm(x.float(), weight.shape, weight, self.get(name + ".bias"))


def attention(q, k, v, heads: int, mask=None):
    """softmax(q k^T / sqrt(d) + mask) v for each head of d channels; [B, N, C] in and out."""
    batch, _, channels = q.shape
    q, k, v = (t.view(batch, -1, heads, channels // heads).transpose(1, 2) for t in (q, k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(channels // heads)
    if mask is not None:
        scores = scores + mask
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, -1, channels)


# --- UNet


def unet(weights, noisy, timesteps, context, heads: int = UNET_HEADS):
    """The noise in `noisy` [B, 4, H, W], given timesteps [B] and context [B, N, D]."""
    net = Layers(weights, UNET)
    embedding = timestep_embedding(timesteps, net.get("time_embed.0.weight").shape[1])
    embedding = net.linear("time_embed.2", F.silu(net.linear("time_embed.0", embedding)))
    step = lambda name, x, size=None: unet_block(net.under(name), x, embedding, context, heads, size)

    x, skips, index = noisy, [], 0
    while any(net.has(f"input_blocks.{index}.0.{key}") for key in ("weight", "in_layers.0.weight", "op.weight")):
        x = step(f"input_blocks.{index}", x)
        skips.append(x)
        index += 1
    x = step("middle_block", x)
    for index in range(len(skips)):
        x = torch.cat([x, skips.pop()], dim=1)
        x = step(f"output_blocks.{index}", x, skips[-1].shape[2:] if skips else None)
    return net.conv("out.2", F.silu(net.group_norm("out.0", x, UNET_EPS)))


def timestep_embedding(timesteps, width: int):
    """cos(t f_i) then sin(t f_i) with f_i = 10000^(-i / (width / 2)); [B, width]."""
    half = width // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    angles = timesteps[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def unet_block(block: Layers, x, embedding, context, heads: int, upsampled_size=None):
    """Runs the layers 0, 1, 2... of one block; what each of them is shows in its keys."""
    index = 0
    while True:
        layer = block.under(str(index))
        if layer.has("in_layers.0.weight"):
            x = residual_block(layer, x, embedding)
        elif layer.has("norm.weight"):
            x = spatial_transformer(layer, x, context, heads)
        elif layer.has("op.weight"):
            x = layer.conv("op", x, stride=2)
        elif layer.has("conv.weight"):
            x = layer.conv("conv", F.interpolate(x, size=upsampled_size, mode="nearest"))
        elif layer.has("weight"):
            x = block.conv(str(index), x)
        else:
            return x
        index += 1


def residual_block(layer: Layers, x, embedding):
    h = layer.conv("in_layers.2", F.silu(layer.group_norm("in_layers.0", x, UNET_EPS)))
    h = h + layer.linear("emb_layers.1", F.silu(embedding))[:, :, None, None]
    h = layer.conv("out_layers.3", F.silu(layer.group_norm("out_layers.0", h, UNET_EPS)))
    return h + (layer.conv("skip_connection", x) if layer.has("skip_connection.weight") else x)


def spatial_transformer(layer: Layers, x, context, heads: int):
    """Self-attention, attention to the context and a GEGLU layer over the pixels as tokens."""
    batch, _, height, width = x.shape
    y = layer.conv("proj_in", layer.group_norm("norm", x, VAE_EPS)).flatten(2).transpose(1, 2)
    for depth in range(layer.count("transformer_blocks.{}.norm1.weight")):
        block = layer.under(f"transformer_blocks.{depth}")
        y = y + cross_attention(block.under("attn1"), normed := block.layer_norm("norm1", y), normed, heads)
        y = y + cross_attention(block.under("attn2"), block.layer_norm("norm2", y), context, heads)
        value, gate = block.linear("ff.net.0.proj", block.layer_norm("norm3", y)).chunk(2, dim=-1)
        y = y + block.linear("ff.net.2", value * F.gelu(gate))
    return x + layer.conv("proj_out", y.transpose(1, 2).reshape(batch, -1, height, width))


def cross_attention(layer: Layers, x, source, heads: int):
    q, k, v = layer.linear("to_q", x), layer.linear("to_k", source), layer.linear("to_v", source)
    return layer.linear("to_out.0", attention(q, k, v, heads))


# --- VAE


def encode(weights, picture):
    """Mean and log variance, each [B, 4, H/8, W/8], of a picture [B, 3, H, W] in -1..1; not scaled by LATENT_SCALE."""
    net = Layers(weights, VAE)
    h = net.conv("encoder.conv_in", picture)
    for level in range(net.count("encoder.down.{}.block.0.conv1.weight")):
        down = net.under(f"encoder.down.{level}")
        h = vae_blocks(down, h)
        if down.has("downsample.conv.weight"):
            h = down.conv("downsample.conv", F.pad(h, (0, 1, 0, 1)), stride=2, padding=0)
    h = vae_middle(net.under("encoder.mid"), h)
    h = net.conv("encoder.conv_out", F.silu(net.group_norm("encoder.norm_out", h, VAE_EPS)))
    return net.conv("quant_conv", h).chunk(2, dim=1)


def decode(weights, latents, peaks: list | None = None):
    """Picture [B, 3, 8H, 8W], about -1..1, of latents [B, 4, H, W] already divided by LATENT_SCALE.

    Into `peaks`, if given, goes for each group norm the largest activation of each picture over their RMS, [B].
    """
    net = Watched(weights, VAE, peaks) if peaks is not None else Layers(weights, VAE)
    h = net.conv("decoder.conv_in", net.conv("post_quant_conv", latents))
    h = vae_middle(net.under("decoder.mid"), h)
    for level in reversed(range(net.count("decoder.up.{}.block.0.conv1.weight"))):
        up = net.under(f"decoder.up.{level}")
        h = vae_blocks(up, h)
        if up.has("upsample.conv.weight"):
            h = up.conv("upsample.conv", F.interpolate(h, scale_factor=2, mode="nearest"))
    return net.conv("decoder.conv_out", F.silu(net.group_norm("decoder.norm_out", h, VAE_EPS)))


class Watched(Layers):
    """Layers that note how far the peak of each normalised map stands out."""

    def __init__(self, weights, prefix: str, peaks: list):
        super().__init__(weights, prefix)
        self.peaks = peaks

    def under(self, name: str) -> "Watched":
        return Watched(self.weights, f"{self.prefix}{name}.", self.peaks)

    def group_norm(self, name: str, x, eps: float):
        x = x.float()
        self.peaks.append(x.abs().amax((1, 2, 3)) / (x.square().mean((1, 2, 3)) + 1e-6).sqrt())
        return super().group_norm(name, x, eps)


def vae_blocks(level: Layers, h):
    for index in range(level.count("block.{}.conv1.weight")):
        h = vae_residual(level.under(f"block.{index}"), h)
    return h


def vae_middle(mid: Layers, h):
    return vae_residual(mid.under("block_2"), vae_attention(mid.under("attn_1"), vae_residual(mid.under("block_1"), h)))


def vae_residual(layer: Layers, x):
    h = layer.conv("conv1", F.silu(layer.group_norm("norm1", x, VAE_EPS)))
    h = layer.conv("conv2", F.silu(layer.group_norm("norm2", h, VAE_EPS)))
    return h + (layer.conv("nin_shortcut", x) if layer.has("nin_shortcut.weight") else x)


def vae_attention(layer: Layers, x):
    """One head over all pixels."""
    normed = layer.group_norm("norm", x, VAE_EPS)
    q, k, v = (layer.conv(name, normed).flatten(2).transpose(1, 2) for name in "qkv")
    return x + layer.conv("proj_out", attention(q, k, v, heads=1).transpose(1, 2).reshape(x.shape))


# --- text encoder


def encode_text(weights, tokens, heads: int = CLIP_HEADS):
    """Last hidden state after the final norm, [B, N, D], of token ids [B, N]."""
    net = Layers(weights, CLIP)
    length = tokens.shape[1]
    x = net.get("embeddings.token_embedding.weight")[tokens] + net.get("embeddings.position_embedding.weight")[:length]
    causal = torch.full((length, length), -torch.inf).triu(1)
    for index in range(net.count("encoder.layers.{}.mlp.fc1.weight")):
        layer = net.under(f"encoder.layers.{index}")
        normed = layer.layer_norm("layer_norm1", x)
        q, k, v = (layer.linear(f"self_attn.{name}_proj", normed) for name in "qkv")
        x = x + layer.linear("self_attn.out_proj", attention(q, k, v, heads, causal))
        h = layer.linear("mlp.fc1", layer.layer_norm("layer_norm2", x))
        x = x + layer.linear("mlp.fc2", h * torch.sigmoid(1.702 * h))  # "quick GELU"
    return net.layer_norm("final_layer_norm", x)
