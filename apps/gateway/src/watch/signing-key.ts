import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * The RSA key that signs tickets. Where the file is missing, as on a developer's machine, a pair is made and both
 * halves are written: the broker must be given `jwt-public.pem` then.
 */
export async function readSigningKey(file: string): Promise<KeyObject> {
  try {
    return createPrivateKey(await readFile(file, "utf8"));
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing) throw new Error(`${file}: expected a PEM private key`, { cause: error });
  }
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, privateKey.export({ type: "pkcs8", format: "pem" }), {
    mode: 0o600,
    flag: "wx",
  });
  await writeFile(
    join(dirname(file), "jwt-public.pem"),
    createPublicKey(privateKey).export({ type: "spki", format: "pem" }),
  );
  return privateKey;
}
