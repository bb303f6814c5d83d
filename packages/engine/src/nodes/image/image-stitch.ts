import { withChannels } from "../../image/alpha.ts";
import { batchEntry, concatenateBatches, sliceBatch } from "../../image/batch.ts";
import { padImage } from "../../image/pad.ts";
import { resizeImage } from "../../image/resize.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { boolean, combo, image, int } from "../input.ts";

const COLORS = {
  white: [1, 1, 1],
  black: [0, 0, 0],
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
} as const;

/** image2 beside image1, with a bar between them. */
export const imageStitch = defineNode({
  name: "ImageStitch",
  displayName: "Image Stitch",
  category: "image/transform",
  module: "comfy_extras.nodes_images",
  inputs: {
    image1: image(),
    direction: combo(["right", "down", "left", "up"], { default: "right" }),
    match_image_size: boolean({ default: true }),
    spacing_width: int({ default: 0, min: 0, max: 1024, step: 2 }),
    spacing_color: combo(["white", "black", "red", "green", "blue"], { default: "white" }),
    image2: image({ optional: true }),
  },
  outputs: ["IMAGE"],
  run: ({ image1, image2, direction, match_image_size, spacing_width, spacing_color }) => {
    if (image2 === undefined) return [image1];
    const axis = direction === "left" || direction === "right" ? "x" : "y";
    const channels = Math.max(image1.shape.at(-1) ?? 3, image2.shape.at(-1) ?? 3);
    const batch = Math.max(image1.shape[0] ?? 1, image2.shape[0] ?? 1);
    const color = COLORS[spacing_color];
    const [first, second] = match_image_size
      ? [image1, scaledBeside(image2, image1, axis)]
      : alignedBeside(image1, image2, { axis, value: spacing_color === "white" ? 1 : 0 });
    const parts = [first, second].map((part) => extendBatch(withChannels(part, channels), batch));
    if (direction === "left" || direction === "up") parts.reverse();
    const bar = spacing_width + (spacing_width % 2);
    if (bar > 0) parts.splice(1, 0, spacer(parts, { axis, bar, color }));
    return [axis === "x" ? joinColumns(parts) : joinRows(parts)];
  },
});

type Axis = "x" | "y";

/** Scaled to the other's height (beside it) or width (below it), its aspect kept. */
function scaledBeside(image: Tensor, other: Tensor, axis: Axis): Tensor {
  const [, height = 1, width = 1] = image.shape;
  const [, otherHeight = 1, otherWidth = 1] = other.shape;
  const aspect = width / height;
  const size =
    axis === "x"
      ? { width: Math.max(1, Math.trunc(otherHeight * aspect)), height: otherHeight }
      : { width: otherWidth, height: Math.max(1, Math.trunc(otherWidth / aspect)) };
  return resizeImage(image, { ...size, method: "lanczos" });
}

/** The shorter one gets margins, so that both are centred on one line. */
function alignedBeside(
  a: Tensor,
  b: Tensor,
  { axis, value }: { axis: Axis; value: number },
): [Tensor, Tensor] {
  const across = axis === "x" ? 1 : 2;
  const length = Math.max(a.shape[across] ?? 1, b.shape[across] ?? 1);
  const align = (image: Tensor): Tensor => {
    const [, height = 1, width = 1] = image.shape;
    const canvas = axis === "x" ? { width, height: length } : { width: length, height };
    const x = Math.floor((canvas.width - width) / 2);
    const y = Math.floor((canvas.height - height) / 2);
    return padImage(image, { ...canvas, x, y, value });
  };
  return [align(a), align(b)];
}

/** The last entry repeated. */
function extendBatch(image: Tensor, count: number): Tensor {
  const given = image.shape[0] ?? 1;
  const last = sliceBatch(image, given - 1, 1);
  return concatenateBatches([image, ...Array.from({ length: count - given }, () => last)]);
}

function spacer(
  parts: readonly Tensor[],
  { axis, bar, color }: { axis: Axis; bar: number; color: readonly [number, number, number] },
): Tensor {
  const [batch = 1, , , channels = 3] = parts[0]?.shape ?? [];
  const across = Math.max(...parts.map((part) => part.shape[axis === "x" ? 1 : 2] ?? 1));
  const result = tensor(
    axis === "x" ? [batch, across, bar, channels] : [batch, bar, across, channels],
  );
  for (let i = 0; i < result.data.length; i++) result.data[i] = color[i % channels] ?? 1;
  return result;
}

/** parts: [B,H,Wi,C] */
function joinColumns(parts: readonly Tensor[]): Tensor {
  const [batch = 1, height = 1, , channels = 3] = parts[0]?.shape ?? [];
  const width = parts.reduce((sum, part) => sum + (part.shape[2] ?? 0), 0);
  const result = tensor([batch, height, width, channels]);
  let to = 0;
  for (let row = 0; row < batch * height; row++) {
    for (const part of parts) {
      const length = (part.shape[2] ?? 0) * channels;
      result.data.set(part.data.subarray(row * length, (row + 1) * length), to);
      to += length;
    }
  }
  return result;
}

/** parts: [B,Hi,W,C] */
function joinRows(parts: readonly Tensor[]): Tensor {
  const [batch = 1, , width = 1, channels = 3] = parts[0]?.shape ?? [];
  const height = parts.reduce((sum, part) => sum + (part.shape[1] ?? 0), 0);
  const result = tensor([batch, height, width, channels]);
  let to = 0;
  for (let b = 0; b < batch; b++) {
    for (const part of parts) {
      const entry = batchEntry(part, b);
      result.data.set(entry, to);
      to += entry.length;
    }
  }
  return result;
}
