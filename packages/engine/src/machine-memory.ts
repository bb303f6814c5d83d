import { totalmem } from "node:os";

/** The machine's memory, or the container's limit, in bytes. */
export function machineMemoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
