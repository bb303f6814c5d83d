import { topology } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { readJob } from "../src/jobs/read-job.ts";

const names = topology({ prefix: "t" });

function read(text: string, messageId?: string) {
  const body = Buffer.from(text);
  const delivery = {
    body,
    messageId,
    queue: names.jobs.queue("high", "gpu"),
    headers: {},
    userId: undefined,
    replyTo: undefined,
  };
  return readJob(delivery, { names, pool: "gpu" });
}

const turn = {
  tenant: "acme",
  token: "t",
  before: "0",
  queues: [],
  giveBack: async () => {},
  tellMute: async () => {},
};

test("a bare prompt is a job under the message's id, in the lane that it came from", () => {
  const { message } = read('{"prompt":{"1":{"class_type":"A","inputs":{}}},"lane":"low"}', "m-1");

  expect(message).toMatchObject({ jobId: "m-1", lane: "high", pool: "gpu", extraData: {} });
});

test("the prompt goes on as it was written: every digit, and floats as floats", () => {
  const prompt = '{"1":{"class_type":"A","inputs":{"seed":18446744073709551615,"cfg":7.0}}}';

  expect(read(`{"jobId":"j","prompt":${prompt}}`).promptJson).toBe(prompt);
});

test.each([
  ["{", "INVALID_JSON"],
  ['{"jobId":"j"}', "INVALID_REQUEST"],
  ['{"jobId":"a b","prompt":{}}', "INVALID_REQUEST"],
  ['{"prompt":{}}', "INVALID_REQUEST"],
  ['{"jobId":"j","prompt":{"1":{"inputs":{}}}}', "INVALID_REQUEST"],
])("%s is no job: %s", (text, code) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code }));
});

test("a job from a tenant's own queue is that tenant's and in that lane, whatever it says", () => {
  const body = Buffer.from('{"jobId":"j","prompt":{},"tenant":"beta","lane":"high"}');
  const queue = names.jobs.queue("low", "gpu", "acme");
  const delivery = {
    body,
    messageId: undefined,
    queue,
    headers: {},
    userId: undefined,
    turn,
    replyTo: undefined,
  };
  const { message } = readJob(delivery, { names, pool: "gpu" });

  expect(message).toMatchObject({ tenant: "acme", lane: "low" });
});

test("a user's job in another tenant's queue, and a job of nobody known, are refused", () => {
  const senders = { own: "loom", trusted: ["loom"], tenants: { "svc-beta": "beta" } };
  const body = Buffer.from('{"jobId":"j","prompt":{}}');
  const delivery = {
    body,
    messageId: undefined,
    headers: {},
    userId: "svc-beta",
    replyTo: undefined,
  };
  const options = { names, pool: "gpu", senders };
  const own = { ...delivery, queue: names.jobs.queue("low", "gpu", "acme"), turn };
  const inLane = { ...delivery, queue: names.jobs.queue("low", "gpu") };

  expect(readJob(inLane, options).message.tenant).toBe("beta");
  for (const wrong of [own, { ...inLane, userId: undefined }]) {
    expect(() => readJob(wrong, options)).toThrow(expect.objectContaining({ code: "FORBIDDEN" }));
  }
});

test("where senders are told apart, a service's job names no gateway, and replies go to services' queues alone", () => {
  const senders = { own: "loom", trusted: ["loom"], tenants: { "svc-beta": "beta" } };
  const body = Buffer.from('{"jobId":"j","prompt":{},"gatewayId":"gw1"}');
  const queue = names.jobs.queue("low", "gpu");
  const of = (userId: string, replyTo: string | undefined, isKnown = true) =>
    readJob(
      { body, messageId: undefined, queue, headers: {}, userId, replyTo },
      { names, pool: "gpu", ...(isKnown && { senders }) },
    ).message;

  expect(of("loom", undefined).gatewayId).toBe("gw1");
  expect(of("svc-beta", "t.service.a").gatewayId).toBeUndefined();
  for (const other of [names.dead.queue, names.reply("j"), names.gateway("gw1"), "amq.gen-x"]) {
    expect(() => of("svc-beta", other)).toThrow(
      expect.objectContaining({
        code: "FORBIDDEN",
        message: `reply_to: expected t.service.*, got "${other}"`,
      }),
    );
    expect(of("svc-beta", other, false).gatewayId).toBe("gw1");
  }
});
