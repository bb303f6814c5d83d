import type { Tensor } from "../tensor.ts";
import { channelPlanes, imagePlanes, type Planes } from "./plane.ts";

export const ROTATIONS = ["none", "90 degrees", "180 degrees", "270 degrees"] as const;
export const FLIP_METHODS = ["x-axis: vertically", "y-axis: horizontally"] as const;
export type Rotation = (typeof ROTATIONS)[number];
export type FlipMethod = (typeof FLIP_METHODS)[number];

/** image: [B,H,W,C], turned clockwise. */
export function rotateImage(image: Tensor, rotation: Rotation): Tensor {
  const { outer, height, width, inner, data } = rotated(imagePlanes(image), rotation);
  return { shape: [outer, height, width, inner], data };
}

/** t: [...,H,W], turned clockwise. */
export function rotateChannels(t: Tensor, rotation: Rotation): Tensor {
  const { height, width, data } = rotated(channelPlanes(t), rotation);
  return { shape: [...t.shape.slice(0, -2), height, width], data };
}

export function flipImage(image: Tensor, method: FlipMethod): Tensor {
  return { shape: image.shape, data: flipped(imagePlanes(image), method).data };
}

export function flipChannels(t: Tensor, method: FlipMethod): Tensor {
  return { shape: t.shape, data: flipped(channelPlanes(t), method).data };
}

function rotated(planes: Planes, rotation: Rotation): Planes {
  const { height: h, width: w } = planes;
  switch (rotation) {
    case "none":
      return planes;
    case "90 degrees":
      return rearranged(planes, { width: h, height: w }, (x, y) => (h - 1 - x) * w + y);
    case "180 degrees":
      return rearranged(planes, planes, (x, y) => (h - 1 - y) * w + (w - 1 - x));
    case "270 degrees":
      return rearranged(planes, { width: h, height: w }, (x, y) => x * w + (w - 1 - y));
  }
}

function flipped(planes: Planes, method: FlipMethod): Planes {
  const { height: h, width: w } = planes;
  return method === "x-axis: vertically"
    ? rearranged(planes, planes, (x, y) => (h - 1 - y) * w + x)
    : rearranged(planes, planes, (x, y) => y * w + (w - 1 - x));
}

/** `from(x, y)` is the position in the old plane of the new pixel. */
function rearranged(
  planes: Planes,
  { width, height }: { width: number; height: number },
  from: (x: number, y: number) => number,
): Planes {
  const { outer, inner } = planes;
  const area = width * height;
  const data = new Float32Array(planes.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const source = from(x, y);
      for (let o = 0; o < outer; o++) {
        const a = (o * area + source) * inner;
        const b = (o * area + y * width + x) * inner;
        for (let c = 0; c < inner; c++) data[b + c] = planes.data[a + c]!;
      }
    }
  }
  return { outer, height, width, inner, data };
}
