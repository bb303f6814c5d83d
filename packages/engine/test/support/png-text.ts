import { readFile } from "node:fs/promises";

/** Text chunks by keyword; iTXt values come back as they were written, tEXt as Latin-1. */
export async function readPngText(file: string): Promise<Record<string, string>> {
  const text: Record<string, string> = {};
  for (const { type, data } of pngChunks(await readFile(file))) {
    const end = data.indexOf(0);
    const keyword = data.toString("latin1", 0, end);
    if (type === "tEXt") text[keyword] = data.toString("latin1", end + 1);
    if (type === "iTXt") text[keyword] = data.toString("utf8", end + 5);
  }
  return text;
}

export function pngChunks(png: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString("latin1", at + 4, at + 8);
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return chunks;
}
