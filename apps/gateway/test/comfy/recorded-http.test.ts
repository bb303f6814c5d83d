import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { fixture } from "../support/fixture.ts";
import { exchangeSchema, givenAnswer, recordedAnswer, replay } from "../support/recorded.ts";
import { testGateway } from "../support/test-gateway.ts";

/** Where the gateway answers otherwise on purpose, and why. The status is what it answers. */
const differences: Readonly<Record<string, { readonly status: number; readonly why: string }>> = {
  "GET /": { status: 200, why: "the page is our own" },
  "GET /api/experiment/models": { status: 200, why: "no paths of the server are shown" },
  "cycle of two": { status: 400, why: "the circle is named, where ComfyUI says nothing" },
  "cycle self": { status: 400, why: "the circle is named, where ComfyUI says nothing" },
  "extra_data null + client_id": { status: 200, why: "null is nothing; ComfyUI fails" },
  "view html forced download": { status: 200, why: "dangerous files are attachments" },
  "view js forced download": { status: 200, why: "dangerous files are attachments" },
  "view preview jpeg;50": { status: 200, why: "another JPEG encoder" },
  "view if-modified-since": { status: 200, why: "the time is the recording's" },
  "view if-none-match": { status: 200, why: "the tag is the recording's" },
  "/api/history": { status: 200, why: "here no worker has run the prompts" },
};

const exchanges = z.array(exchangeSchema).parse(await fixture("http-recorded.json"));

/** One gateway for all: uploads come before views, as they were recorded. */
const gateway = await testGateway();
afterAll(() => gateway[Symbol.asyncDispose]());

for (const exchange of exchanges) {
  const { name, response } = exchange;
  const difference = differences[name];
  if (response === undefined) {
    test(`${name}: the request is taken without a failure of the server`, async () => {
      expect((await replay(gateway.app, exchange)).statusCode).toBeLessThan(500);
    });
  } else if (difference !== undefined) {
    test(`${name}: answered otherwise than ComfyUI does: ${difference.why}`, async () => {
      expect((await replay(gateway.app, exchange)).statusCode).toBe(difference.status);
    });
  } else if (response.status === 500) {
    test(`${name}: what makes ComfyUI fail is refused with a reason`, async () => {
      const given = await replay(gateway.app, exchange);
      expect(given.statusCode).toBe(400);
      expect(given.json()).toMatchObject({ error: { type: expect.any(String) }, node_errors: {} });
    });
  } else {
    test(`${name}: the answer is ComfyUI's`, async () => {
      const given = await replay(gateway.app, exchange);
      const wasJson = response.body_json !== undefined && exchange.request.method !== "HEAD";
      const actual = givenAnswer(given, wasJson);
      const expected = recordedAnswer(response);
      expect({ ...actual, body: await comparableBody(actual) }).toEqual({
        ...expected,
        body: await comparableBody(expected),
      });
    });
  }
}

/** Encoders differ: of a PNG the pixels count. */
async function comparableBody({
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
