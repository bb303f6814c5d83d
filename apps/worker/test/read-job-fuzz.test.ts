/** Whatever a lane delivers: it is read as a job, or refused by one of three codes in words that fit a header. */
import { CodedError, topology } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import fc from "fast-check";
import { expect, inject, test } from "vitest";
import { readJob } from "../src/jobs/read-job.ts";

/** Printed in titles: put a failure's here to see the same messages again. */
const seed = inject("fuzzSeed");
const names = topology({ prefix: "test" });
const CODES = ["INVALID_JSON", "INVALID_REQUEST", "PAYLOAD_TOO_LARGE"];

function delivered(body: Buffer, messageId: string | undefined, queue: string) {
  return { body, messageId, queue, headers: {}, userId: undefined, replyTo: undefined };
}

function read(body: Buffer, messageId: string | undefined, queue: string): void {
  try {
    const { message, promptJson } = readJob(delivered(body, messageId, queue), {
      names,
      pool: "default",
    });
    expect(message.jobId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(message.tenant).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
    // It becomes part of a routing key, of 255 bytes at most.
    expect(Buffer.byteLength(names.events.key(message.gatewayId, message.jobId))).toBeLessThan(256);
    expect(() => JSON.parse(promptJson)).not.toThrow();
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect(CODES).toContain(error instanceof CodedError ? error.code : error);
  }
}

const texts = fc.oneof(
  fc.string(),
  fc.constantFrom("a", "../x", "a.b", "a*", "#", "\0", "a\r\nb", "x".repeat(300), "__proto__"),
);
const members = fc.record(
  {
    v: fc.oneof(fc.constant(1), fc.jsonValue()),
    jobId: fc.oneof(texts, fc.jsonValue()),
    tenant: fc.oneof(fc.constant("acme"), texts, fc.jsonValue()),
    prompt: fc.oneof(
      fc.constant({ "1": { class_type: "A", inputs: {} } }),
      fc.dictionary(texts, fc.record({ class_type: texts, inputs: fc.object() })),
      fc.jsonValue(),
    ),
    extraData: fc.oneof(fc.object(), fc.jsonValue()),
    targets: fc.oneof(fc.array(texts), fc.jsonValue()),
    clientId: fc.oneof(texts, fc.jsonValue()),
    gatewayId: fc.oneof(texts, fc.jsonValue()),
    lane: fc.oneof(fc.constant("low"), texts),
    pool: texts,
    submittedAt: fc.oneof(fc.constant("2026-01-01T00:00:00Z"), texts, fc.jsonValue()),
    deadlineAt: texts,
    limits: fc.oneof(fc.record({ runSeconds: fc.double() }), fc.jsonValue()),
  },
  { requiredKeys: [] },
);
const ids = fc.option(texts, { nil: undefined });
const queues = fc.constantFrom(...names.jobs.queues("default"), "elsewhere");

test(`a job message of any members (seed ${seed})`, () => {
  fc.assert(
    fc.property(members, ids, queues, (job, messageId, queue) => {
      read(Buffer.from(stringifyJson(job)), messageId, queue);
    }),
    { seed, numRuns: 3_000 },
  );
});

test(`any bytes, and job messages that break off (seed ${seed})`, () => {
  const cut = fc
    .tuple(members, fc.nat(100))
    .map(([job, length]) => Buffer.from(stringifyJson(job)).subarray(0, length));
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    cut,
  );
  fc.assert(
    fc.property(bodies, ids, queues, (body, messageId, queue) => read(body, messageId, queue)),
    { seed, numRuns: 3_000 },
  );
});

test("a message larger than any gateway sends is refused before it is read", () => {
  const body = Buffer.alloc(67_108_865, " ");
  expect(() => readJob(delivered(body, "a", "q"), { names, pool: "default" })).toThrow(
    "job message: 67108865 bytes, at most 67108864 are read",
  );
});

test.each([
  ["gatewayId", "a.b"],
  ["gatewayId", "x".repeat(129)],
  ["clientId", "x".repeat(257)],
  ["tenant", "../default"],
])("a message whose %s is %s is no job", (name, value) => {
  const body = Buffer.from(JSON.stringify({ prompt: {}, [name]: value }));
  expect(() => readJob(delivered(body, "a", "q"), { names, pool: "default" })).toThrow(
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringContaining(`job message: ${name}: `),
    }),
  );
});
