import { CodedError, type ErrorCode } from "@rabbitloom/protocol";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { type Tensor, tensor } from "../tensor.ts";
import type { Device } from "./device.ts";
import { type Graph, type LocatedMatrix, WEIGHTS_ROOT } from "./graph.ts";

/** What goes into a network: numbers, token ids or flags. */
export type Feed = Tensor | IdTensor | FlagTensor;
export interface IdTensor {
  readonly shape: readonly number[];
  readonly data: BigInt64Array;
}
export interface FlagTensor {
  readonly shape: readonly number[];
  /** 0 or 1 */
  readonly data: Uint8Array;
}

/** A network that is ready to run; whoever opened it releases it. */
export interface Session {
  run(feeds: Readonly<Record<string, Feed>>): Promise<ReadonlyMap<string, Tensor>>;
  release(): Promise<void>;
}

export interface SessionOptions {
  readonly device: Device;
  /** That compute at once, on the CPU. */
  readonly threads: number;
  /** Where the graph's quantized weights are. */
  readonly located?: ReadonlyMap<string, LocatedMatrix> | undefined;
}

const LOG_FATAL_ONLY = 4;

/** The weights stay in their files, mapped; `name` is for messages. Opening and running block the event loop. */
export async function openSession(
  name: string,
  graph: Graph,
  { device, threads, located }: SessionOptions,
): Promise<Session> {
  const ort = await import("onnxruntime-node");
  // Whatever goes wrong is thrown, too.
  ort.env.logLevel = "fatal";
  const session = await ort.InferenceSession.create(graph.encode(located), {
    executionProviders: [{ name: device.provider, deviceId: device.index }],
    intraOpNumThreads: threads,
    logSeverityLevel: LOG_FATAL_ONLY,
    ...optimization(graph, device),
  }).catch((cause: unknown) => {
    throw translate(cause, { name, what: "could not be loaded", code: "MODEL_INVALID" });
  });
  return {
    async run(feeds) {
      const values: Record<string, OrtTensor> = {};
      for (const [input, { shape, data }] of Object.entries(feeds)) {
        if (data instanceof Float32Array) values[input] = new ort.Tensor("float32", data, shape);
        else if (data instanceof Uint8Array) values[input] = new ort.Tensor("bool", data, shape);
        else values[input] = new ort.Tensor("int64", data, shape);
      }
      const results = await session.run(values).catch((cause: unknown) => {
        throw translate(cause, { name, what: "failed", code: "INTERNAL" });
      });
      const outputs = new Map<string, Tensor>();
      for (const [output, { dims, data }] of Object.entries(results)) {
        if (!(data instanceof Float32Array)) throw new Error(`output ${output} is not F32`);
        outputs.set(output, tensor(dims, data));
      }
      return outputs;
    },
    release: () => session.release(),
  };
}

/**
 * On the CPU, weights in half precision stay as they are and are cast when they are used: the usual level would fold
 * each cast into an F32 copy (docs/decisions/0014-half-precision-weights.md has what that costs). The layout stage
 * folds too, so the level is "extended".
 */
function optimization(graph: Graph, device: Device): InferenceSession.SessionOptions {
  // Of a network in 8 bits only small weights are cast: folding them costs nothing.
  const isInt8 = graph.quantizedWeights.length > 0;
  const keepsCasts = device.provider === "cpu" && graph.castsWeights && !isInt8;
  return {
    graphOptimizationLevel: keepsCasts ? "extended" : "all",
    extra: {
      session: {
        model_external_initializers_file_folder_path: WEIGHTS_ROOT,
        ...(device.provider === "cpu" ? WAIT_ASLEEP : {}),
      },
      ...(keepsCasts ? { optimization: { disable_specified_optimizers: "ConstantFolding" } } : {}),
    },
  };
}

/**
 * Threads that wait by spinning take the cores from whatever else runs on the machine, and from each other: a small UNet
 * took 110 ms a call with it and 33 ms without on two busy cores.
 */
const WAIT_ASLEEP = { intra_op: { allow_spinning: "0" } };

function translate(
  cause: unknown,
  { name, what, code }: { name: string; what: string; code: ErrorCode },
): CodedError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const isMemory = /bad_alloc|allocate memory|out of memory|Available memory/i.test(message);
  return new CodedError(
    isMemory ? "DEVICE_OUT_OF_MEMORY" : code,
    `${name} ${isMemory ? "ran out of memory" : what}: ${message}`,
    { cause },
  );
}
