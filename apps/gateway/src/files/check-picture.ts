import { open } from "node:fs/promises";
import { isPicture, SIGNATURE_BYTES } from "@rabbitloom/protocol";

/** Throws for a file that no picture begins like: the library behind would also open SVG, which can name other files. */
export async function checkPicture(path: string): Promise<void> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(SIGNATURE_BYTES),
    0,
    SIGNATURE_BYTES,
    0,
  );
  if (!isPicture(buffer.subarray(0, bytesRead))) {
    throw new Error("its first bytes are those of no picture");
  }
}
