import { once } from "node:events";
import { connect } from "node:net";
import type { PreviewEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { savePrompt } from "../support/instant-worker.ts";
import { testGateway } from "../support/test-gateway.ts";

/** 40 MB: more than sockets hold. */
const [PICTURES, BYTES] = [200, 200_000];

test("of a reader that reads nothing no more events are taken than its socket holds", async () => {
  await using gateway = await testGateway();
  const { app, amqp, store } = gateway;
  const payload = { prompt: savePrompt };
  const sent = await app.inject({ method: "POST", url: "/prompt", payload });
  const { prompt_id: jobId } = sent.json();
  store.start(jobId);
  const envelope = { v: 1, jobId, attempt: 1, at: new Date().toISOString() } as const;
  const picture = (seq: number): PreviewEvent => ({
    ...envelope,
    seq,
    type: "node-preview",
    nodeId: "1",
    contentType: "image/png",
    width: 8,
    height: 8,
    image: Buffer.alloc(BYTES),
  });
  /** Events that each reader has taken, in the order in which they came. */
  const taken: number[] = [];
  amqp.streams.read = async function* () {
    const reader = taken.push(0) - 1;
    for (let seq = 1; seq <= PICTURES; seq++) {
      taken[reader] = seq;
      yield { offset: seq, events: [picture(seq)] };
    }
    const end = { seq: PICTURES + 1, type: "job-end", state: "succeeded", outputs: {} } as const;
    yield { offset: PICTURES + 1, events: [{ ...envelope, ...end }] };
  };
  const url = new URL(await app.listen({ port: 0, host: "127.0.0.1" }));
  const path = `/api/v1/jobs/${jobId}/events`;

  const paused = connect(Number(url.port), url.hostname).pause();
  await once(paused, "connect");
  paused.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  await expect.poll(() => taken.length).toBe(1);
  await (await fetch(new URL(path, url))).text();

  expect(taken[1]).toBe(PICTURES);
  expect(taken[0]).toBeLessThan(PICTURES / 2);
  paused.destroy();
});
