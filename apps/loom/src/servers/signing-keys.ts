import { generateKeyPair } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface SigningKeys {
  /** PKCS #8, PEM: for the gateway alone. */
  readonly privateKeyFile: string;
  /** SPKI, PEM: for the broker. */
  readonly publicKeyFile: string;
}

/** The RS256 key pair in a folder; made there once. */
export async function signingKeys(folder: string): Promise<SigningKeys> {
  const privateKeyFile = join(folder, "jwt-private.pem");
  const publicKeyFile = join(folder, "jwt-public.pem");
  if (!existsSync(privateKeyFile) || !existsSync(publicKeyFile)) {
    await mkdir(folder, { recursive: true });
    const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    await writeFile(privateKeyFile, privateKey, { mode: 0o600 });
    await writeFile(publicKeyFile, publicKey);
  }
  return { privateKeyFile, publicKeyFile };
}
