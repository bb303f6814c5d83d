import { CodedError } from "@rabbitloom/protocol";
import { machineMemoryBytes } from "../machine-memory.ts";

/** What one network takes, in bytes. */
export interface MemoryNeed {
  /** Its weights as they are computed with, mapped or copied. */
  readonly weightBytes: number;
  /** Activations, beside the weights, while it runs. */
  readonly workingBytes: number;
}

const DEFAULT_SHARE = 0.75;

/** Three quarters of the machine's memory, or of the container's limit. */
export function defaultMemoryBytes(): number {
  return machineMemoryBytes() * DEFAULT_SHARE;
}

/** Throws DEVICE_OUT_OF_MEMORY, with both figures and for good, for a network that cannot fit even alone. */
export function checkFits(
  name: string,
  { weightBytes, workingBytes }: MemoryNeed,
  availableBytes: number,
): void {
  const neededBytes = weightBytes + workingBytes;
  if (neededBytes <= availableBytes) return;
  const parts =
    workingBytes === 0
      ? ""
      : ` (${megabytes(weightBytes)} of weights and ${megabytes(workingBytes)} to work in)`;
  throw new CodedError(
    "DEVICE_OUT_OF_MEMORY",
    `${name} needs ${megabytes(neededBytes)}${parts}, but the memory budget is ${megabytes(availableBytes)}`,
    {
      details: { neededBytes: Math.ceil(neededBytes), availableBytes: Math.floor(availableBytes) },
      isRetryable: false,
    },
  );
}

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
