import { expect, test } from "vitest";
import type * as z from "zod";
import {
  classCheckReplySchema,
  controlMessageSchema,
  decodeJob,
  encodeJob,
  jobMessageSchema,
  jobViewSchema,
  jsonEventSchema,
  jsonEventSchemas,
  modelCatalogSchema,
  nodeCatalogSchema,
  previewFactsSchema,
  watchTicketSchema,
  workerRegistrationSchema,
} from "../src/index.ts";
import { fixture, fixturesIn } from "./fixtures.ts";

test.each(Object.entries(fixturesIn("events")))(
  "the event fixture %s is read as it was written",
  (_name, event) => {
    expect(jsonEventSchema.parse(event)).toEqual(event);
  },
);

test("every variant of an event has a fixture", () => {
  const written = Object.values(fixturesIn("events")).map((event) => jsonEventSchema.parse(event));
  expect(new Set(written.map(({ type }) => type))).toEqual(new Set(Object.keys(jsonEventSchemas)));
});

test.each(Object.entries(fixturesIn("control")))(
  "the control fixture %s is read as it was written",
  (_name, message) => {
    expect(controlMessageSchema.parse(message)).toEqual(message);
  },
);

test("every variant of a control message has a fixture", () => {
  const types = controlMessageSchema.options.map(({ shape }) => shape.type.value);
  expect(new Set(Object.keys(fixturesIn("control")))).toEqual(new Set(types));
});

test("a service's job needs a prompt alone; the rest gets its defaults", () => {
  const job = jobMessageSchema.parse(fixture("job/from-a-service"));
  expect(job).toMatchObject({ v: 1, lane: "normal", pool: "default", extraData: {} });
});

test("a gateway's job survives the way over the broker unchanged", () => {
  const written = jobMessageSchema.required({ jobId: true }).parse(fixture("job/from-a-gateway"));
  const { body, messageId } = encodeJob(written);
  expect(decodeJob({ messageId, text: String(body) })).toEqual(fixture("job/from-a-gateway"));
});

const others: Readonly<Record<string, z.ZodType>> = {
  "nodes-checked": classCheckReplySchema,
  "job-view": jobViewSchema,
  "worker-registration": workerRegistrationSchema,
  "watch-ticket": watchTicketSchema,
  "node-catalog": nodeCatalogSchema,
  "model-catalog": modelCatalogSchema,
};

test.each(Object.entries(others))("the fixture %s is read as it was written", (name, schema) => {
  expect(schema.parse(fixture(name))).toEqual(fixture(name));
});

test("a preview's facts are read as they were written", () => {
  const { facts } = fixture("preview");
  expect(previewFactsSchema.parse(facts)).toEqual(facts);
});
