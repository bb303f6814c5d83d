import { CodedError } from "@rabbitloom/protocol";
import { parseJson } from "@rabbitloom/workflow";

/** The JSON of a body that came as text. Throws INVALID_JSON, also for an empty one. */
export function jsonBody(body: unknown): unknown {
  const text = textBody(body);
  if (text.trim() === "") {
    throw new CodedError("INVALID_JSON", "body: expected JSON, got nothing");
  }
  return parseJson(text);
}

export function textBody(body: unknown): string {
  if (typeof body !== "string") return "";
  // A byte order mark is no JSON, but some editors write one.
  return body.charCodeAt(0) === 0xfeff ? body.slice(1) : body;
}

/** A JSON object, with unknown values. Throws INVALID_REQUEST for any other JSON. */
export function objectBody(body: unknown): Readonly<Record<string, unknown>> {
  const value = jsonBody(body);
  if (!isObject(value)) {
    throw new CodedError("INVALID_REQUEST", `body: expected an object, got ${kindOf(value)}`);
  }
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
