/**
 * From the POST to the moment a worker has begun, on an idle fleet: the bench listens to the events exchange itself, so
 * the time holds the gateway, the broker twice, and the claim. Once as it is on one's own machine, and with keys: jobs in the
 * order in which they came, and tenants by turns.
 *
 *   ./loom bench submit-latency
 */
import { setTimeout as delay } from "node:timers/promises";
import { openJobStore } from "@rabbitloom/jobs";
import { topology } from "@rabbitloom/protocol";
import { connect } from "amqplib";
import { printTimes } from "./support/closed-loop.ts";
import { type BenchFleet, openBenchFleet } from "./support/fleet.ts";
import { emptyImagePrompt, postPrompt } from "./support/post-prompt.ts";
import { printSetting } from "./support/versions.ts";

const KEYS = { AUTH: "required", RATE_LIMIT_PER_MINUTE: "1000000" };
const settings = [
  { name: "without keys", variables: {} },
  { name: "keys, first come, first served", variables: { ...KEYS, FAIR_TURNS: "0" } },
  { name: "keys, by turns", variables: { ...KEYS, FAIR_TURNS: "1" } },
] as const;
const WARM_UP = 50;
const SAMPLES = 300;

for (const [index, { name, variables }] of settings.entries()) {
  await using fleet = await openBenchFleet({ workers: 2, variables });
  if (index === 0) await printSetting(fleet.amqpUrl);
  const headers = index === 0 ? {} : await credentials(fleet);
  const sorted = (await startTimes(fleet, headers)).sort((a, b) => a - b);
  printTimes({ name: `POST to job-start, idle fleet, ${name}`, sorted });
}

async function credentials({ redisUrl, prefix }: BenchFleet): Promise<Record<string, string>> {
  await using store = await openJobStore({ url: redisUrl, prefix });
  const { secret } = await store.keys.create({ tenant: "bench", scopes: ["submit"] });
  return { authorization: `Bearer ${secret}` };
}

async function startTimes(
  fleet: BenchFleet,
  headers: Readonly<Record<string, string>>,
): Promise<number[]> {
  const names = topology({ prefix: fleet.prefix });
  const connection = await connect(fleet.amqpUrl, { noDelay: true });
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, names.events.exchange, "#");
  let onStart = () => {};
  let onEnd = () => {};
  await channel.consume(
    queue,
    (message) => {
      const text = message?.content.toString() ?? "";
      if (text.includes('"job-start"')) onStart();
      if (text.includes('"job-end"')) onEnd();
    },
    { noAck: true },
  );

  const times: number[] = [];
  for (let i = 0; i < WARM_UP + SAMPLES; i++) {
    const started = new Promise<void>((resolve) => {
      onStart = resolve;
    });
    const ended = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    const begin = performance.now();
    const prompt = { prompt: emptyImagePrompt(i) };
    const answer = postPrompt(fleet.url, prompt, { prefer: "respond-async", ...headers });
    await started;
    if (i >= WARM_UP) times.push(performance.now() - begin);
    const { status, body } = await answer;
    if (status !== 202) throw new Error(`${status} ${body}`);
    await ended;
    await delay(10); // idle means idle: the worker has acknowledged and waits again
  }
  await connection.close();
  return times;
}
