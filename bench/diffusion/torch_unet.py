"""Times steps of a UNet in PyTorch, walking the same keys: torch_unet.py FILE SIDE STEPS f32|bf16. Prints JSON."""
import json
import os
import re
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

PREFIX = "model.diffusion_model."


def read(file):
    """The UNet's tensors, mapped; in F32 they are copied where the file has halves."""
    with open(file, "rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        header = json.loads(handle.read(length))
    data = np.memmap(file, dtype=np.uint8, mode="c", offset=8 + length)
    types = {"F32": np.float32, "F16": np.float16}
    weights = {}
    for key, entry in header.items():
        if key.startswith(PREFIX):
            start, end = entry["data_offsets"]
            values = data[start:end].copy().view(types[entry["dtype"]])
            weights[key[len(PREFIX):]] = torch.from_numpy(values).float().reshape(entry["shape"])
    return weights


class Unet:
    def __init__(self, weights):
        self.w = weights
        self.names = {key[:dot.start()] for key in weights for dot in re.finditer(r"\.", key)}
        self.context_width = next(v.shape[1] for k, v in weights.items() if k.endswith("attn2.to_k.weight"))

    def linear(self, name, x):
        weight = self.w[name + ".weight"]
        return F.linear(x, weight.flatten(1), self.w.get(name + ".bias"))

    def conv(self, name, x, stride=1):
        weight = self.w[name + ".weight"]
        return F.conv2d(x, weight, self.w[name + ".bias"], stride, weight.shape[-1] // 2)

    def group_norm(self, name, x, epsilon=1e-5):
        norm = F.group_norm(x.float(), 32, self.w[name + ".weight"], self.w[name + ".bias"], epsilon)
        return norm.to(x.dtype)

    def layer_norm(self, name, x):
        weight = self.w[name + ".weight"]
        return F.layer_norm(x.float(), weight.shape, weight, self.w[name + ".bias"]).to(x.dtype)

    def two(self, name, x):
        return self.linear(name + ".2", F.silu(self.linear(name + ".0", x)))

    def residual(self, name, x, emb):
        h = self.conv(name + ".in_layers.2", F.silu(self.group_norm(name + ".in_layers.0", x)))
        h = h + self.linear(name + ".emb_layers.1", emb)[:, :, None, None]
        h = self.conv(name + ".out_layers.3", F.silu(self.group_norm(name + ".out_layers.0", h)))
        return h + (self.conv(name + ".skip_connection", x) if name + ".skip_connection" in self.names else x)

    def attention(self, name, x, source, heads):
        split = lambda t: t.unflatten(-1, (heads, -1)).transpose(1, 2)
        q, k, v = (split(self.linear(f"{name}.to_{p}", s)) for p, s in (("q", x), ("k", source), ("v", source)))
        scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        return self.linear(name + ".to_out.0", (scores.softmax(-1) @ v).transpose(1, 2).flatten(2))

    def transformer(self, name, x, context):
        b, c, height, width = x.shape
        heads = 8 if self.context_width == 768 else c // 64
        h = self.linear(name + ".proj_in", self.group_norm(name + ".norm", x, 1e-6).flatten(2).transpose(1, 2))
        index = 0
        while f"{name}.transformer_blocks.{index}" in self.names:
            block = f"{name}.transformer_blocks.{index}"
            n = self.layer_norm(block + ".norm1", h)
            h = h + self.attention(block + ".attn1", n, n, heads)
            h = h + self.attention(block + ".attn2", self.layer_norm(block + ".norm2", h), context, heads)
            value, gate = self.linear(block + ".ff.net.0.proj", self.layer_norm(block + ".norm3", h)).chunk(2, -1)
            h = h + self.linear(block + ".ff.net.2", value * F.gelu(gate))
            index += 1
        return x + self.linear(name + ".proj_out", h).transpose(1, 2).reshape(b, c, height, width)

    def block(self, name, x, emb, context):
        index = 0
        while f"{name}.{index}" in self.names:
            layer = f"{name}.{index}"
            if layer + ".in_layers" in self.names:
                x = self.residual(layer, x, emb)
            elif layer + ".transformer_blocks" in self.names:
                x = self.transformer(layer, x, context)
            elif layer + ".op" in self.names:
                x = self.conv(layer + ".op", x, 2)
            elif layer + ".conv" in self.names:
                x = self.conv(layer + ".conv", F.interpolate(x, scale_factor=2, mode="nearest"))
            else:
                x = self.conv(layer, x)
            index += 1
        return x

    def __call__(self, x, timestep, context, y):
        half = self.w["time_embed.0.weight"].shape[1] // 2
        angles = timestep[:, None] * torch.exp(-np.log(10000) * torch.arange(half) / half)
        emb = self.two("time_embed", torch.cat([angles.cos(), angles.sin()], -1))
        if "label_emb.0" in self.names:
            emb = emb + self.two("label_emb.0", y)
        emb, skips, index = F.silu(emb), [], 0
        while f"input_blocks.{index}" in self.names:
            x = self.block(f"input_blocks.{index}", x, emb, context)
            skips.append(x)
            index += 1
        x = self.block("middle_block", x, emb, context)
        for index in range(len(skips)):
            x = self.block(f"output_blocks.{index}", torch.cat([x, skips.pop()], 1), emb, context)
        return self.conv("out.2", F.silu(self.group_norm("out.0", x)))


def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(field + ":"))


def product_gflops(side=1024):
    """Tells whether a BLAS worth the name is there: Debian's torch comes with the reference one (6 instead of 80)."""
    a, fastest = torch.randn(side, side), float("inf")
    for _ in range(5):
        started = time.perf_counter()
        a @ a
        fastest = min(fastest, time.perf_counter() - started)
    return 2 * side**3 / fastest / 1e9


def main():
    file, side, steps, precision = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # Debian's build takes one where OpenMP says nothing
    started = time.perf_counter()
    unet = Unet(read(file))
    if precision == "bf16":
        unet.w = {key: value.bfloat16() if value.dim() > 1 else value for key, value in unet.w.items()}
    load_ms = (time.perf_counter() - started) * 1000
    y_width = unet.w["label_emb.0.0.weight"].shape[1] if "label_emb.0" in unet.names else 0
    x, context = torch.randn(1, 4, side, side), torch.randn(1, 77, unet.context_width)
    times = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        for step in range(steps + 1):
            started = time.perf_counter()
            unet(x, torch.tensor([500.0]), context, torch.randn(1, y_width))
            if step > 0:
                times.append((time.perf_counter() - started) * 1000)
    print(json.dumps({
        "versions": f"torch {torch.__version__}, {torch.get_num_threads()} threads, {product_gflops():.0f} GFLOPS in a product",
        "loadMs": load_ms,
        "stepMs": times,
        "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "anonymousMb": status("RssAnon"),
        "fileMb": status("RssFile"),
    }))


main()
