"""Words for scenes, and the labels that the text encoder is taught to read out of them.

The labels say what is at each *place* (centre, left, right, top, bottom) and what the background is. That is what the
UNet needs: whether "red" is on the left follows from the relation and from the order of the words together, and the
text encoder is the cheaper place to work that out.
"""
import json
import random
from pathlib import Path

from draw import COLOURS, PLACES, RADII, SHAPES, SYNONYMS, Scene, article, describe

WORD_IDS: dict[str, int] = json.loads((Path(__file__).parent / "words.json").read_text())  # CLIP's ids, by words.mjs
START, END, LENGTH = 49406, 49407, 77
UNKNOWN = -1  # a word the model has not learnt: its embedding is zero

# Class 0 is "nothing there", class 1 "the caption does not say", then the names in their order.
COLOUR_CLASSES = ("nothing", "any", *COLOURS)
SHAPE_CLASSES = ("nothing", "any", *SHAPES)
SIZE_CLASSES = ("nothing", "any", *RADII)
SLOTS = (*PLACES, "background")
NOTHING, ANY = 0, 1

PLAIN_SHARE = 0.6
UNKNOWN_SHARE = 0.1
STRAY_WORDS = ("picture", "drawing", "image", "photo", "bright", "simple", "shape", "icon", "poster", "flat")


def tokenize(words: list[str]) -> list[int]:
    """START, one CLIP id a word, END up to 77. Words outside of words.json become UNKNOWN."""
    ids = [START, *(WORD_IDS.get(word, UNKNOWN) for word in words)][: LENGTH - 1]
    return ids + [END] * (LENGTH - len(ids))


def plain_tokens(caption: str) -> list[int]:
    return tokenize(caption.replace(",", " ,").split())


def worded(scene: Scene, rng: random.Random) -> tuple[list[int], list[list[int]]]:
    """Token ids [77] and labels [6 slots][colour, shape, size] of one way to describe the scene."""
    if rng.random() < PLAIN_SHARE:
        return plain_tokens(describe(scene)), slots(scene)
    return _freely_worded(scene, rng)


def slots(scene: Scene, sizes_said: tuple[bool, ...] = (True, True), background_said: bool = True) -> list[list[int]]:
    """Class numbers of what is at each of SLOTS; a background has a colour only."""
    labels = [[NOTHING] * 3 for _ in SLOTS]
    for thing, size_said in zip(scene.things, sizes_said):
        labels[SLOTS.index(thing.place)] = [
            COLOUR_CLASSES.index(thing.colour),
            SHAPE_CLASSES.index(thing.shape),
            SIZE_CLASSES.index(thing.size) if size_said else ANY,
        ]
    labels[-1][0] = COLOUR_CLASSES.index(scene.background) if background_said else ANY
    return labels


def empty() -> tuple[list[int], list[list[int]]]:
    """The empty prompt says nothing about any place."""
    return tokenize([]), [[ANY] * 3 for _ in SLOTS[:-1]] + [[ANY, NOTHING, NOTHING]]


def _freely_worded(scene: Scene, rng: random.Random) -> tuple[list[int], list[list[int]]]:
    """Sizes or the background may go unsaid, words may vary, a stray or an unknown word may slip in."""
    sizes_said = tuple(rng.random() < 0.75 for _ in scene.things)
    background_said = rng.random() < 0.85
    opening = rng.choice(("a", "a", "the", ""))
    parts = [
        _with_article(opening, f"{thing.size} {thing.colour} {thing.shape}" if said else f"{thing.colour} {thing.shape}")
        for thing, said in zip(scene.things, sizes_said)
    ]
    text = f" {rng.choice(SYNONYMS[scene.relation])} ".join(parts) if scene.relation else parts[0]
    if background_said:
        ending = rng.choice((f"on {article(scene.background)} {{}} background", "on {}", ", {} background", "on the {} background"))
        text += " " + ending.format(scene.background)
    words = text.split()
    if rng.random() < 0.15:
        words = ["a", rng.choice(STRAY_WORDS), "of", *words]
    if rng.random() < UNKNOWN_SHARE:
        words.insert(rng.choice((0, len(words))), "?")
    return tokenize(words), slots(scene, sizes_said, background_said)


def _with_article(opening: str, words: str) -> str:
    """"a" becomes "an" before a vowel."""
    return f"{article(words) if opening == 'a' else opening} {words}".strip()
