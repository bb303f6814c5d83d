import { extname } from "node:path";

/** Types of what workflows read and write. Everything else is sent as bytes without a meaning. */
const mediaTypes: Readonly<Partial<Record<string, string>>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
  ".gif": "image/gif",
  ".bmp": "image/bmp",
  ".tif": "image/tiff",
  ".tiff": "image/tiff",
  ".avif": "image/avif",
  ".svg": "image/svg+xml",
  ".mp4": "video/mp4",
  ".webm": "video/webm",
  ".mov": "video/quicktime",
  ".mkv": "video/x-matroska",
  ".mp3": "audio/mpeg",
  ".wav": "audio/wav",
  ".flac": "audio/flac",
  ".ogg": "audio/ogg",
  ".opus": "audio/opus",
  ".m4a": "audio/mp4",
  ".json": "application/json",
  ".txt": "text/plain",
  ".html": "text/html",
  ".htm": "text/html",
  ".xhtml": "application/xhtml+xml",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
};

/** What a browser would run, or draw with scripts in it, if it were sent as what it is. */
const dangerousTypes: ReadonlySet<string> = new Set([
  "text/html",
  "application/xhtml+xml",
  "text/javascript",
  "text/css",
  "image/svg+xml",
]);

const shownTypes: ReadonlySet<string | undefined> = new Set(
  Object.values(mediaTypes).filter((type) => type !== undefined && !dangerousTypes.has(type)),
);

/**
 * Whether a browser may be sent bytes as a type that their sender named: those above that run nothing. Every `+xml` is a page
 * to a browser, `image/x+xml` too, so no kind of types is let through as a whole.
 */
export function isShownType(type: string): boolean {
  const [essence = ""] = type.toLowerCase().split(";");
  return shownTypes.has(essence.trim());
}

export function mediaType(filename: string): string {
  return mediaTypes[extname(filename).toLowerCase()] ?? "application/octet-stream";
}

/** How a file of people's own making is sent: dangerous ones only as a download. */
export function safeMediaType(filename: string): {
  readonly type: string;
  readonly download: boolean;
} {
  const type = mediaType(filename);
  return dangerousTypes.has(type)
    ? { type: "application/octet-stream", download: true }
    : { type, download: false };
}

export function isImageName(filename: string): boolean {
  return mediaType(filename).startsWith("image/");
}
