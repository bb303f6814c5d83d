import { promisify } from "node:util";
import { deflate, deflateSync } from "node:zlib";

export type Pixels = {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 RGB, 4 RGBA. */
  readonly channels: number;
  /** [height, width, channels] */
  readonly bytes: Uint8Array;
};

/** The zlib stream of an IDAT: each row less the one above it (filter 2, "Up"), then deflated. */
export async function compressScanlines(pixels: Pixels, level: number): Promise<Buffer> {
  const rows = filterUp(pixels);
  return rows.length <= SYNC_BYTES ? deflateSync(rows, { level }) : deflateAsync(rows, { level });
}

/** Below this the thread pool costs more than the work: 64x64 RGB deflates in 0.1 ms. */
const SYNC_BYTES = 64 * 1024;
const UP = 2;
const deflateAsync = promisify(deflate);

function filterUp({ width, height, channels, bytes }: Pixels): Buffer {
  const stride = width * channels;
  const rows = Buffer.allocUnsafe((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const row = rows.subarray(y * (stride + 1), (y + 1) * (stride + 1));
    row[0] = UP;
    const current = bytes.subarray(y * stride, (y + 1) * stride);
    if (y === 0) {
      row.set(current, 1);
      continue;
    }
    const above = bytes.subarray((y - 1) * stride, y * stride);
    for (let i = 0; i < stride; i++) row[i + 1] = current[i]! - above[i]!;
  }
  return rows;
}
