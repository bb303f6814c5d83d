import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, lstat, mkdir, rename, rm } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CodedError } from "@rabbitloom/protocol";
import { claimName, codeOf } from "./claim-name.ts";
import { checkedSubfolder, checkRelative } from "./folders.ts";
import { refusingOddNames } from "./odd-names.ts";

/** Bytes that came in, on disk but under no name yet. */
export interface ReceivedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: string;
}

/** Of files that are being received: whoever lists a folder leaves out names with a dot before them. */
export const UPLOAD_PREFIX = ".upload-";

/** Writes a stream to a nameless file of the folder that it will stay in. */
export async function receiveFile(
  root: string,
  source: NodeJS.ReadableStream,
): Promise<ReceivedFile> {
  await mkdir(root, { recursive: true });
  const path = join(root, `${UPLOAD_PREFIX}${randomUUID()}`);
  const hash = createHash("sha256");
  const target = createWriteStream(path, { flags: "wx" });
  let sizeBytes = 0;
  try {
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        sizeBytes += chunk.byteLength;
        done(null, chunk);
      },
    });
    await pipeline(source, measure, target);
  } catch (error) {
    // A file that is still being opened would come after it was removed.
    if (!target.closed) await new Promise<void>((resolve) => target.once("close", resolve));
    await rm(path, { force: true });
    throw error;
  }
  return { path, sizeBytes, digest: hash.digest("hex") };
}

/** What file systems take is 255; a number may still come before the extension. */
const LONGEST_NAME_BYTES = 240;

export interface Placement {
  /** As the client said it; only its last part counts. */
  readonly filename: string;
  readonly subfolder: string;
  readonly overwrite: boolean;
}

/**
 * Gives a received file its name, by ComfyUI's rules: the same bytes under the same name are one file, other bytes
 * become `a (1).png`, `a (2).png`; with `overwrite` the name is taken over. Returns the name it got.
 */
export async function placeFile(
  root: string,
  file: ReceivedFile,
  { filename, subfolder, overwrite }: Placement,
): Promise<string> {
  try {
    const name = checkFilename(filename);
    checkRelative(subfolder, "subfolder");
    const folder = await checkedSubfolder(root, subfolder);
    return await refusingOddNames(async () => {
      await mkdir(folder, { recursive: true });
      if (!overwrite) return placeBeside(folder, name, file);
      await takeOver(file.path, join(folder, name));
      return name;
    });
  } finally {
    await rm(file.path, { force: true });
  }
}

function checkFilename(filename: string): string {
  checkRelative(filename, "filename");
  const name = basename(filename.replaceAll("\\", "/"));
  if (name === "" || name === ".") {
    throw new CodedError(
      "FILE_REFUSED",
      `filename: expected a name, got ${JSON.stringify(filename)}`,
    );
  }
  if (Buffer.byteLength(name) > LONGEST_NAME_BYTES) {
    throw new CodedError(
      "FILE_REFUSED",
      `filename: expected at most ${LONGEST_NAME_BYTES} bytes, got ${Buffer.byteLength(name)}`,
    );
  }
  return name;
}

/** Two uploads of one name at once do not meet: whoever makes the name first has it. */
async function placeBeside(folder: string, name: string, file: ReceivedFile): Promise<string> {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let i = 0; ; i++) {
    const candidate = i === 0 ? name : `${stem} (${i})${extension}`;
    const path = join(folder, candidate);
    if (await claimName(file.path, path)) return candidate;
    if (await holdsSame(path, file)) return candidate;
  }
}

async function takeOver(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    // Another file system: as good as it goes without a rename.
    if (codeOf(error) !== "EXDEV") throw error;
    await copyFile(from, to);
  }
}

async function holdsSame(path: string, { sizeBytes, digest }: ReceivedFile): Promise<boolean> {
  // A link is somebody else's file, whatever it leads to.
  const facts = await lstat(path);
  if (!facts.isFile() || facts.size !== sizeBytes) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === digest;
}
