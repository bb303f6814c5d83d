import { totalmem } from "node:os";
import { CodedError } from "@rabbitloom/protocol";
import type { Tensor } from "../tensor.ts";
import type { Device } from "./device.ts";
import { createGraph, type Graph } from "./graph.ts";
import { operatorChoices } from "./operators.ts";
import { type Feed, openSession, type Session } from "./session.ts";

/** A network as the runtime knows it before and between its sessions. */
export interface Network {
  /** Networks of one key share one session. */
  readonly key: string;
  /** For messages: `the UNet of "a.safetensors"`. */
  readonly name: string;
  build(graph: Graph): void;
}

export interface RuntimeOptions {
  /** @default the CPU */
  readonly device?: Device;
  /** Memory for networks; the least recently used one goes first. @default three quarters of what this process may use */
  readonly memoryBytes?: number;
}

/** Runs networks on one device, one at a time, and keeps their sessions as long as memory allows. */
export interface Runtime extends AsyncDisposable {
  readonly device: Device;
  /** Builds the graph and throws what is wrong with the weights, without opening a session. */
  check(network: Network): void;
  run(
    network: Network,
    feeds: Readonly<Record<string, Feed>>,
  ): Promise<ReadonlyMap<string, Tensor>>;
  /** What the open networks take, by estimate. */
  readonly usedBytes: number;
  /** Closes all sessions. */
  free(): Promise<void>;
}

const CPU: Device = { provider: "cpu", index: 0 };
const MEMORY_SHARE = 0.75;

export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const { device = CPU } = options;
  const memoryBytes = options.memoryBytes ?? availableBytes() * MEMORY_SHARE;
  /** In the order of their last use, oldest first. */
  const open = new Map<string, { readonly session: Session; readonly bytes: number }>();
  let last: Promise<unknown> = Promise.resolve();

  /** One after another: a session must not be closed under a run, and runs block the thread anyway. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  }

  function build(network: Network): Graph {
    const graph = createGraph(operatorChoices[device.provider]);
    network.build(graph);
    return graph;
  }

  const usedBytes = () => [...open.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  async function sessionOf(network: Network): Promise<Session> {
    const known = open.get(network.key);
    if (known !== undefined) {
      open.delete(network.key);
      open.set(network.key, known);
      return known.session;
    }
    const graph = build(network);
    const bytes = bytesOf(graph);
    if (bytes > memoryBytes) {
      throw new CodedError(
        "DEVICE_OUT_OF_MEMORY",
        `${network.name} takes ${megabytes(bytes)} MB, and networks may use ${megabytes(memoryBytes)} MB together`,
      );
    }
    for (const [key, { session }] of open) {
      if (usedBytes() + bytes <= memoryBytes) break;
      open.delete(key);
      await session.release();
    }
    const session = await openSession(network.name, graph, device);
    open.set(network.key, { session, bytes });
    return session;
  }

  async function free(): Promise<void> {
    const sessions = [...open.values()];
    open.clear();
    for (const { session } of sessions) await session.release();
  }

  return {
    device,
    check: (network) => void build(network),
    run: (network, feeds) => inTurn(async () => (await sessionOf(network)).run(feeds)),
    get usedBytes() {
      return usedBytes();
    },
    free: () => inTurn(free),
    [Symbol.asyncDispose]: () => inTurn(free),
  };
}

/**
 * About what a network takes while it runs: its weights in the compute type, mapped or copied. An SD 1.5 UNet (860 M
 * weights, 3.4 GB by this rule) was measured at 2.8 to 3.6 GB on the CPU, from an F16 file as from an F32 one.
 */
function bytesOf(graph: Graph): number {
  return graph.weightElements * (graph.choice.compute === "F32" ? 4 : 2);
}

/** Of the machine, or of the container's limit. */
function availableBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);
