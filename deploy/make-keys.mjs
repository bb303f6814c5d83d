// Makes the key pair of watch tickets once: the gateway signs with one half, RabbitMQ checks with the other.
import { generateKeyPairSync } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";

const [folder = "/keys"] = process.argv.slice(2);
if (!existsSync(`${folder}/jwt-private.pem`)) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  writeFileSync(`${folder}/jwt-public.pem`, publicKey);
  writeFileSync(`${folder}/jwt-private.pem`, privateKey, { mode: 0o600 });
}
