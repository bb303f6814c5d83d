import { CodedError } from "@rabbitloom/protocol";
import { machineMemoryBytes } from "./machine-memory.ts";

/** More than this is asked for by mistake more often than not. */
const LARGE_BYTES = 1e9;

/**
 * So many zeros. Throws DEVICE_OUT_OF_MEMORY for more than this machine has: the system would promise the memory all the same,
 * and kill the process that uses it. `what` is for the message.
 */
export function allocateFloats(length: number, what = `${length} numbers`): Float32Array {
  const neededBytes = length * Float32Array.BYTES_PER_ELEMENT;
  if (!(neededBytes > LARGE_BYTES)) return new Float32Array(length);
  const availableBytes = machineMemoryBytes();
  const canFit = neededBytes <= availableBytes;
  try {
    if (canFit) return new Float32Array(length);
  } catch {
    // There is memory, but not so much in one piece.
  }
  throw new CodedError(
    "DEVICE_OUT_OF_MEMORY",
    `${what} would take ${gigabytes(neededBytes)}; this machine has ${gigabytes(availableBytes)}`,
    { details: { neededBytes, availableBytes }, isRetryable: canFit },
  );
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
