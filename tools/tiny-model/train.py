"""Trains the model in the box: python3 train.py --out DIR [--init CHECKPOINT]

Stages, each resumable: `vae` (left out with --init) -> `text` -> latents -> `unet` -> `decoder` -> `loom-shapes.safetensors`.
Every stage has a budget in steps. Step n of a stage draws its own random numbers from its number, so a run that is
stopped (SIGTERM, SIGINT: it saves and exits) and started again by the same command goes on as if nothing had happened.
--export writes the checkpoint as it stands, also while training runs.
"""
import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import caption
import checkpoint
from adherence import NOISE_SEED, report
from draw import SEED, describe, held_out_scenes, picture_of, scene_of
from judge import judge
from layout import first_weights
from loop import Stage, log, run, write_whole
from model import CLIP, CLIP_HEADS, LATENT_SCALE, UNET, UNET_HEADS, VAE, decode, encode, encode_text, unet
from sample import TIMESTEPS, sample, sheet, signal_levels

PICTURES = 20000
TOKEN_TABLE = CLIP + "embeddings.token_embedding.weight"
LEARNT_IDS = sorted({*caption.WORD_IDS.values(), caption.START, caption.END})
FIRST_READ = 22  # no training caption is longer: from here on all tokens are END and have read the whole caption
HIGHEST_WEIGHT, NOISY_SHARE, NOISY_FROM, EMPTY_SHARE = 8.0, 0.35, 600, 0.1
HIGHEST_PEAK = 5.0
ENCODED_AT_ONCE = 50
HOLLOW_PICTURES = 1000  # the decoder learns them too: for the LoRA, and for pictures that users bring
PREVIEW_PICTURES = 400
NAME = "loom-shapes.safetensors"


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.export:
        export(options)
        return
    weights = start_weights(options)
    if not options.init:
        train_vae(options, weights)
    train_text(options, weights)
    latents = latents_of(options.out / "latents.pt", weights, options.pictures)
    if options.only != "decoder":
        train_unet(options, weights, latents)
    if options.only != "unet":
        train_decoder(options, weights, latents)
    if options.only:
        return
    export(options)
    log("done")


def start_weights(options) -> dict[str, torch.Tensor]:
    """Random weights, overlaid by those of --init whose key and shape fit."""
    weights = {}
    for number, prefix in enumerate((UNET, VAE, CLIP)):
        weights |= first_weights(prefix, SEED + number)
    if options.init:
        given, _ = checkpoint.read(options.init)
        kept = {key: tensor for key, tensor in given.items() if key in weights and weights[key].shape == tensor.shape}
        kept = {key: tensor for key, tensor in kept.items() if not key.startswith(CLIP)}  # its task is another here
        log(f"{len(kept)} of {len(weights)} tensors come from {options.init.name}")
        weights |= kept
    return weights


def under(weights, *prefixes: str) -> dict[str, torch.Tensor]:
    return {key: tensor for key, tensor in weights.items() if key.startswith(prefixes)}


# --- VAE


def train_vae(options, weights) -> None:
    """|x - y| + (x - y)^2 + 0.001 KL; then the latents are shifted and scaled to mean 0 and deviation 1 / LATENT_SCALE."""
    parameters = under(weights, VAE)

    def loss(step: int):
        x = pictures_at(random.choices(range(PICTURES), k=8))
        with bfloat16():
            mean, log_variance = (t.float() for t in encode(parameters, x))
            log_variance = log_variance.clamp(-30, 10)
            y = decode(parameters, mean + torch.randn_like(mean) * (0.5 * log_variance).exp(), peaks := []).float()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return F.l1_loss(y, x) + F.mse_loss(y, x) + 1e-3 * divergence + peak_penalty(peaks)

    weights |= run(options.out, Stage("vae", options.vae_steps, 1.5e-3, average=0.99), parameters, loss)
    with torch.no_grad():
        normalise_latents(weights)


def normalise_latents(weights) -> None:
    """Folds z' = s (z - mean) into quant_conv, and its inverse into post_quant_conv."""
    z = torch.cat([encode(weights, pictures_at(range(at, at + 32)))[0] for at in range(0, 512, 32)])
    mean, s = z.mean((0, 2, 3)), 1 / (LATENT_SCALE * z.std())
    quant_weight, quant_bias = weights[VAE + "quant_conv.weight"], weights[VAE + "quant_conv.bias"]
    post_weight, post_bias = weights[VAE + "post_quant_conv.weight"], weights[VAE + "post_quant_conv.bias"]
    post_bias += post_weight[:, :, 0, 0] @ mean
    post_weight /= s
    quant_bias[:4] -= mean
    quant_weight[:4] *= s
    quant_bias[:4] *= s
    quant_bias[4:] += 2 * s.log()


def pictures_at(indices, hollow: bool = False) -> torch.Tensor:
    """float32 [B, 3, 128, 128] in -1..1."""
    pictures = np.stack([picture_of(index, hollow=hollow) for index in indices])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def peak_penalty(peaks: list[torch.Tensor]) -> torch.Tensor:
    """Group norms tempt a decoder to hide one huge activation somewhere, which shows as a small ring in the picture."""
    return 1e-3 * sum((peak - HIGHEST_PEAK).relu().mean() for peak in peaks)


# --- text encoder


def train_text(options, weights) -> None:
    """Teaches the END tokens to say what the caption puts where: the token at position p tells of place p mod 6.

    Read by linear heads that all places share, so that a place's colour, shape and size lie in the same directions of
    the context whatever the place; cross-attention then has only to learn which token to look at from which pixel.
    """
    parameters = under(weights, CLIP)
    parameters[TOKEN_TABLE] = parameters[TOKEN_TABLE][LEARNT_IDS].clone()
    classes = [len(names) for names in (caption.COLOUR_CLASSES, caption.SHAPE_CLASSES, caption.SIZE_CLASSES)]
    parameters["heads.weight"] = torch.randn(sum(classes), 128) / 128**0.5
    parameters["heads.bias"] = torch.zeros(sum(classes))
    positions = torch.arange(FIRST_READ, caption.LENGTH)
    places = positions % len(caption.SLOTS)

    def loss(step: int):
        rng = random.Random(step)
        said = [caption.worded(scene_of(rng.randrange(10**9)), rng) for _ in range(63)] + [caption.empty()]
        labels = torch.tensor([slots for _, slots in said])[:, places]  # [64, positions, 3]
        with bfloat16():
            context = encode_text(with_compact_table(parameters), compact([tokens for tokens, _ in said]), CLIP_HEADS)
        logits = F.linear(context[:, positions], parameters["heads.weight"], parameters["heads.bias"]).split(classes, dim=-1)
        return sum(F.cross_entropy(part.flatten(0, 1), labels[..., which].flatten()) for which, part in enumerate(logits))

    learnt = run(options.out, Stage("text", options.text_steps, 1e-3, average=0.995), parameters, loss)
    weights |= full_text(learnt)


def compact(token_lists: list[list[int]]) -> torch.Tensor:
    """Row numbers in the table of learnt words; row 0 is the unknown word's."""
    rows = {token: row for row, token in enumerate(LEARNT_IDS, start=1)} | {caption.UNKNOWN: 0}
    return torch.tensor([[rows[token] for token in tokens] for tokens in token_lists])


def with_compact_table(parameters) -> dict[str, torch.Tensor]:
    table = parameters[TOKEN_TABLE]
    return parameters | {TOKEN_TABLE: torch.cat([torch.zeros(1, table.shape[1]), table])}


def known_text(weights) -> dict[str, torch.Tensor]:
    """The text encoder's weights with the table that `compact` numbers rows of."""
    return with_compact_table(under(weights, CLIP) | {TOKEN_TABLE: weights[TOKEN_TABLE][LEARNT_IDS]})


def full_text(learnt) -> dict[str, torch.Tensor]:
    """The text encoder's weights with all 49,408 rows: zero for the words that were not learnt."""
    table = torch.zeros(49408, learnt[TOKEN_TABLE].shape[1])
    table[LEARNT_IDS] = learnt[TOKEN_TABLE]
    return under(learnt, CLIP) | {TOKEN_TABLE: table}


# --- UNet


def latents_of(path: Path, weights, count: int, hollow: bool = False) -> torch.Tensor:
    """Scaled mean latents of the first training pictures, float32 [count, 4, 16, 16]; kept in the file."""
    if path.exists():
        return torch.load(path)
    batches = []
    with torch.no_grad(), bfloat16():
        for at in range(0, count, ENCODED_AT_ONCE):
            pictures = pictures_at(range(at, at + ENCODED_AT_ONCE), hollow)
            batches.append(encode(weights, pictures)[0].float() * LATENT_SCALE)
            if at % 2000 == 0:
                log(f"{path.name}: {at} of {count}")
    latents = torch.cat(batches)
    write_whole(path, latents)
    log(f"{path.name}: deviation {latents.std():.3f}")
    return latents


def train_unet(options, weights, latents) -> None:
    """eps loss times 1/SNR within 1..8: at high noise the layout and the colours are decided, and plain eps loss hardly sees it.

    The text encoder stays as it is; a tenth of the captions are empty, for guidance.
    """
    parameters, levels = under(weights, UNET), signal_levels()
    text = known_text(weights)

    def loss(step: int):
        rng = random.Random(step)
        indices = [rng.randrange(len(latents)) for _ in range(32)]
        said = [caption.empty() if rng.random() < EMPTY_SHARE else caption.worded(scene_of(index), rng) for index in indices]
        t = timesteps(32)
        clean, level = latents[indices], levels[t][:, None, None, None]
        noise = torch.randn_like(clean)
        with bfloat16():
            with torch.no_grad():
                context = encode_text(text, compact([tokens for tokens, _ in said]), CLIP_HEADS)
            guess = unet(parameters, level.sqrt() * clean + (1 - level).sqrt() * noise, t, context, UNET_HEADS).float()
        return (loss_weight(level).flatten() * (guess - noise).square().mean((1, 2, 3))).mean()

    def look(step: int, averaged) -> None:
        watch(options, weights | averaged, step)

    stage = Stage("unet", options.unet_steps, options.unet_rate, average=0.999, look_every=options.look_every)
    weights |= run(options.out, stage, parameters, loss, look)


def timesteps(count: int) -> torch.Tensor:
    """A third of them from the noisy end."""
    is_noisy = torch.rand(count) < NOISY_SHARE
    return torch.where(is_noisy, torch.randint(NOISY_FROM, TIMESTEPS, (count,)), torch.randint(0, TIMESTEPS, (count,)))


def loss_weight(level: torch.Tensor) -> torch.Tensor:
    """1 / SNR within 1..8, where SNR = level / (1 - level)."""
    return ((1 - level) / level).clamp(1, HIGHEST_WEIGHT)


def watch(options, weights, step: int) -> None:
    """A sheet and the judge's figures on a few held-out captions."""
    scenes = held_out_scenes(48)
    pictures = sample(weights, [describe(scene) for scene in scenes], NOISE_SEED)
    Image.fromarray(sheet(pictures)).save(options.out / f"unet-{step:06}.png")
    log(f"unet {step} adherence:\n" + report(scenes, [judge(p, s) for p, s in zip(pictures, scenes)]))


# --- decoder


def train_decoder(options, weights, latents) -> None:
    """Finishes the decoder on latents with a little noise, as sampled ones have.

    Differences of neighbours in the loss sharpen edges; squares, ten times, find the few pixels that are far off.
    """
    decoder_keys = [key for key in under(weights, VAE) if ".decoder." in key or "post_quant" in key]
    parameters = {key: weights[key] for key in decoder_keys}
    hollow_latents = latents_of(options.out / "latents-hollow.pt", weights, HOLLOW_PICTURES, hollow=True)

    def loss(step: int):
        rng = random.Random(step)
        filled, hollow = rng.choices(range(len(latents)), k=6), rng.choices(range(HOLLOW_PICTURES), k=2)
        x = torch.cat([pictures_at(filled), pictures_at(hollow, hollow=True)])
        z = torch.cat([latents[filled], hollow_latents[hollow]]) / LATENT_SCALE
        z = z + torch.randn_like(z) * 0.3 * torch.rand(8, 1, 1, 1)
        with bfloat16():
            y = decode(parameters, z, peaks := []).float()
        edges = sum(F.l1_loss(y.diff(dim=side), x.diff(dim=side)) for side in (2, 3))
        if step % 50 == 0:
            log(f"decoder {step} squared error {F.mse_loss(y, x):.5f} highest peak {max(p.mean().item() for p in peaks):.1f}")
        return F.l1_loss(y, x) + 10 * F.mse_loss(y, x) + 0.5 * edges + peak_penalty(peaks)

    weights |= run(options.out, Stage("decoder", options.decoder_steps, 1e-3, average=0.99), parameters, loss)


# --- checkpoint


def export(options) -> None:
    """Writes what there is: of each stage the finished or else the running average."""
    weights = start_weights(options)
    for stage in ("vae", "text", "unet", "decoder"):
        learnt = finished_or_running(options.out, stage)
        if learnt and stage == "text":
            learnt = full_text(learnt)
        weights |= learnt
        if learnt and stage == "vae":
            normalise_latents(weights)
    size = checkpoint.write(options.out / NAME, weights, metadata() | preview_metadata(options))
    log(f"{options.out / NAME}: {len(weights)} tensors, {size / 1e6:.1f} MB")


def finished_or_running(out: Path, stage: str) -> dict[str, torch.Tensor]:
    if (finished := out / f"{stage}.pt").exists():
        return torch.load(finished)
    running = out / f"{stage}.state.pt"
    return torch.load(running)["average"] if running.exists() else {}


def preview_metadata(options) -> dict[str, str]:
    """The linear map from latents to colours that fits best: previews are drawn with it. Rows of red, green, blue; the last is the bias."""
    path = options.out / "latents.pt"
    if not path.exists():
        return {}
    latents = torch.load(path)[:PREVIEW_PICTURES]
    colours = F.avg_pool2d(pictures_at(range(len(latents))), 8)
    z = torch.cat([latents, torch.ones(len(latents), 1, 16, 16)], dim=1).transpose(0, 1).flatten(1).T
    factors = torch.linalg.lstsq(z, colours.transpose(0, 1).flatten(1).T).solution
    return {"rabbitloom.latent_rgb": json.dumps([[round(value, 4) for value in row] for row in factors.tolist()])}


def metadata() -> dict[str, str]:
    """What the shapes do not say."""
    return {
        "rabbitloom.unet_heads": str(UNET_HEADS),
        "rabbitloom.clip_heads": str(CLIP_HEADS),
        "rabbitloom.latent_scale": str(LATENT_SCALE),
        "rabbitloom.prediction": "eps",
        "rabbitloom.picture_side": "128",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.title": "loom-shapes",
        "modelspec.license": "Apache-2.0",
    }


def bfloat16():
    return torch.cpu.amp.autocast(dtype=torch.bfloat16)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for states, sheets and the checkpoint")
    parser.add_argument("--init", type=Path, help="a checkpoint to start the VAE and the UNet from")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--vae-steps", type=int, default=4000)
    parser.add_argument("--text-steps", type=int, default=1500)
    parser.add_argument("--unet-steps", type=int, default=5000)
    parser.add_argument("--unet-rate", type=float, default=1e-3)
    parser.add_argument("--decoder-steps", type=int, default=2200)
    parser.add_argument("--look-every", type=int, default=500, help="judge some pictures every so many UNet steps")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("unet", "decoder"), help="end after this one of the last two stages, which need not wait for each other")
    parser.add_argument("--export", action="store_true", help="only write the checkpoint from the states in --out")
    parser.add_argument("--resume", action="store_true", help="accepted for clarity: a run always goes on where it stopped")
    return parser.parse_args()


if __name__ == "__main__":
    main()
