/** PyTorch's .ckpt, .pt, .pth and .bin files of the zip form: a pickle of tensors, and their storages as members. */
import { elementCount } from "../tensor.ts";
import { elementSizes } from "./element-size.ts";
import type { OpenFile } from "./safetensors.ts";
import { PickleGlobal, type PickleValue, unpickle } from "./unpickle.ts";
import { invalidModel, type TensorEntry, type Weights } from "./weights.ts";
import { type ZipMember, zipMembers } from "./zip-members.ts";

const MAX_PICKLE_BYTES = 200_000_000;
/** Containers may hold each other many times over; no model file comes near this. */
const MAX_VALUES = 1_000_000;
/** Characters of a tensor's name. */
const MAX_KEY_LENGTH = 1_000;

const STORAGES: Readonly<Record<string, TensorEntry["type"]>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

const TENSOR = "torch._utils._rebuild_tensor_v2";
const PARAMETER = "torch._utils._rebuild_parameter";
const ORDERED_DICT = "collections.OrderedDict";

interface Storage {
  readonly type: TensorEntry["type"];
  readonly member: ZipMember;
}

/**
 * Tensors of nested dicts get their keys joined by dots; a `state_dict` is taken out of what is around it. Text, numbers and
 * truths at the top are metadata.
 */
export async function readTorchFile(
  file: OpenFile,
): Promise<Pick<Weights, "tensors" | "metadata">> {
  const members = await zipMembers(file);
  const pickleName = [...members.keys()].find((name) => /(^|\/)data\.pkl$/.test(name));
  const pickle = members.get(pickleName ?? "");
  if (pickleName === undefined || pickle === undefined || pickle.length > MAX_PICKLE_BYTES) {
    throw invalidModel(file.name, "it is a ZIP file, but none of PyTorch: it has no data.pkl");
  }
  const root = pickleName.slice(0, -"data.pkl".length);
  const bytes = Buffer.alloc(pickle.length);
  await file.handle.read(bytes, 0, pickle.length, pickle.offset);
  const content = readPickle();
  return { tensors: unwrapped(tensorsIn(content, file.name)), metadata: scalarsIn(content) };

  function readPickle(): PickleValue {
    try {
      return unpickle(bytes, {
        allows: (name) => KNOWN.has(name),
        construct: (name, args) => construct(name, args, file.location),
        persistent: (id) => storageOf(id, (key) => members.get(`${root}data/${key}`)),
      });
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw invalidModel(file.name, `its pickle is refused: ${problem}`, cause);
    }
  }
}

const KNOWN = new Set([TENSOR, PARAMETER, ORDERED_DICT, ...Object.keys(STORAGES)]);

function construct(name: string, args: readonly PickleValue[], location: string): PickleValue {
  if (name === ORDERED_DICT && args.length === 0) return new Map();
  if (name === PARAMETER) return args[0];
  if (name === TENSOR) return tensorOf(args, location);
  throw new Error(`it calls ${name}`);
}

/** ("storage", its class, key, device, element count) */
function storageOf(id: PickleValue, find: (key: string) => ZipMember | undefined): StorageValue {
  const [, kind, key] = Array.isArray(id) ? id : [];
  const type = kind instanceof PickleGlobal ? STORAGES[kind.name] : undefined;
  if (type === undefined) throw new Error("a storage has no type that is known");
  const member = find(String(key));
  if (member === undefined) throw new Error(`storage ${String(key)} is missing`);
  return new StorageValue({ type, member });
}

/** Told apart from everything that a pickle can make itself. */
class StorageValue {
  readonly storage: Storage;
  constructor(storage: Storage) {
    this.storage = storage;
  }
}

class TensorValue {
  readonly entry: TensorEntry;
  readonly isContiguous: boolean;
  constructor(entry: TensorEntry, isContiguous: boolean) {
    this.entry = entry;
    this.isContiguous = isContiguous;
  }
}

/** (storage, offset in elements, shape, strides, ...) */
function tensorOf(args: readonly PickleValue[], location: string): TensorValue {
  const [value, start, shape, strides] = args;
  if (
    !(value instanceof StorageValue) ||
    !isSize(start) ||
    !areSizes(shape) ||
    !areSizes(strides)
  ) {
    throw new Error("a tensor is not described by storage, offset, shape and strides");
  }
  const { type, member } = value.storage;
  const length = elementCount(shape) * elementSizes[type];
  const offset = start * elementSizes[type];
  if (offset + length > member.length) throw new Error("a tensor leaves its storage");
  const entry = { type, shape, location, offset: member.offset + offset, length };
  return new TensorValue(entry, isRowMajor(shape, strides));
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] ?? 0;
    if (size !== 1 && strides[i] !== expected) return false;
    expected *= size;
  }
  return true;
}

function tensorsIn(content: PickleValue, name: string): Map<string, TensorEntry> {
  const tensors = new Map<string, TensorEntry>();
  const waiting: { key: string; value: PickleValue }[] = [{ key: "", value: content }];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { key, value } = next;
    seen += 1;
    if (seen > MAX_VALUES) throw invalidModel(name, `it holds more than ${MAX_VALUES} values`);
    if (value instanceof TensorValue) {
      if (!value.isContiguous) throw invalidModel(name, `tensor "${key}" is not stored row by row`);
      tensors.set(key, value.entry);
    } else if (value instanceof Map || Array.isArray(value)) {
      const start = key === "" ? "" : `${key}.`;
      for (const [part, inner] of value.entries()) {
        if (typeof part !== "string" && typeof part !== "number") continue;
        const innerKey = `${start}${part}`;
        if (innerKey.length > MAX_KEY_LENGTH) {
          throw invalidModel(name, `the name "${innerKey.slice(0, 80)}..." is absurdly long`);
        }
        waiting.push({ key: innerKey, value: inner });
      }
    }
  }
  return tensors;
}

function scalarsIn(content: PickleValue): ReadonlyMap<string, string> {
  const scalars = new Map<string, string>();
  if (!(content instanceof Map)) return scalars;
  for (const [key, value] of content) {
    if (["string", "number", "boolean"].includes(typeof value))
      scalars.set(String(key), String(value));
  }
  return scalars;
}

const STATE_DICT = "state_dict.";

function unwrapped(tensors: Map<string, TensorEntry>): ReadonlyMap<string, TensorEntry> {
  const inside = [...tensors].filter(([key]) => key.startsWith(STATE_DICT));
  if (inside.length === 0) return tensors;
  return new Map(inside.map(([key, entry]) => [key.slice(STATE_DICT.length), entry]));
}

function isSize(value: PickleValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** One list of sizes can stand for those of many tensors: a long one would be gone through for each. */
const MOST_DIMENSIONS = 64;

function areSizes(value: PickleValue): value is readonly number[] {
  return Array.isArray(value) && value.length <= MOST_DIMENSIONS && value.every(isSize);
}
