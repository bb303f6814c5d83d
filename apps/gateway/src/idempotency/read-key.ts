import { createHash } from "node:crypto";
import { CodedError } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { FastifyRequest } from "fastify";
import { isObject } from "../http/json-body.ts";

/** `Idempotency-Key`, bare or as a structured header's text in quotes. Throws INVALID_REQUEST for what is no key. */
export function readIdempotencyKey({ headers }: FastifyRequest): string | undefined {
  const header = headers["idempotency-key"];
  if (header === undefined) return undefined;
  const key = String(header).replace(/^"(.*)"$/, "$1");
  if (/^[!-~]{1,255}$/.test(key)) return key;
  throw new CodedError(
    "INVALID_REQUEST",
    "Idempotency-Key: expected 1 to 255 visible ASCII characters",
  );
}

/** Digest of a body as it was read: the same members in another order are the same request. */
export function fingerprint(body: unknown): string {
  return createHash("sha256").update(canonicalJson(body)).digest("base64url");
}

export function canonicalJson(value: unknown): string {
  return stringifyJson(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const names = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1));
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}
