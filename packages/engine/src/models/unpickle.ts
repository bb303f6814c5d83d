/**
 * Reads Python pickles that hold containers, numbers, text and what `construct` and `persistent` make of the rest. Nothing
 * is ever looked up or called: a pickle that names anything that `construct` does not know is refused.
 * Opcodes: CPython's Lib/pickletools.py, protocols 2 to 5.
 */

/** A dict is a Map, a list or a tuple an array, None null. */
export type PickleValue = unknown;

export interface PickleRules {
  /** The value of calling the global `name` (as in `collections.OrderedDict`) with arguments. Throws for one it does not know. */
  construct(name: string, args: readonly PickleValue[]): PickleValue;
  /** Whether a pickle may name this global. */
  allows(name: string): boolean;
  /** What a persistent id stands for. */
  persistent(id: PickleValue): PickleValue;
}

/** Something of a module, named and nothing more. */
export class PickleGlobal {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** An empty dict is one byte of a pickle and a hundred of memory; the largest checkpoints take some hundred thousand steps. */
const MOST_STEPS = 10_000_000;

/** Throws an Error that says what is wrong and at which byte. */
export function unpickle(bytes: Buffer, rules: PickleRules): PickleValue {
  const machine: Machine = { bytes, at: 0, stack: [], marks: [], memo: [], rules };
  for (let steps = 0; ; steps++) {
    const at = machine.at;
    if (steps > MOST_STEPS) throw new Error(`it takes more than ${MOST_STEPS} steps`);
    const opcode = take(machine, 1).readUInt8(0);
    if (opcode === STOP) return pop(machine);
    const step = STEPS[String.fromCharCode(opcode)];
    if (step === undefined) {
      throw new Error(`opcode 0x${opcode.toString(16)} at byte ${at} is not one of tensors' files`);
    }
    step(machine);
  }
}

interface Machine {
  readonly bytes: Buffer;
  at: number;
  stack: PickleValue[];
  /** Stacks put aside by MARK. */
  readonly marks: PickleValue[][];
  readonly memo: PickleValue[];
  readonly rules: PickleRules;
}

const STOP = 0x2e;

function take(machine: Machine, length: number): Buffer {
  const end = machine.at + length;
  if (end > machine.bytes.length)
    throw new Error(`it ends at byte ${machine.bytes.length}, in the middle`);
  const taken = machine.bytes.subarray(machine.at, end);
  machine.at = end;
  return taken;
}

function pop(machine: Machine): PickleValue {
  if (machine.stack.length === 0) throw new Error(`nothing is on the stack at byte ${machine.at}`);
  return machine.stack.pop();
}

/** What has been pushed since the last MARK. */
function popMarked(machine: Machine): PickleValue[] {
  const marked = machine.stack;
  const below = machine.marks.pop();
  if (below === undefined) throw new Error(`there is no mark at byte ${machine.at}`);
  machine.stack = below;
  return marked;
}

const push = (machine: Machine, value: PickleValue) => void machine.stack.push(value);
const byte = (machine: Machine) => take(machine, 1).readUInt8(0);
const uint32 = (machine: Machine) => take(machine, 4).readUInt32LE(0);
const text = (machine: Machine, length: number) => push(machine, take(machine, length).toString());

function line(machine: Machine): string {
  const end = machine.bytes.indexOf("\n", machine.at);
  if (end < 0) throw new Error("a name has no end");
  const read = machine.bytes.toString("utf8", machine.at, end);
  machine.at = end + 1;
  return read;
}

/** More digits than any number in a tensor's file has; reading them takes the square of their count. */
const MAX_LONG_BYTES = 64;

/** Little-endian, two's complement. */
function long(machine: Machine, length: number): void {
  if (length > MAX_LONG_BYTES) {
    throw new Error(`a number of ${length} bytes stands at byte ${machine.at}`);
  }
  let value = 0n;
  take(machine, length).forEach((part, index) => {
    value |= BigInt(part) << BigInt(8 * index);
  });
  push(machine, Number(BigInt.asIntN(8 * length, value)));
}

function tuple(machine: Machine, length: number): void {
  const parts = Array.from({ length }, () => pop(machine));
  push(machine, parts.reverse());
}

function global(machine: Machine, name: string): void {
  if (!machine.rules.allows(name)) throw new Error(`it names ${name}, which no tensor needs`);
  push(machine, new PickleGlobal(name));
}

function setItems(machine: Machine, items: readonly PickleValue[]): void {
  const dict = machine.stack.at(-1);
  if (!(dict instanceof Map)) throw new Error(`items are set on no dict at byte ${machine.at}`);
  for (let i = 0; i + 1 < items.length; i += 2) dict.set(items[i], items[i + 1]);
}

function append(machine: Machine, items: readonly PickleValue[]): void {
  const list = machine.stack.at(-1);
  if (!Array.isArray(list)) throw new Error(`items are added to no list at byte ${machine.at}`);
  for (const item of items) list.push(item);
}

function reduce(machine: Machine): void {
  const args = pop(machine);
  const callee = pop(machine);
  if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) {
    throw new Error(`something is called at byte ${machine.at} that cannot be`);
  }
  push(machine, machine.rules.construct(callee.name, args));
}

const STEPS: Readonly<Record<string, (machine: Machine) => void>> = {
  "\x80": (m) => void byte(m),
  "\x95": (m) => void take(m, 8),
  "(": (m) => {
    m.marks.push(m.stack);
    m.stack = [];
  },
  "0": (m) => void pop(m),
  "1": (m) => void popMarked(m),
  N: (m) => push(m, null),
  "\x88": (m) => push(m, true),
  "\x89": (m) => push(m, false),
  J: (m) => push(m, take(m, 4).readInt32LE(0)),
  K: (m) => push(m, byte(m)),
  M: (m) => push(m, take(m, 2).readUInt16LE(0)),
  "\x8a": (m) => long(m, byte(m)),
  "\x8b": (m) => long(m, uint32(m)),
  G: (m) => push(m, take(m, 8).readDoubleBE(0)),
  X: (m) => text(m, uint32(m)),
  "\x8c": (m) => text(m, byte(m)),
  "\x8d": (m) => text(m, Number(take(m, 8).readBigUInt64LE(0))),
  U: (m) => text(m, byte(m)),
  T: (m) => text(m, uint32(m)),
  C: (m) => push(m, take(m, byte(m))),
  B: (m) => push(m, take(m, uint32(m))),
  "}": (m) => push(m, new Map()),
  "]": (m) => push(m, []),
  ")": (m) => push(m, []),
  t: (m) => {
    const parts = popMarked(m);
    push(m, parts);
  },
  l: (m) => {
    const parts = popMarked(m);
    push(m, parts);
  },
  "\x85": (m) => tuple(m, 1),
  "\x86": (m) => tuple(m, 2),
  "\x87": (m) => tuple(m, 3),
  a: (m) => append(m, [pop(m)]),
  e: (m) => append(m, popMarked(m)),
  s: (m) => {
    const value = pop(m);
    setItems(m, [pop(m), value]);
  },
  u: (m) => setItems(m, popMarked(m)),
  d: (m) => {
    const items = popMarked(m);
    push(m, new Map());
    setItems(m, items);
  },
  c: (m) => global(m, `${line(m)}.${line(m)}`),
  "\x93": (m) => {
    const name = pop(m);
    global(m, `${String(pop(m))}.${String(name)}`);
  },
  R: reduce,
  // The state of an object: of dicts and tensors it is attributes that do not matter here.
  b: (m) => void pop(m),
  Q: (m) => push(m, m.rules.persistent(pop(m))),
  q: (m) => remember(m, byte(m)),
  r: (m) => remember(m, uint32(m)),
  "\x94": (m) => void m.memo.push(m.stack.at(-1)),
  h: (m) => push(m, m.memo[byte(m)]),
  j: (m) => push(m, m.memo[uint32(m)]),
};

/** Indices count up, so that a large one cannot ask for a large array. */
function remember(machine: Machine, index: number): void {
  if (index > machine.memo.length) throw new Error(`memo ${index} is out of order`);
  machine.memo[index] = machine.stack.at(-1);
}
