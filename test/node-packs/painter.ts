import { setTimeout as delay } from "node:timers/promises";
import { crc32, deflateSync } from "node:zlib";
import { defineNode, image, int } from "@rabbitloom/engine";

/** Hands its picture on after `steps` steps of `ms` each; at every one it shows a real PNG of a colour of its own. */
export const paintSlowly = defineNode({
  name: "PaintSlowly",
  displayName: "Paint slowly",
  category: "test",
  inputs: { image: image(), steps: int({ default: 10 }), ms: int({ default: 100 }) },
  outputs: ["IMAGE"],
  // Never from the cache: tests run the same painting again and again.
  isChanged: () => crypto.randomUUID(),
  async run({ image: picture, steps, ms }, { progress, signal }) {
    for (let step = 1; step <= steps; step++) {
      await delay(ms, undefined, { signal });
      progress(step, steps, {
        bytes: plainPng(64, 40, hue(step / steps)),
        contentType: "image/png",
        width: 64,
        height: 40,
      });
    }
    return { result: [picture] };
  },
});

type Rgb = readonly [red: number, green: number, blue: number];

function hue(part: number): Rgb {
  return [Math.round(60 + 180 * part), 120, Math.round(210 - 160 * part)];
}

/** A PNG of one colour (PNG specification, third edition, sections 5 and 11.2). */
function plainPng(width: number, height: number, color: Rgb): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // 8 bits, truecolour
  const row = Buffer.from([0, ...Array.from({ length: width }, () => color).flat()]);
  const rows = Buffer.concat(Array.from({ length: height }, () => row));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length, 0);
  around.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
}
