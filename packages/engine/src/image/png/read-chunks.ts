export type PngChunk = { readonly type: string; readonly data: Buffer };

/** The chunks of a PNG in order, checksums not looked at; stops where the file is cut off. */
export function readPngChunks(png: Buffer): PngChunk[] {
  const chunks: PngChunk[] = [];
  for (let at = SIGNATURE_BYTES; at + 8 <= png.length; ) {
    const length = png.readUInt32BE(at);
    const start = at + 8;
    if (start + length > png.length) break;
    chunks.push({
      type: png.toString("latin1", at + 4, start),
      data: png.subarray(start, start + length),
    });
    at = start + length + 4;
  }
  return chunks;
}

const SIGNATURE_BYTES = 8;
