/**
 * The environment of the engine's process: the parent's, and a rule for glibc's allocator, which knows no other way to be
 * told. Blocks from this size on are mapped each by itself, so that what a closed model held goes back to the system;
 * by default glibc raises that size to 32 MB as blocks are freed, and keeps what is smaller for itself.
 */
export function engineEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  return { MALLOC_MMAP_THRESHOLD_: String(MAPPED_FROM_BYTES), ...environment };
}

const MAPPED_FROM_BYTES = 256 * 1024;
