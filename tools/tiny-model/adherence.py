"""How well a checkpoint follows its prompts: python3 adherence.py CHECKPOINT [--count 200] [--sheet FILE.png]

Draws pictures for captions whose scenes training never saw, and lets judge.py look at the pixels.
`--drawn` judges pictures by draw.py instead of the model's: the judge's own error. `--pictures FOLDER` judges pictures that
something else made of the captions that `--captions` prints, such as pictures.mjs.
"""
import argparse
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import checkpoint
from draw import Scene, describe, draw, held_out_scenes
from judge import Verdict, judge
from sample import sample, sheet

NOISE_SEED = 5000


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    scenes = held_out_scenes(options.count)
    if options.captions:
        print("\n".join(describe(scene) for scene in scenes))
        return
    if options.pictures:
        pictures = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in sorted(options.pictures.glob("*.png"))])
    elif options.drawn:
        pictures = np.stack([draw(scene, random.Random(index)) for index, scene in enumerate(scenes)])
    else:
        weights, _ = checkpoint.read(options.checkpoint)
        pictures = sample(weights, [describe(scene) for scene in scenes], NOISE_SEED, options.steps, options.guidance)
    verdicts = [judge(picture, scene) for picture, scene in zip(pictures, scenes)]
    if options.list_wrong:
        for index, (scene, verdict) in enumerate(zip(scenes, verdicts)):
            if not verdict.all_right():
                print(f"{index}: {describe(scene)}: {verdict}")
    print(report(scenes, verdicts))
    if options.sheet:
        Image.fromarray(sheet(pictures[: options.sheet_count])).save(options.sheet)


def report(scenes: list[Scene], verdicts: list[Verdict]) -> str:
    """One line for each claim: how many of how many hold."""
    lines = [share("background", [verdict.background for verdict in verdicts])]
    for claim in ("colour", "shape", "size", "place"):
        lines.append(share(claim, [things[claim] for verdict in verdicts for things in verdict.things]))
    lines.append(share("no more, no fewer shapes", [v.patches == len(v.things) for v in verdicts]))
    for name, count in (("everything, one shape", 1), ("everything, two shapes", 2)):
        lines.append(share(name, [v.all_right() for s, v in zip(scenes, verdicts) if len(s.things) == count]))
    return "\n".join(lines)


def share(name: str, results: list[bool]) -> str:
    return f"{name:26} {sum(results):4} of {len(results):4}  {100 * sum(results) / max(1, len(results)):5.1f} %"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path, help="save the first pictures side by side")
    parser.add_argument("--sheet-count", type=int, default=32)
    parser.add_argument("--list-wrong", action="store_true")
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--captions", action="store_true", help="only print the captions")
    parser.add_argument("--pictures", type=Path, help="folder of .png files, one for each caption, in order")
    options = parser.parse_args()
    if options.checkpoint is None and not (options.drawn or options.captions or options.pictures):
        parser.error("a checkpoint is needed, or --drawn, --captions or --pictures")
    return options


if __name__ == "__main__":
    main()
