"""Captioned pictures of one or two coloured shapes.

A `Scene` is what a caption says; `describe` puts it into words, `draw` into pixels, `slots` into labels for each place.
Scene and picture number `i` are pure functions of `i`, so nothing has to be stored: `scene_of(i)`, `picture_of(i)`.
"""
import random
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

SIDE = 128
COLOURS = {
    "red": (220, 40, 40), "green": (40, 170, 60), "blue": (50, 80, 220), "yellow": (240, 210, 50),
    "purple": (140, 60, 180), "orange": (245, 140, 40), "white": (245, 245, 245), "black": (25, 25, 25),
}
SHAPES = ("circle", "square", "triangle")
RADII = {"small": 17, "large": 30}
PLACES = {"centre": (64, 64), "left": (34, 64), "right": (94, 64), "top": (64, 34), "bottom": (64, 94)}
# relation: (place of the first shape, place of the second)
RELATIONS = {
    "left of": ("left", "right"), "right of": ("right", "left"), "above": ("top", "bottom"), "below": ("bottom", "top"),
}
SYNONYMS = {
    "left of": ("left of", "to the left of"), "right of": ("right of", "to the right of"),
    "above": ("above", "over"), "below": ("below", "under"),
}
JITTER = 4  # pixels by which a shape may be off its place, each way
SCALE_ALONE, SCALE_IN_PAIR = 1.15, 0.9  # a shape alone is drawn larger than one of a pair
HOLE = 0.55  # radius of a hollow shape's hole over the shape's
SHARE_OF_PAIRS = 0.68
SUPERSAMPLING = 2
HELD_OUT_ONE_IN = 8
SEED = 20


class Thing(NamedTuple):
    """One shape of a scene."""
    size: str
    colour: str
    shape: str
    place: str


@dataclass(frozen=True)
class Scene:
    background: str
    things: tuple[Thing, ...]
    relation: str | None = None


def scene_of(index: int, seed: int = SEED) -> Scene:
    """The training scene with this number: never one that is held out."""
    rng = random.Random(f"{seed}/scene/{index}")
    while held_out(scene := random_scene(rng)):
        pass
    return scene


def picture_of(index: int, seed: int = SEED, hollow: bool = False) -> np.ndarray:
    """The training picture with this number: uint8 [128, 128, 3]."""
    return draw(scene_of(index, seed), random.Random(f"{seed}/picture/{index}"), hollow)


def held_out_scenes(count: int, seed: int = 77, share_of_pairs: float = 0.85) -> list[Scene]:
    """Scenes that training never saw, all different."""
    rng, found = random.Random(seed), []
    pairs_wanted = round(count * share_of_pairs)
    wanted = {True: pairs_wanted, False: count - pairs_wanted}
    while any(wanted.values()):
        scene = random_scene(rng)
        is_pair = len(scene.things) == 2
        if held_out(scene) and wanted[is_pair] and scene not in found:
            wanted[is_pair] -= 1
            found.append(scene)
    return found


def held_out(scene: Scene) -> bool:
    """One scene in eight is kept from training, whichever words describe it."""
    return zlib.crc32(describe(scene).encode()) % HELD_OUT_ONE_IN == 0


def random_scene(rng: random.Random) -> Scene:
    """Background and shapes always differ in colour."""
    background, *colours = rng.sample(list(COLOURS), 3)
    if rng.random() < SHARE_OF_PAIRS:
        relation = rng.choice(list(RELATIONS))
        things = tuple(_random_thing(rng, colour, place) for colour, place in zip(colours, RELATIONS[relation]))
        return Scene(background, things, relation)
    return Scene(background, (_random_thing(rng, colours[0], "centre"),))


def _random_thing(rng: random.Random, colour: str, place: str) -> Thing:
    return Thing(rng.choice(list(RADII)), colour, rng.choice(SHAPES), place)


def describe(scene: Scene) -> str:
    """The plain caption: `a small red circle left of a large blue square on a white background`."""
    words = [f"a {thing.size} {thing.colour} {thing.shape}" for thing in scene.things]
    return f" {scene.relation} ".join(words) + f" on {article(scene.background)} {scene.background} background"


def article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def draw(scene: Scene, rng: random.Random, hollow: bool = False) -> np.ndarray:
    """uint8 [128, 128, 3]; `rng` moves each shape a little off its place; hollow ones show the background inside."""
    canvas = Image.new("RGB", (SIDE * SUPERSAMPLING,) * 2, COLOURS[scene.background])
    pen = ImageDraw.Draw(canvas)
    for thing in scene.things:
        x, y = (at + rng.uniform(-JITTER, JITTER) for at in PLACES[thing.place])
        radius = radius_of(thing, scene)
        fill_shape(pen, thing.shape, COLOURS[thing.colour], x, y, radius, SUPERSAMPLING)
        if hollow:
            sink = radius * 0.12 if thing.shape == "triangle" else 0  # keeps a triangle's rim even
            fill_shape(pen, thing.shape, COLOURS[scene.background], x, y + sink, radius * HOLE, SUPERSAMPLING)
    return np.asarray(canvas.resize((SIDE, SIDE), Image.BILINEAR))


def radius_of(thing: Thing, scene: Scene) -> float:
    return RADII[thing.size] * (SCALE_ALONE if len(scene.things) == 1 else SCALE_IN_PAIR)


def fill_shape(pen: ImageDraw.ImageDraw, shape: str, fill, x: float, y: float, radius: float, scale: float = 1) -> None:
    """Fills one shape around (x, y); all measures are multiplied by `scale`."""
    x, y, radius = x * scale, y * scale, radius * scale
    if shape == "circle":
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=fill)
    elif shape == "square":
        half = radius * 0.9
        pen.rectangle([x - half, y - half, x + half, y + half], fill=fill)
    else:
        base = y + radius * 0.85
        pen.polygon([(x, y - radius), (x - radius, base), (x + radius, base)], fill=fill)
