import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { fixture } from "../support/fixture.ts";
import {
  type Exchange,
  exchangeSchema,
  givenAnswer,
  recordedAnswer,
  replay,
} from "../support/recorded.ts";
import {
  comparableBody,
  differences,
  expectDifference,
  refusal,
} from "../support/recorded-differences.ts";
import { testGateway } from "../support/test-gateway.ts";

/** Only a fleet can answer these: test/comfy-conformance.test.ts asks one. */
const groupsOfFleet = ["history", "queue", "fatal"];

function needsFleet({ name, group }: Exchange): boolean {
  const isClass = name.startsWith("object_info ") && !/NoSuchNode|after uploads/.test(name);
  return groupsOfFleet.includes(group) || isClass || name === "/api/history";
}

const exchanges = z
  .array(exchangeSchema)
  .parse(await fixture("http-recorded.json"))
  .filter((exchange) => !needsFleet(exchange));

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
      const given = await replay(gateway.app, exchange);
      const { status, headers } = givenAnswer(given, false);
      const answer = { status, headers, bytes: given.rawPayload };
      await expectDifference(difference, answer, recordedAnswer(response));
    });
  } else if (response.status === 500) {
    test(`${name}: what makes ComfyUI fail is refused with a reason`, async () => {
      const given = await replay(gateway.app, exchange);
      expect(given.statusCode).toBe(400);
      expect(given.json()).toMatchObject(refusal);
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
