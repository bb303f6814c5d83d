import type { Multipart, MultipartValue } from "@fastify/multipart";
import { CodedError } from "@rabbitloom/protocol";
import type { FastifyRequest } from "fastify";

export interface FormLimits {
  /** Of the whole body, as it travels. */
  readonly maxBytes: number;
  /** Of one text beside the files. @default 65,536 */
  readonly maxFieldBytes?: number;
  /** @default 8 */
  readonly maxFiles?: number;
}

/** Parts beside files are a few words each; more than this is no field. */
export const MAX_FIELD_BYTES = 65_536;
const MAX_FIELDS = 32;
/** Boundaries and the heads of parts, on top of what a body carries. */
export const FORM_OVERHEAD_BYTES = 1_048_576;

/**
 * The parts of a multipart body. Fastify's own limit of bodies does not count these, so it is counted here: a body over it
 * ends with PAYLOAD_TOO_LARGE in the middle of whatever part has come.
 */
export function formParts(
  request: FastifyRequest,
  { maxBytes, maxFieldBytes = MAX_FIELD_BYTES, maxFiles = 8 }: FormLimits,
): AsyncIterable<Multipart> {
  const tooLarge = () =>
    new CodedError(
      "PAYLOAD_TOO_LARGE",
      `multipart body: expected at most ${maxBytes} bytes in all`,
    );
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  let seen = 0;
  request.raw.on("data", function count(chunk: Buffer) {
    seen += chunk.byteLength;
    if (seen <= maxBytes) return;
    request.raw.off("data", count);
    // What the parser listens to: it stops reading, and ends the part in hand.
    request.raw.emit("error", tooLarge());
  });
  return request.parts({
    limits: { files: maxFiles, fields: MAX_FIELDS, fieldSize: maxFieldBytes },
  });
}

/** The text of a field. Throws PAYLOAD_TOO_LARGE for one that was cut at its limit. */
export function fieldText({ fieldname, value, valueTruncated }: MultipartValue): string {
  if (valueTruncated) {
    throw new CodedError("PAYLOAD_TOO_LARGE", `${JSON.stringify(fieldname)}: too long for a field`);
  }
  // A field that says it is JSON comes parsed.
  return typeof value === "string" ? value : JSON.stringify(value);
}
