/** A service that waits on its reply queue hears the end of its job, also where no worker says it. */
import { type AmqpJob, connectAmqpClient } from "@rabbitloom/client/amqp";
import { jobError } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { job } from "./support/job-store.ts";
import { openService } from "./support/service.ts";
import { text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("ends that a gateway says between a service's attempts come to its reply queue, each once", async () => {
  await using service = await openService({
    workers: 0,
    gateway: { MISSING_SECONDS: "5", DELIVERY_LIMIT: "3" },
  });
  const { fleet, broker, url } = service;
  const { store, connection, names } = fleet;
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: fleet.prefix });
  const crash = jobError("ENGINE_CRASHED", "bang");

  /** Sent over AMQP, claimed so often by a worker that hands it back; the last claim is left open where it is to be lost. */
  async function tried(jobId: string, attempts = 1, isLost = false): Promise<AmqpJob> {
    const sent = await client.submit(text(jobId), { jobId });
    await connection.withChannel(async (channel) => {
      const lane = names.jobs.queue("normal", "default");
      await until("it is there", async () => (await channel.get(lane, { noAck: true })) !== false);
    });
    const message = job({ jobId, prompt: text(jobId) });
    const reply = { to: client.replyQueue, correlationId: jobId };
    for (let attempt = 1; attempt <= attempts; attempt++) {
      await store.claim({ message, workerId: "gone", reply });
      if (attempt < attempts || !isLost) await store.release(jobId, attempt, crash);
    }
    return sent;
  }

  const cancelled = await tried("cancelled");
  await fetch(`${url}/api/v1/jobs/cancelled/cancel`, { method: "POST" });
  const givenUp = await tried("given-up", 4, true);
  const unsaid = await tried("unsaid");
  // Whoever buried it has died.
  await store.bury("unsaid", jobError("JOB_DEAD", "given up"));
  // As a replay of a dead letter makes its record.
  const late = await client.submit(text("late"), { jobId: "late" });
  await store.submit({
    message: job({ jobId: "late", limits: { queueSeconds: 0.1 } }),
    reply: { to: client.replyQueue, correlationId: "late" },
  });

  const ends = [];
  for (const { jobId, events, result } of [cancelled, givenUp, unsaid, late]) {
    const error = await result.catch(CodedError.from);
    const types: string[] = [];
    for await (const { type } of events) types.push(type);
    ends.push([jobId, "code" in error ? error.code : error.state, ...types]);
  }
  expect(ends).toEqual([
    ["cancelled", "JOB_CANCELLED", "job-end"],
    ["given-up", "JOB_DEAD", "job-end"],
    ["unsaid", "JOB_DEAD", "job-end"],
    ["late", "QUEUE_DEADLINE", "job-end"],
  ]);
  for (const [jobId] of ends) expect(fleet.jobs.events(String(jobId))).toHaveLength(1);
}, 120_000);
