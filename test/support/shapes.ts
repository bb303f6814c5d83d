/** Says what a picture of the model in the box shows: which colour is where, in which shape. */
import sharp from "sharp";

/** As tools/tiny-model/draw.py has them. */
const COLOURS = {
  red: [220, 40, 40],
  green: [40, 170, 60],
  blue: [50, 80, 220],
  yellow: [240, 210, 50],
  purple: [140, 60, 180],
  orange: [245, 140, 40],
  white: [245, 245, 245],
  black: [25, 25, 25],
} as const;
export type Colour = keyof typeof COLOURS;
const NAMES: readonly Colour[] = [
  ...(["red", "green", "blue", "yellow"] as const),
  ...(["purple", "orange", "white", "black"] as const),
];

export interface Shape {
  readonly colour: Colour;
  readonly shape: "circle" | "square" | "triangle";
  /** The middle of its bounding box, in shares of the picture's sides. */
  readonly x: number;
  readonly y: number;
  /** Share of the picture's area. */
  readonly area: number;
}

export interface SeenPicture {
  readonly width: number;
  readonly height: number;
  /** The most frequent colour. */
  readonly background: Colour;
  /** From left to right. */
  readonly shapes: readonly Shape[];
  colourAt(x: number, y: number): Colour;
}

/** Patches below this share of the picture are specks: the smallest shape that is drawn has 0.025. */
const SMALLEST = 0.006;

export async function seePicture(file: string | Uint8Array): Promise<SeenPicture> {
  const { data, info } = await sharp(file)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const names = Array.from({ length: width * height }, (_, i) =>
    nearest(data[3 * i] ?? 0, data[3 * i + 1] ?? 0, data[3 * i + 2] ?? 0),
  );
  const background = mostFrequent(names);
  const shapes = patchesOf(names, width, height)
    .filter(({ colour, pixels }) => colour !== background && pixels >= SMALLEST * width * height)
    .map((patch) => toShape(patch, width, height))
    .sort((a, b) => a.x - b.x);
  const colourAt = (x: number, y: number) =>
    names[Math.floor(y * height) * width + Math.floor(x * width)] ?? background;
  return { width, height, background, shapes, colourAt };
}

function nearest(r: number, g: number, b: number): Colour {
  const distance = (name: Colour) => {
    const [red, green, blue] = COLOURS[name];
    return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
  };
  return NAMES.reduce((best, name) => (distance(name) < distance(best) ? name : best));
}

function mostFrequent(names: readonly Colour[]): Colour {
  const count = (name: Colour) => names.filter((other) => other === name).length;
  return NAMES.reduce((best, name) => (count(name) > count(best) ? name : best));
}

interface Patch {
  readonly colour: Colour;
  readonly pixels: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Connected patches of one colour, of pixels whose neighbours all have it: rims where two colours blend have none. */
function patchesOf(names: readonly Colour[], width: number, height: number): Patch[] {
  const left = new Set<number>();
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      if (isInside(names, at, width)) left.add(at);
    }
  }
  const patches: Patch[] = [];
  for (const start of left) {
    const colour = names[start];
    if (colour === undefined) continue;
    const stack = [start];
    left.delete(start);
    let [pixels, minX, maxX, minY, maxY] = [0, width, 0, height, 0];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const [x, y] = [at % width, Math.floor(at / width)];
      pixels++;
      [minX, maxX] = [Math.min(minX, x), Math.max(maxX, x)];
      [minY, maxY] = [Math.min(minY, y), Math.max(maxY, y)];
      for (const next of [at - 1, at + 1, at - width, at + width]) {
        if (names[next] === colour && left.delete(next)) stack.push(next);
      }
    }
    patches.push({ colour, pixels, left: minX, right: maxX + 1, top: minY, bottom: maxY + 1 });
  }
  return patches;
}

function isInside(names: readonly Colour[], at: number, width: number): boolean {
  for (const row of [at - width, at, at + width]) {
    for (const place of [row - 1, row, row + 1]) {
      if (names[place] !== names[at]) return false;
    }
  }
  return true;
}

/** A square fills its bounding box, a circle pi/4 of it, a triangle half. */
function toShape(patch: Patch, width: number, height: number): Shape {
  const { colour, pixels, left, right, top, bottom } = patch;
  const filled = pixels / ((right - left) * (bottom - top));
  return {
    colour,
    shape: filled > 0.85 ? "square" : filled > 0.65 ? "circle" : "triangle",
    x: (left + right) / 2 / width,
    y: (top + bottom) / 2 / height,
    area: pixels / (width * height),
  };
}
