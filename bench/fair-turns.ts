/**
 * 500 jobs of one tenant, then 10 of another: how long the second one's wait, with and without turns, and what turns cost
 * the fleet in jobs a second. Two workers; a job keeps its device busy for 20 ms.
 *
 *   ./loom bench fair-turns
 */
import { openJobStore } from "@rabbitloom/jobs";
import { topology } from "@rabbitloom/protocol";
import { connect } from "amqplib";
import { percentile } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { postPrompt } from "./support/post-prompt.ts";
import { printSetting } from "./support/versions.ts";

const MANY = 500;
const FEW = 10;
const JOB_MS = 20;
const settings = [
  { name: "first come, first served", variables: { FAIR_TURNS: "0" } },
  { name: "by turns", variables: { FAIR_TURNS: "1" } },
  { name: "by turns, 1 running", variables: { FAIR_TURNS: "1", MAX_RUNNING_PER_TENANT: "1" } },
] as const;

for (const [index, { name, variables }] of settings.entries()) {
  await using fleet = await openBenchFleet({
    workers: 2,
    variables: { AUTH: "required", RATE_LIMIT_PER_MINUTE: "1000000", ...variables },
  });
  if (index === 0) await printSetting(fleet.amqpUrl);
  const { redisUrl, prefix } = fleet;
  await using store = await openJobStore({ url: redisUrl, prefix });
  const ends = await watchEnds(fleet.amqpUrl, prefix);
  const sender = async (tenant: string) => {
    const { secret } = await store.keys.create({ tenant, scopes: ["submit"] });
    return async (jobId: string) => {
      const { status, body } = await postPrompt(
        fleet.url,
        { prompt: sleepPrompt(jobId), prompt_id: jobId },
        { prefer: "respond-async", authorization: `Bearer ${secret}` },
      );
      if (status !== 202) throw new Error(`${status} ${body}`);
    };
  };
  const [many, few] = [await sender("many"), await sender("few")];
  const begin = performance.now();
  await Promise.all(Array.from({ length: MANY }, (_, job) => many(`many-${job}`)));
  const acceptedMs = performance.now() - begin;
  const sentAt = performance.now();
  for (let job = 0; job < FEW; job++) await few(`few-${job}`);
  await ends.count(MANY + FEW);
  const waits = Array.from({ length: FEW }, (_, job) => ends.at(`few-${job}`) - sentAt);
  const sorted = waits.toSorted((a, b) => a - b);
  const allMs = ends.last() - begin;
  console.log(
    [
      name.padEnd(26),
      `${MANY} accepted in ${acceptedMs.toFixed(0)} ms;`,
      `the ${FEW} ended after: median ${percentile(sorted, 0.5).toFixed(0)} ms,`,
      `last ${sorted.at(-1)?.toFixed(0)} ms; all ${MANY + FEW} after ${allMs.toFixed(0)} ms`,
    ].join(" "),
  );
  await ends.close();
}

function sleepPrompt(jobId: string) {
  const tag = Number(jobId.split("-")[1]);
  return { "1": { class_type: "BenchSleep", inputs: { ms: JOB_MS, tag } } };
}

/** When each job was said to have ended. */
async function watchEnds(amqpUrl: string, prefix: string) {
  const names = topology({ prefix });
  const connection = await connect(amqpUrl, { noDelay: true });
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, names.events.exchange, "#");
  const times = new Map<string, number>();
  let onEnd = () => {};
  await channel.consume(
    queue,
    (message) => {
      if (!message?.content.toString().includes('"job-end"')) return;
      times.set(message.fields.routingKey.split(".").at(-1) ?? "", performance.now());
      onEnd();
    },
    { noAck: true },
  );
  return {
    at: (jobId: string) => times.get(jobId) ?? Number.NaN,
    last: () => Math.max(...times.values()),
    count: (wanted: number) =>
      new Promise<void>((resolve) => {
        onEnd = () => {
          if (times.size === wanted) resolve();
        };
        onEnd();
      }),
    close: () => connection.close(),
  };
}
