import { createScratchFiles, type ScratchFiles } from "../models/scratch-files.ts";
import type { Tensor } from "../tensor.ts";
import type { Device } from "./device.ts";
import { createGraph, ELEMENT_BYTES, type Graph } from "./graph.ts";
import { checkFits, defaultMemoryBytes } from "./memory-budget.ts";
import { type ByteType, operatorChoices } from "./operators.ts";
import type { QuantizedFiles } from "./quantized-files.ts";
import { type Feed, openSession, type Session } from "./session.ts";
import { computeThreads } from "./threads.ts";

/** A network as the runtime knows it before and between its sessions. */
export interface Network {
  /** Networks of one key share one session. */
  readonly key: string;
  /** For messages: `the UNet of "a.safetensors"`. */
  readonly name: string;
  build(graph: Graph): void;
  /** Whether its large layers may be computed in 8 bits where that is asked for. @default false */
  readonly isQuantizable?: boolean;
  /** About what its activations take in a run with inputs of these shapes. @default 0 */
  workingBytes?(feeds: FeedShapes): number;
}

export type Feeds = Readonly<Record<string, Feed>>;
export type FeedShapes = Readonly<Record<string, Pick<Feed, "shape">>>;

export interface RuntimeOptions {
  /** @default the CPU */
  readonly device?: Device;
  /** Memory for networks; the least recently used one goes first. @default three quarters of what this process may use */
  readonly memoryBytes?: number | undefined;
  /** That compute at once, on the CPU. @default one a core */
  readonly threads?: number | undefined;
  /** Quantizable networks are computed in 8 bits, on the CPU only. @default none is */
  readonly quantization?: Quantization | undefined;
}

export interface Quantization {
  readonly type: ByteType;
  /** Keeps the weights. */
  readonly files: QuantizedFiles;
}

/** Runs networks on one device, one at a time, and keeps their sessions as long as memory allows. */
export interface Runtime extends AsyncDisposable {
  readonly device: Device;
  /** Builds the graph and throws what is wrong with the weights, or that they can never fit, without opening a session. */
  check(network: Network): void;
  /** Throws DEVICE_OUT_OF_MEMORY for so many weights as can never fit. */
  checkWeights(name: string, elements: number): void;
  /** Throws DEVICE_OUT_OF_MEMORY for inputs of such shapes as can never fit beside the weights. */
  checkRun(network: Network, shapes: Readonly<Record<string, readonly number[]>>): void;
  run(network: Network, feeds: Feeds): Promise<ReadonlyMap<string, Tensor>>;
  /** Computed weights, on the disk. */
  readonly scratch: ScratchFiles;
  /** What the open networks take, by estimate. */
  readonly usedBytes: number;
  /** Closes all sessions. */
  free(): Promise<void>;
}

const CPU: Device = { provider: "cpu", index: 0 };

export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const { device = CPU, quantization } = options;
  const memoryBytes = options.memoryBytes ?? defaultMemoryBytes();
  const threads = options.threads ?? computeThreads();
  /** In the order of their last use, oldest first. */
  const open = new Map<string, { readonly session: Session; readonly bytes: number }>();
  /** Weights of the networks that were checked, in bytes. */
  const sizes = new Map<string, number>();
  const scratch = createScratchFiles();
  let last: Promise<unknown> = Promise.resolve();

  /** One after another: a session must not be closed under a run, and runs block the thread anyway. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  }

  const choice = operatorChoices[device.provider];
  const leastElementBytes = quantization === undefined ? ELEMENT_BYTES[choice.compute] : 1;

  function build(network: Network): Graph {
    const byteWeights = network.isQuantizable === true ? quantization?.type : undefined;
    const graph = createGraph(byteWeights === undefined ? choice : { ...choice, byteWeights });
    network.build(graph);
    return graph;
  }

  function check(name: string, weightBytes: number): void {
    checkFits(name, { weightBytes, workingBytes: 0 }, memoryBytes);
  }

  const usedBytes = () => [...open.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  /** Closes networks until so much is free, those first that were not used for longest. */
  async function makeRoom(bytes: number, kept?: string): Promise<void> {
    for (const [key, { session }] of open) {
      if (usedBytes() + bytes <= memoryBytes) return;
      if (key === kept) continue;
      open.delete(key);
      await session.release();
    }
  }

  async function sessionOf(network: Network, feeds: Feeds): Promise<Session> {
    const { key, name } = network;
    const workingBytes = network.workingBytes?.(feeds) ?? 0;
    const known = open.get(key);
    if (known !== undefined) {
      checkFits(name, { weightBytes: known.bytes, workingBytes }, memoryBytes);
      open.delete(key);
      open.set(key, known);
      await makeRoom(workingBytes, key);
      return known.session;
    }
    const graph = build(network);
    const bytes = graph.weightBytes;
    checkFits(name, { weightBytes: bytes, workingBytes }, memoryBytes);
    await makeRoom(bytes + workingBytes);
    const located = await quantization?.files.locate(graph.quantizedWeights);
    const session = await openSession(name, graph, { device, threads, located });
    open.set(key, { session, bytes });
    return session;
  }

  async function free(): Promise<void> {
    const sessions = [...open.values()];
    open.clear();
    for (const { session } of sessions) await session.release();
    await scratch.free();
  }

  return {
    device,
    scratch,
    check(network) {
      const bytes = build(network).weightBytes;
      check(network.name, bytes);
      sizes.set(network.key, bytes);
    },
    checkWeights: (name, elements) => check(name, elements * leastElementBytes),
    checkRun(network, shapes) {
      const feeds = Object.entries(shapes).map(([name, shape]) => [name, { shape }] as const);
      const workingBytes = network.workingBytes?.(Object.fromEntries(feeds)) ?? 0;
      const weightBytes = sizes.get(network.key) ?? build(network).weightBytes;
      checkFits(network.name, { weightBytes, workingBytes }, memoryBytes);
    },
    run: (network, feeds) => inTurn(async () => (await sessionOf(network, feeds)).run(feeds)),
    get usedBytes() {
      return usedBytes();
    },
    free: () => inTurn(free),
    [Symbol.asyncDispose]: () => inTurn(free),
  };
}
