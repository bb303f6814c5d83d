import { crc32 } from "node:zlib";

/** Length, type, data, CRC-32 of type and data (W3C PNG, 5.3). */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.allocUnsafe(data.length + 12);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, data.length + 8)), data.length + 8);
  return chunk;
}

/** Latin-1 text goes into tEXt, other text into an uncompressed iTXt (W3C PNG, 11.3.3). */
export function pngTextChunk(keyword: string, text: string): Buffer {
  const key = Buffer.from(keyword.replace(/[^\x20-\x7e\xa1-\xff]/gu, "?").slice(0, 79), "latin1");
  if (isLatin1(text)) {
    return pngChunk("tEXt", Buffer.concat([key, NUL, Buffer.from(text, "latin1")]));
  }
  // After the keyword: not compressed, method 0, no language tag, no translated keyword.
  return pngChunk("iTXt", Buffer.concat([key, Buffer.alloc(5), Buffer.from(text, "utf8")]));
}

const NUL = Buffer.alloc(1);

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}
