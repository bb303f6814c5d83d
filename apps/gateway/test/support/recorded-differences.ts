import sharp from "sharp";
import { expect } from "vitest";
import type { comparable } from "./recorded.ts";

/** Where the gateway answers otherwise on purpose, and why. */
export interface Difference {
  readonly status: number;
  readonly why: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** The bytes are the recorded ones nonetheless. */
  readonly hasSameBytes?: true;
  /** The picture has the recorded one's size nonetheless. */
  readonly hasSameSize?: true;
}

const circle = (nodes: Readonly<Record<string, readonly string[]>>) => ({
  error: { type: "prompt_outputs_failed_validation", extra_info: {} },
  node_errors: Object.fromEntries(
    Object.entries(nodes).map(([id, cycle]) => [
      id,
      { errors: [{ type: "dependency_cycle", extra_info: { cycle } }], class_type: "ImageInvert" },
    ]),
  ),
});
const download = (name: string) => ({
  "content-type": "application/octet-stream",
  "content-disposition": `attachment; filename="${name}"`,
});
const picture = { "content-type": "image/png", "content-disposition": 'filename="a.png"' };

export const differences: Readonly<Record<string, Difference>> = {
  "GET /": {
    status: 200,
    why: "the page is our own",
    headers: { "content-type": "text/html; charset=utf-8" },
  },
  "GET /api/experiment/models": {
    status: 200,
    why: "no paths of the server are shown",
    headers: { "content-type": "application/json; charset=utf-8" },
    json: expect.arrayContaining([{ name: "checkpoints", folders: ["checkpoints"] }]),
  },
  "cycle of two": {
    status: 400,
    why: "the circle is named, where ComfyUI says nothing",
    json: circle({ "1": ["2", "1", "2"], "2": ["2", "1", "2"] }),
  },
  "cycle self": {
    status: 400,
    why: "the circle is named, where ComfyUI says nothing",
    json: circle({ "1": ["1", "1"] }),
  },
  "extra_data null + client_id": {
    status: 200,
    why: "null is nothing; ComfyUI fails",
    json: { prompt_id: expect.any(String), number: expect.any(Number), node_errors: {} },
  },
  "view html forced download": {
    status: 200,
    why: "dangerous files are attachments",
    headers: download("h.html"),
    hasSameBytes: true,
  },
  "view js forced download": {
    status: 200,
    why: "dangerous files are attachments",
    headers: download("h.js"),
    hasSameBytes: true,
  },
  "view preview jpeg;50": {
    status: 200,
    why: "another JPEG encoder",
    headers: { "content-type": "image/jpeg", "content-disposition": 'filename="a.png"' },
    hasSameSize: true,
  },
  "view if-modified-since": { status: 200, why: "the time is the recording's", headers: picture },
  "view if-none-match": { status: 200, why: "the tag is the recording's", headers: picture },
  "GET /internal/logs": { status: 200, why: "a fleet has no terminal", json: "" },
};

type Comparable = ReturnType<typeof comparable>;

/** Checks what can be known of an answer that is another one on purpose. Throws where it is otherwise. */
export async function expectDifference(
  difference: Difference,
  given: {
    readonly status: number;
    readonly headers: Comparable["headers"];
    readonly bytes: Buffer;
  },
  recorded: Comparable,
): Promise<void> {
  expect(given.status).toBe(difference.status);
  expect(given.headers).toMatchObject(difference.headers ?? {});
  if (difference.json !== undefined) {
    expect({ json: JSON.parse(given.bytes.toString()) }).toMatchObject({ json: difference.json });
  }
  const bytes = Buffer.from(String(recorded.body), "base64");
  if (difference.hasSameBytes) expect(given.bytes).toEqual(bytes);
  if (difference.hasSameSize) {
    const [ours, theirs] = [await sharp(given.bytes).metadata(), await sharp(bytes).metadata()];
    expect([ours.width, ours.height]).toEqual([theirs.width, theirs.height]);
  }
}

/** What is refused where ComfyUI fails: a reason in its error shape. */
export const refusal = { error: { type: expect.any(String) }, node_errors: {} };

/** Encoders differ: of a PNG the pixels count. */
export async function comparableBody({
  headers,
  body,
}: {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}): Promise<unknown> {
  const isWhole = headers["content-range"] === undefined;
  if (headers["content-type"] !== "image/png" || body === "" || !isWhole) return body;
  const { data, info } = await sharp(Buffer.from(String(body), "base64"))
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { pixels: data.toString("hex"), width: info.width, channels: info.channels };
}
