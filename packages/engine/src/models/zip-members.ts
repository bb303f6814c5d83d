/** The members of a ZIP file by name, and where their bytes lie. Numbers: PKWARE's APPNOTE.TXT, 4.3. */
import type { OpenFile } from "./safetensors.ts";
import { invalidModel } from "./weights.ts";

export interface ZipMember {
  /** Of the first byte. */
  readonly offset: number;
  readonly length: number;
}

const END = { signature: 0x06054b50, bytes: 22 };
const LOCATOR = { signature: 0x07064b50, bytes: 20 };
const END_64 = { signature: 0x06064b50, bytes: 56 };
const ENTRY = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const MAX_COMMENT_BYTES = 65_535;
const MAX_DIRECTORY_BYTES = 100_000_000;
/** Each costs a read of its local header; the largest checkpoints have a few thousand. */
const MAX_MEMBERS = 100_000;
/** Stands where a number is in the entry's ZIP64 record instead. */
const ELSEWHERE = 0xffffffff;
const ZIP_64_RECORD = 1;

/** Members that are stored as they are, which can be mapped. Throws MODEL_INVALID for a file with any other. */
export async function zipMembers(file: OpenFile): Promise<ReadonlyMap<string, ZipMember>> {
  const members = new Map<string, ZipMember>();
  const directory = await readDirectory(file);
  for (let at = 0; at < directory.length; ) {
    const entry = readEntry(file, directory, at);
    at = entry.end;
    if (members.size >= MAX_MEMBERS) {
      throw refuse(file, `it has more than ${MAX_MEMBERS} members`);
    }
    if (entry.method !== 0) throw refuse(file, `its member "${entry.name}" is compressed`);
    members.set(entry.name, await locate(file, entry));
  }
  return members;
}

interface DirectoryEntry {
  readonly name: string;
  readonly method: number;
  readonly length: number;
  /** Of the local header. */
  readonly offset: number;
  /** Where the next entry begins in the directory. */
  readonly end: number;
}

function readEntry(file: OpenFile, directory: Buffer, at: number): DirectoryEntry {
  if (!startsRecord(directory, at, ENTRY)) throw refuse(file, "its directory is damaged");
  const nameEnd = at + ENTRY.bytes + directory.readUInt16LE(at + 28);
  const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
  const end = extraEnd + directory.readUInt16LE(at + 32);
  if (end > directory.length) throw refuse(file, "its directory is damaged");
  const wide = wideNumbers(directory.subarray(nameEnd, extraEnd));
  const number = (field: number) => {
    const value = directory.readUInt32LE(at + field);
    return value === ELSEWHERE ? (wide.shift() ?? value) : value;
  };
  // In this order they stand in the ZIP64 record: size, compressed size, offset.
  const length = number(24);
  number(20);
  const offset = number(42);
  const name = directory.toString("utf8", at + ENTRY.bytes, nameEnd);
  return { name, method: directory.readUInt16LE(at + 10), length, offset, end };
}

function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== ZIP_64_RECORD) continue;
    const count = Math.floor(Math.min(extra.readUInt16LE(at + 2), extra.length - at - 4) / 8);
    return Array.from({ length: count }, (_, i) => Number(extra.readBigUInt64LE(at + 4 + i * 8)));
  }
  return [];
}

/** The bytes lie behind the local header, whose extra field differs from the directory's. */
async function locate(file: OpenFile, entry: DirectoryEntry): Promise<ZipMember> {
  const local = await readBytes(file, entry.offset, LOCAL.bytes);
  if (!startsRecord(local, 0, LOCAL)) {
    throw refuse(file, `its member "${entry.name}" is not where its directory says`);
  }
  const offset = entry.offset + LOCAL.bytes + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (offset + entry.length > file.sizeBytes) {
    throw refuse(file, `its member "${entry.name}" is cut off`);
  }
  return { offset, length: entry.length };
}

async function readDirectory(file: OpenFile): Promise<Buffer> {
  const tailLength = Math.min(file.sizeBytes, END.bytes + MAX_COMMENT_BYTES);
  const tail = await readBytes(file, file.sizeBytes - tailLength, tailLength);
  let at = tail.length - END.bytes;
  while (at >= 0 && !startsRecord(tail, at, END)) at -= 1;
  if (at < 0) throw refuse(file, "its directory is missing: it is cut off");
  let length = tail.readUInt32LE(at + 12);
  let offset = tail.readUInt32LE(at + 16);
  if (startsRecord(tail, at - LOCATOR.bytes, LOCATOR)) {
    const recordAt = Number(tail.readBigUInt64LE(at - LOCATOR.bytes + 8));
    const record = await readBytes(file, recordAt, END_64.bytes);
    if (!startsRecord(record, 0, END_64)) throw refuse(file, "its directory is damaged");
    length = Number(record.readBigUInt64LE(40));
    offset = Number(record.readBigUInt64LE(48));
  }
  if (length > MAX_DIRECTORY_BYTES) throw refuse(file, "its directory is absurdly long");
  return await readBytes(file, offset, length);
}

function startsRecord(
  bytes: Buffer,
  at: number,
  { signature, bytes: length }: { signature: number; bytes: number },
): boolean {
  return at >= 0 && at + length <= bytes.length && bytes.readUInt32LE(at) === signature;
}

async function readBytes(file: OpenFile, offset: number, length: number): Promise<Buffer> {
  if (offset + length > file.sizeBytes) throw refuse(file, "it is cut off");
  const bytes = Buffer.alloc(length);
  await file.handle.read(bytes, 0, length, offset);
  return bytes;
}

function refuse(file: OpenFile, problem: string) {
  return invalidModel(file.name, `it is not a PyTorch file that can be read: ${problem}`);
}
