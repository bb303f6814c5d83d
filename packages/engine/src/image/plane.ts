import type { Tensor } from "../tensor.ts";

/**
 * The one memory layout that spatial kernels work on: [outer, height, width, inner], row-major.
 * An IMAGE has its channels inside (inner = C), a MASK or LATENT has them outside (inner = 1).
 */
export type Planes = {
  readonly outer: number;
  readonly height: number;
  readonly width: number;
  readonly inner: number;
  readonly data: Float32Array;
};

/** image: [B,H,W,C] */
export function imagePlanes(image: Tensor): Planes {
  const [outer = 1, height = 1, width = 1, inner = 1] = image.shape;
  return { outer, height, width, inner, data: image.data };
}

/** t: [...,H,W], a mask, a latent, or a video latent. */
export function channelPlanes(t: Tensor): Planes {
  const height = t.shape.at(-2) ?? 1;
  const width = t.shape.at(-1) ?? 1;
  const outer = height * width === 0 ? 0 : t.data.length / (height * width);
  return { outer, height, width, inner: 1, data: t.data };
}

/** planes with inner = C as [B,H,W,C] */
export function asImage(planes: Planes): Tensor {
  const { outer, height, width, inner, data } = planes;
  return { shape: [outer, height, width, inner], data };
}

/** planes with inner = 1, in the leading dimensions of `like` */
export function asChannels(planes: Planes, like: Tensor): Tensor {
  return { shape: [...like.shape.slice(0, -2), planes.height, planes.width], data: planes.data };
}

/** The rectangle at (x, y), which must lie inside. */
export function cropPlanes(
  planes: Planes,
  box: { x: number; y: number; width: number; height: number },
): Planes {
  const { outer, inner } = planes;
  if (box.width === planes.width && box.height === planes.height) return planes;
  const data = new Float32Array(outer * box.height * box.width * inner);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (let y = 0; y < box.height; y++) {
      const from = ((o * planes.height + box.y + y) * planes.width + box.x) * inner;
      data.set(planes.data.subarray(from, from + box.width * inner), to);
      to += box.width * inner;
    }
  }
  return { outer, height: box.height, width: box.width, inner, data };
}
