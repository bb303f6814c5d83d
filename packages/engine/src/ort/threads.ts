import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** What a count of threads is made from. */
export interface Processors {
  /** Hardware threads that this process may run on. */
  readonly allowed: number;
  /** The hardware threads of each core, a text a hardware thread; empty where the system does not say. */
  readonly siblings: readonly string[];
  /** The control group's `cpu.max`; empty where there is none. */
  readonly quota: string;
}

/**
 * How many threads compute at once: one a core, as two threads of a core share its multipliers, and no more than a
 * container may use. ONNX Runtime counts too, but where it does not know the processor it takes half of the hardware
 * threads: one of two cores on an AMD EPYC of family 26.
 */
export function computeThreads(
  { allowed, siblings, quota }: Processors = readProcessors(),
): number {
  const cores = new Set(siblings).size || allowed;
  const [maximum = "", period = ""] = quota.trim().split(" ");
  const share = Math.ceil(Number(maximum) / Number(period)) || allowed; // "max 100000": no limit
  return Math.max(1, Math.min(allowed, cores, share));
}

function readProcessors(): Processors {
  const allowed = availableParallelism();
  const siblings = (cpu: number) =>
    readText(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
  return {
    allowed,
    siblings: Array.from({ length: presentProcessors() }, (_, cpu) => siblings(cpu)).filter(
      Boolean,
    ),
    quota: readText("/sys/fs/cgroup/cpu.max"),
  };
}

/** From `0-7`. */
function presentProcessors(): number {
  return Number(/\d+\s*$/.exec(readText("/sys/devices/system/cpu/present"))?.[0] ?? -1) + 1;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
