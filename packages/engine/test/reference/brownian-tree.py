"""Writes ../fixtures/brownian-tree.json: increments of torchsde's BrownianTree.

Needs torch, numpy and torchsde 0.2.6 (pip install torchsde). Made with torch 1.13 on an AVX2 machine.
Numbers are floats in hexadecimal, so that nothing is rounded on the way.
"""
import json
import pathlib
import warnings

import torch
import torchsde

warnings.simplefilter("ignore")


def as_float(value):
    return float(torch.tensor(value, dtype=torch.float32))


# seed, numbers in an increment, start, end, intervals asked for in this order
TREES = [
    (7, 64, 0.029167158529162407, 14.614642143249512,
     [(11.7253695, 14.614642), (9.3402, 11.72537), (0.029167158529162407, 0.05), (0.1, 0.1000012), (1.0078125, 5.0078125)]),
    (0, 20, 0.03, 1.0, [(0.5, 0.75), (0.03, 1.0), (0.25, 0.5)]),
    (2**40 + 5, 5, 0.002, 120.0, [(0.002, 60.0), (60.0, 119.0)]),
    (2**64 - 1, 33, 0.1, 2.0, [(0.3, 0.7), (0.3, 0.4), (0.4, 0.7)]),
]

rows = []
for seed, count, start, end, intervals in TREES:
    start, end = as_float(start), as_float(end)
    tree = torchsde.BrownianTree(torch.tensor(start), torch.zeros(1, count), torch.tensor(end), entropy=seed)
    for a, b in intervals:
        a, b = max(as_float(a), start), min(as_float(b), end)
        increment = [value.hex() for value in tree(a, b).flatten().tolist()]
        rows.append({"seed": str(seed), "start": start, "end": end, "from": a, "to": b, "increment": increment})

path = pathlib.Path(__file__).parent.parent / "fixtures" / "brownian-tree.json"
path.write_text(json.dumps(rows) + "\n")
