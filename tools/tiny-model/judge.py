"""Looks at a picture's pixels and says which claims of its caption hold.

Each pixel gets the nearest of the eight colours. The background is the most frequent colour of the picture's border. A
shape of the caption is looked for by its colour: the largest connected patch of it. Its outline is compared with drawn
templates of the three shapes (best overlap wins), its area with that shape's area at either size (nearest ratio wins),
and its middle with its place.
"""
import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from draw import COLOURS, PLACES, RADII, SCALE_ALONE, SCALE_IN_PAIR, SHAPES, SIDE, Scene, Thing, fill_shape, radius_of

BORDER = 5  # pixels
SMALLEST_PATCH = 100  # pixels; the smallest shape that is drawn has 420
PLACE_TOLERANCE = 14  # pixels between a patch's middle and the template's middle at its place, each way


@dataclass
class Verdict:
    """Which claims hold: of the background once, of each shape its colour, shape, size and place."""
    background: bool
    things: list[dict[str, bool]] = field(default_factory=list)
    patches: int = 0  # patches of any colour but the background's

    def all_right(self) -> bool:
        return self.background and self.patches == len(self.things) and all(all(claims.values()) for claims in self.things)


def judge(picture: np.ndarray, scene: Scene) -> Verdict:
    """`picture` is uint8 [128, 128, 3]."""
    names = nearest_colours(picture)
    background = most_frequent(border_of(names))
    patches = {name: patches_of(names == index) for index, name in enumerate(COLOURS) if index != background}
    things = [judge_thing(patches.get(thing.colour, []), thing, scene) for thing in scene.things]
    return Verdict(list(COLOURS)[background] == scene.background, things, sum(map(len, patches.values())))


def judge_thing(patches: list[np.ndarray], thing: Thing, scene: Scene) -> dict[str, bool]:
    if not patches:
        return {"colour": False, "shape": False, "size": False, "place": False}
    patch = max(patches, key=np.sum)
    shape = closest_shape(patch)
    return {
        "colour": True,
        "shape": shape == thing.shape,
        "size": closest_size(patch, shape, len(scene.things)) == thing.size,
        "place": is_at(patch, thing, scene),
    }


def nearest_colours(picture: np.ndarray) -> np.ndarray:
    """Index into COLOURS for each pixel, [128, 128]."""
    palette = np.array(list(COLOURS.values()), dtype=np.int32)
    distance = ((picture[:, :, None, :].astype(np.int32) - palette) ** 2).sum(axis=-1)
    return distance.argmin(axis=-1)


def border_of(names: np.ndarray) -> np.ndarray:
    inner = np.zeros(names.shape, dtype=bool)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    return names[~inner]


def most_frequent(values: np.ndarray) -> int:
    return int(np.bincount(values).argmax())


def patches_of(mask: np.ndarray) -> list[np.ndarray]:
    """Connected patches, [128, 128] bool each, without specks and without the thin rims that blends of two colours make."""
    left, found = opened(mask), []
    while left.any():
        patch = flooded(left, int(left.argmax()))
        left = left & ~patch
        if patch.sum() >= SMALLEST_PATCH:
            found.append(patch)
    return found


def opened(mask: np.ndarray) -> np.ndarray:
    """Without what no square of 3 x 3 pixels fits into."""
    return grown(~grown(~mask, diagonal=True), diagonal=True)


def flooded(mask: np.ndarray, start: int) -> np.ndarray:
    """The part of `mask` that hangs together with its pixel number `start`."""
    patch = np.zeros_like(mask)
    patch.flat[start] = True
    while (wider := grown(patch, diagonal=False) & mask).sum() > patch.sum():
        patch = wider
    return patch


def grown(mask: np.ndarray, diagonal: bool) -> np.ndarray:
    """Each pixel and its neighbours."""
    padded = np.pad(mask, 1)
    wide = padded[1:-1, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    if not diagonal:
        return wide | padded[:-2, 1:-1] | padded[2:, 1:-1]
    padded = np.pad(wide, ((1, 1), (0, 0)))
    return padded[:-2] | padded[1:-1] | padded[2:]


def closest_shape(patch: np.ndarray) -> str:
    """The shape which, drawn with the patch's area around the patch's middle, overlaps it most."""
    return max(SHAPES, key=lambda shape: overlap(patch, fitted(patch, shape)))


def fitted(patch: np.ndarray, shape: str) -> np.ndarray:
    """The shape's outline with the patch's area and middle."""
    radius = math.sqrt(patch.sum() / unit_area(shape))
    (x, y), (shift_x, shift_y) = middle(patch), unit_middle(shape)
    return outline(shape, x - shift_x * radius, y - shift_y * radius, radius)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return (one & other).sum() / (one | other).sum()


def closest_size(patch: np.ndarray, shape: str, things: int) -> str:
    scale = SCALE_ALONE if things == 1 else SCALE_IN_PAIR
    area = lambda size: unit_area(shape) * (RADII[size] * scale) ** 2
    return min(RADII, key=lambda size: abs(math.log(patch.sum() / area(size))))


def is_at(patch: np.ndarray, thing: Thing, scene: Scene) -> bool:
    radius = radius_of(thing, scene)
    expected = [at + shift * radius for at, shift in zip(PLACES[thing.place], unit_middle(thing.shape))]
    return all(abs(found - wanted) <= PLACE_TOLERANCE for found, wanted in zip(middle(patch), expected))


def middle(patch: np.ndarray) -> tuple[float, float]:
    """Mean x and y of the patch's pixels."""
    ys, xs = np.nonzero(patch)
    return xs.mean() + 0.5, ys.mean() + 0.5


@cache
def unit_area(shape: str) -> float:
    """Area of the shape at radius 1."""
    return outline(shape, 64, 64, 50).sum() / 50**2


@cache
def unit_middle(shape: str) -> tuple[float, float]:
    """Where the middle of the shape's area lies from the point that it is drawn around, at radius 1."""
    x, y = middle(outline(shape, 64, 64, 50))
    return (x - 64) / 50, (y - 64) / 50


def outline(shape: str, x: float, y: float, radius: float) -> np.ndarray:
    """The shape's pixels, [128, 128] bool, drawn fourfold and reduced."""
    canvas = Image.new("L", (SIDE * 4,) * 2, 0)
    fill_shape(ImageDraw.Draw(canvas), shape, 255, x, y, radius, 4)
    return np.asarray(canvas.resize((SIDE, SIDE), Image.BOX)) >= 128
