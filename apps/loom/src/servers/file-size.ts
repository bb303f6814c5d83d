import { stat } from "node:fs/promises";

/** Bytes in a file; 0 where there is none. */
export async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
