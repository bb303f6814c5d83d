"""One training stage: AdamW, a running average of the weights, a state file, a clean stop."""
import signal
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

SAVE_EVERY_SECONDS = 180
LOG_EVERY = 50
WARM_UP_STEPS = 100
FLAT_SHARE = 0.35  # of the steps at the full rate; then it falls in a line
LAST_RATE = 0.02
STOPPED = 75  # exit status: stopped with its state saved, start again to go on

Weights = dict[str, torch.Tensor]


@dataclass
class Stage:
    name: str
    steps: int
    rate: float
    average: float  # how much of the running average stays at each step
    decay: float = 0.01
    look_every: int = 0


def run(
    out: Path, stage: Stage, start: Weights, loss: Callable[[int], torch.Tensor], look: Callable[[int, Weights], None] | None = None
) -> Weights:
    """Trains the tensors of `start`, in place in that dict, and returns their running average.

    `loss(step)` reads that dict. A finished stage is not run again; a stopped one goes on from its state.
    """
    finished, state_path = out / f"{stage.name}.pt", out / f"{stage.name}.state.pt"
    if finished.exists():
        return torch.load(finished)
    parameters = {key: tensor.clone().requires_grad_(True) for key, tensor in start.items()}
    start |= parameters
    average = {key: tensor.detach().clone() for key, tensor in parameters.items()}
    optimizer = torch.optim.AdamW(parameters.values(), lr=stage.rate, weight_decay=stage.decay, betas=(0.9, 0.99))
    first = resume(state_path, parameters, average, optimizer)
    save = lambda step: save_state(state_path, step, parameters, average, optimizer)
    stop = StopSignal()
    began, saved, smooth = time.process_time(), time.monotonic(), None

    for step in range(first, stage.steps):
        torch.manual_seed(zlib.crc32(f"{stage.name}/{step}".encode()))
        set_rate(optimizer, rate_at(step, stage))
        value = loss(step)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        update_average(average, parameters, min(stage.average, (step + 1) / (step + 10)))

        smooth = value.item() if smooth is None else 0.98 * smooth + 0.02 * value.item()
        done = step + 1
        if done % LOG_EVERY == 0 or done == first + 3:
            log(f"{stage.name} {done} of {stage.steps} loss {smooth:.4f} cpu {(time.process_time() - began) / (done - first):.2f} s a step")
        if look and stage.look_every and done % stage.look_every == 0:
            look(done, average)
        if stop.asked or time.monotonic() - saved > SAVE_EVERY_SECONDS:
            save(done)
            saved = time.monotonic()
        if stop.asked:
            log(f"{stage.name} stopped at {done}")
            sys.exit(STOPPED)

    write_whole(finished, average)
    state_path.unlink(missing_ok=True)
    stop.release()
    start |= average
    return average


def rate_at(step: int, stage: Stage) -> float:
    """Up in a line, flat, down in a line."""
    share = step / stage.steps
    falling = 1.0 if share < FLAT_SHARE else (1 - share) / (1 - FLAT_SHARE)
    return stage.rate * min(1, (step + 1) / WARM_UP_STEPS) * max(LAST_RATE, falling)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def update_average(average: Weights, parameters: Weights, kept: float) -> None:
    for key, tensor in parameters.items():
        average[key].mul_(kept).add_(tensor, alpha=1 - kept)


def resume(path: Path, parameters: Weights, average: Weights, optimizer: torch.optim.Optimizer) -> int:
    """Loads the state file into its three parts, if there is one; returns the step to go on with."""
    if not path.exists():
        return 0
    state = torch.load(path)
    with torch.no_grad():
        for key, tensor in parameters.items():
            tensor.copy_(state["parameters"][key])
            average[key].copy_(state["average"][key])
    optimizer.load_state_dict(state["optimizer"])
    log(f"{path.name}: going on at step {state['step']}")
    return state["step"]


def save_state(path: Path, step: int, parameters: Weights, average: Weights, optimizer: torch.optim.Optimizer) -> None:
    detached = {key: tensor.detach() for key, tensor in parameters.items()}
    write_whole(path, {"step": step, "parameters": detached, "average": average, "optimizer": optimizer.state_dict()})


def write_whole(path: Path, content) -> None:
    """A reader sees the old file or the new one, never half of it."""
    unfinished = path.with_suffix(".part")
    torch.save(content, unfinished)
    unfinished.replace(path)


class StopSignal:
    """Notes SIGTERM and SIGINT instead of dying in mid-step."""

    def __init__(self):
        self.asked = False
        self.before = {number: signal.signal(number, self.note) for number in (signal.SIGTERM, signal.SIGINT)}

    def note(self, *_) -> None:
        self.asked = True

    def release(self) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)


def log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
