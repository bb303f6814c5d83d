/** Model files as PyTorch's torch.save writes them: a pickle of tensors, and their storages, in a stored ZIP. */
import { crc32 } from "node:zlib";
import { elementCount } from "../../src/tensor.ts";
import {
  type CheckpointOptions,
  type DrawnTensor,
  drawTensors,
  type Layout,
} from "./random-checkpoint.ts";

export interface TorchOptions extends CheckpointOptions {
  /** The key of the dict that holds the tensors; none for tensors at the top. @default "state_dict" */
  readonly wrapping?: string | null;
}

/** The bytes of a .ckpt, .pt or .pth file; its metadata are texts beside the tensors. */
export function torchBytes(
  layout: Layout,
  { wrapping = "state_dict", metadata = {}, ...options }: TorchOptions = {},
): Buffer {
  const tensors = drawTensors(layout, options);
  const dict = [EMPTY_DICT, MARK, ...tensors.flatMap(tensorItem), SET_ITEMS];
  const texts = Object.entries(metadata).flatMap((pair) => pair.map(text));
  const content =
    wrapping === null ? dict : [EMPTY_DICT, MARK, text(wrapping), ...dict, ...texts, SET_ITEMS];
  return storedZip([
    { name: "archive/data.pkl", bytes: pickle(content) },
    { name: "archive/version", bytes: Buffer.from("3\n") },
    ...tensors.map(({ bytes }, index) => ({ name: `archive/data/${index}`, bytes })),
  ]);
}

// Opcodes: CPython's Lib/pickletools.py.
const EMPTY_DICT = "}";
const MARK = "(";
const SET_ITEMS = "u";
const TUPLE = "t";
const FALSE = Buffer.of(0x89);

export function pickle(parts: readonly (string | Buffer)[]): Buffer {
  const opcodes = parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part));
  return Buffer.concat([Buffer.of(0x80, 2), ...opcodes, Buffer.from(".")]);
}

const STORAGES = { F32: "FloatStorage", F16: "HalfStorage", BF16: "BFloat16Storage" };

function tensorItem({ key, type, shape }: DrawnTensor, index: number): (string | Buffer)[] {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const storage = [MARK, text("storage"), `ctorch\n${STORAGES[type]}\n`, text(String(index))];
  return [
    text(key),
    "ctorch._utils\n_rebuild_tensor_v2\n",
    MARK,
    ...[...storage, text("cpu"), integer(elementCount(shape)), TUPLE, "Q"],
    integer(0),
    ...[MARK, ...shape.map(integer), TUPLE],
    ...[MARK, ...strides.map(integer), TUPLE],
    FALSE,
    "ccollections\nOrderedDict\n)R",
    TUPLE,
    "R",
  ];
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from("X"), uint32(bytes.length), bytes]);
}

function integer(value: number): Buffer {
  return Buffer.concat([Buffer.from("J"), uint32(value)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export interface StoredMember {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Numbers: PKWARE's APPNOTE.TXT, 4.3. */
export function storedZip(members: readonly StoredMember[]): Buffer {
  const parts: Uint8Array[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of members) {
    const local = localHeader(name, bytes);
    parts.push(local, bytes);
    directory.push(directoryEntry(local, offset));
    offset += local.length + bytes.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, entries, end]);
}

function localHeader(name: string, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt32LE(crc32(bytes), 14);
  header.writeUInt32LE(bytes.length, 18);
  header.writeUInt32LE(bytes.length, 22);
  header.writeUInt16LE(Buffer.byteLength(name), 26);
  return Buffer.concat([header, Buffer.from(name)]);
}

/** The local header's facts once more, and where it is. */
function directoryEntry(local: Buffer, offset: number): Buffer {
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  local.copy(entry, 6, 4, 30);
  entry.writeUInt32LE(offset, 42);
  return Buffer.concat([entry, local.subarray(30)]);
}
