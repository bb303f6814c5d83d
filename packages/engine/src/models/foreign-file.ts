/** What a file is whose first bytes are not those of a model file: downloads that went wrong, and formats that are not read here. */

/** Signatures at the start, by what has them. */
const STARTS: readonly (readonly [start: string, what: string])[] = [
  [
    "version https://git-lfs",
    "it is a pointer of Git LFS: the model itself has not been fetched (git lfs pull)",
  ],
  ["\x89PNG", "it is a PNG picture"],
  ["\xff\xd8\xff", "it is a JPEG picture"],
  ["GIF8", "it is a GIF picture"],
  ["RIFF", "it is a RIFF file, as WebP pictures are"],
  ["GGUF", "it is a GGUF file, which is not supported"],
  ["\x1f\x8b", "it is compressed with gzip: unpack it first"],
  ["7z\xbc\xaf", "it is a 7z archive: unpack it first"],
  ["Rar!", "it is a RAR archive: unpack it first"],
  ["%PDF", "it is a PDF file"],
];

const PAGE = /^\s*<(!doctype|html|\?xml|head|body)/i;
/** Bytes of a text's start that are looked at. */
export const START_BYTES = 512;

/** What the file is, where its first bytes tell; `start` holds up to START_BYTES of them. */
export function foreignFile(start: Buffer): string | undefined {
  const latin = start.toString("latin1");
  const found = STARTS.find(([signature]) => latin.startsWith(signature));
  if (found !== undefined) return found[1];
  if (PAGE.test(latin)) return "it is a web page: what was downloaded is not the model";
  const isText = start.length > 0 && start.every((byte) => byte >= 0x20 || WHITE.has(byte));
  return isText ? `it is a text, which begins with ${JSON.stringify(excerpt(start))}` : undefined;
}

/** Tab, line feed, carriage return. */
const WHITE = new Set([0x09, 0x0a, 0x0d]);
const EXCERPT_LENGTH = 40;

const excerpt = (start: Buffer) => start.toString("utf8").slice(0, EXCERPT_LENGTH);
