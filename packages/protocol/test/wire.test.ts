import * as fc from "fast-check";
import { expect, inject, test } from "vitest";
import {
  decodeEvent,
  decodeEvents,
  decodeJob,
  encodeEvents,
  encodePreview,
  type IncomingMessage,
  type JsonEvent,
  jsonEventSchema,
  type PreviewEvent,
  previewFactsSchema,
  stringifyJson,
  type WireMessage,
} from "../src/index.ts";
import { fixture, fixturesIn } from "./fixtures.ts";

const events = Object.values(fixturesIn("events"))
  .map((event) => jsonEventSchema.parse(event))
  .toSorted((a, b) => a.seq - b.seq);

test.each(events.map((event) => [event.type, event] as const))(
  "%s comes back from the wire as it went",
  (_type, event) => {
    expect(decodeEvents(received(encodeEvents([event])))).toEqual([event]);
  },
);

test("events that travel together keep their order, and headers name the first and the last", () => {
  const [first, ...rest] = events.slice(0, 5);
  if (first === undefined) throw new Error("no fixtures");
  const message = encodeEvents([first, ...rest]);
  expect(message.headers).toMatchObject({ seq: "1", "last-seq": String(rest.at(-1)?.seq) });
  expect(decodeEvents(received(message))).toEqual([first, ...rest]);
});

test("every header is text, for RabbitMQ's STOMP leaves most numbers out", () => {
  const preview = previewOf({});
  for (const { headers } of [
    encodePreview(preview),
    ...events.map((event) => encodeEvents([event])),
  ]) {
    for (const value of Object.values(headers)) expect(value).toBeTypeOf("string");
  }
});

test("any preview comes back from the wire with its bytes and facts", () => {
  const preview = fc.record({
    seq: fc.integer({ min: 1 }),
    attempt: fc.nat(),
    nodeId: fc.string({ unit: "grapheme" }),
    width: fc.nat(),
    height: fc.nat(),
    image: fc.uint8Array({ maxLength: 100 }),
  });
  void fc.assert(
    fc.property(preview, (facts) => {
      const sent = previewOf(facts);
      expect(decodeEvents(received(encodePreview(sent)))).toEqual([sent]);
    }),
  );
});

test("any text in an event comes back from the wire", () => {
  void fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (nodeId, text) => {
      const sent = { ...base(), type: "node-text", nodeId, text } satisfies JsonEvent;
      expect(decodeEvents(received(encodeEvents([sent])))).toEqual([sent]);
    }),
  );
});

test("an event of a later version's type is left out, and its neighbours are read", () => {
  const known = { ...base(), type: "node-start", nodeId: "3" };
  const unknown = { ...base(), type: "node-dreams", nodeId: "3" };
  const message = jsonMessage([known, unknown, { ...known, seq: 3 }]);
  expect(decodeEvents(message)).toEqual([known, { ...known, seq: 3 }]);
});

test("a field of a later version is dropped, not refused", () => {
  const known = { ...base(), type: "node-start", nodeId: "3" };
  expect(decodeEvent({ ...known, mood: "good" })).toEqual(known);
});

test.each([
  ["no JSON", "{", "INVALID_JSON", /expected a key/],
  ["no list", "{}", "INVALID_REQUEST", /expected an array, got object/],
  ["a known type without its fields", '[{"type":"node-start"}]', "INVALID_REQUEST", /jobId/],
])("an event message with %s is refused and says why", (_what, body, code, message) => {
  const call = () => decodeEvents({ ...jsonMessage([]), text: () => body });
  expect(call).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});

test("a message of no known type is refused and names the types that are", () => {
  const message = { ...jsonMessage([]), type: "greeting" };
  expect(() => decodeEvents(message)).toThrow(
    /expected type "job-events" or "node-preview", got "greeting"/,
  );
});

test.each([
  [
    "neither a job id nor a message id",
    undefined,
    "INVALID_REQUEST",
    /expected jobId in the body or a message id/,
  ],
  ["a message id that a queue's name cannot hold", "a.*", "INVALID_REQUEST", /1 to 64 of A-Z/],
])("a job with %s is refused", (_what, messageId, code, message) => {
  const text = JSON.stringify(fixture("job/from-a-service"));
  expect(() => decodeJob({ messageId, text })).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});

test("a job without an id of its own is known by its message id", () => {
  const text = JSON.stringify(fixture("job/from-a-service"));
  expect(decodeJob({ messageId: "order-17", text }).jobId).toBe("order-17");
});

function base() {
  const { jobId } = previewOf({});
  return { v: 1, jobId, attempt: 1, seq: 1, at: "2026-05-04T12:00:00.000Z" } as const;
}

function previewOf(change: Partial<PreviewEvent>): PreviewEvent {
  const { facts, imageBase64 } = fixture("preview");
  const image = Uint8Array.from(atob(String(imageBase64)), (letter) => letter.charCodeAt(0));
  return { ...previewFactsSchema.parse(facts), image, ...change };
}

/** As the broker hands it on: bodies are bytes. */
function received({ contentType, type, headers, body }: WireMessage): IncomingMessage {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return {
    contentType,
    type,
    headers,
    text: () => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
    bytes: () => bytes,
  };
}

function jsonMessage(list: readonly unknown[]): IncomingMessage {
  return received({
    contentType: "application/json",
    type: "job-events",
    headers: {},
    body: JSON.stringify(list),
  });
}

const seed = inject("fuzzSeed");

test(`any message is events, or refused as none (seed ${seed})`, () => {
  const odd = fc.oneof(
    fc.string(),
    fc.jsonValue(),
    fc.constantFrom(undefined, null, 1n, -1, Number.NaN),
  );
  const known = fc.constantFrom(...events);
  const changed = fc
    .tuple(known, fc.string(), odd)
    .map(([event, name, value]) => ({ ...event, [name]: value }));
  const bodies = fc.oneof(
    fc.array(fc.oneof(known, changed, fc.jsonValue())).map((list) => stringifyJson(list)),
    fc.jsonValue().map((value) => stringifyJson(value)),
    fc.string(),
  );
  const headers = fc.dictionary(
    fc.oneof(
      fc.constantFrom(
        "v",
        "seq",
        "last-seq",
        "attempt",
        "job-id",
        "at",
        "node-id",
        "width",
        "height",
      ),
      fc.string(),
    ),
    odd,
  );
  const types = fc.oneof(fc.constantFrom("job-events", "node-preview"), fc.string());
  void fc.assert(
    fc.property(
      types,
      headers,
      bodies,
      fc.option(fc.string()),
      (type, facts, body, contentType) => {
        try {
          const read = decodeEvents({
            type,
            headers: facts,
            contentType: contentType ?? undefined,
            text: () => body,
            bytes: () => Buffer.from(body),
          });
          for (const event of read) expect(event.jobId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^INVALID_(JSON|REQUEST)$/) });
        }
      },
    ),
    { seed, numRuns: 3_000 },
  );
});
