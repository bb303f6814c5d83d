import { CodedError } from "@rabbitloom/protocol";
import { type Device, parseDevice } from "./device.ts";
import { createGraph } from "./graph.ts";
import { operatorChoices, type Provider } from "./operators.ts";
import { openSession } from "./session.ts";

/** In the order in which "auto" tries them. */
const PROVIDERS: readonly Provider[] = ["cuda", "tensorrt", "webgpu", "coreml", "dml", "cpu"];

/**
 * The device to run on: `auto` for the first that works, or one by name. ONNX Runtime does not fall back by itself, so each
 * is tried on a network of one node. Throws INVALID_REQUEST for a device that does not work here, with the reason.
 */
export async function chooseDevice(wanted = "cpu"): Promise<Device> {
  if (wanted !== "auto") {
    const device = parseDevice(wanted);
    const problem = await problemOf(device);
    if (problem === undefined) return device;
    throw new CodedError("INVALID_REQUEST", `device "${wanted}" does not work here: ${problem}`);
  }
  for (const provider of PROVIDERS) {
    const device = { provider, index: 0 };
    if ((await problemOf(device)) === undefined) return device;
  }
  throw new CodedError("INTERNAL", "ONNX Runtime works on no device here, not even the CPU");
}

/** Why a device cannot be used; undefined for one that can. The CPU is taken on trust: it is always built in. */
export async function problemOf(device: Device): Promise<string | undefined> {
  if (device.provider === "cpu") return undefined;
  const graph = createGraph(operatorChoices[device.provider]);
  const x = graph.input("x", [1]);
  graph.output("y", graph.add("Add", [x, x]), [1]);
  try {
    const session = await openSession("a first network", graph, { device, threads: 1 });
    const outputs = await session.run({ x: { shape: [1], data: Float32Array.of(1) } });
    await session.release();
    const [sum] = outputs.get("y")?.data ?? [];
    return sum === 2 ? undefined : `it says that 1 + 1 is ${sum}`;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
