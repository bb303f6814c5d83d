/**
 * From the POST to the moment a worker has begun, on an idle fleet: the bench listens to the events exchange itself, so
 * the time holds the gateway, the broker twice, and the claim.
 *
 *   ./loom bench submit-latency
 */
import { setTimeout as delay } from "node:timers/promises";
import { topology } from "@rabbitloom/protocol";
import { connect } from "amqplib";
import { printTimes } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { emptyImagePrompt, postPrompt } from "./support/post-prompt.ts";
import { printSetting } from "./support/versions.ts";

await using fleet = await openBenchFleet({ workers: 2 });
await printSetting(fleet.amqpUrl);
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
for (let i = 0; i < 350; i++) {
  const started = new Promise<void>((resolve) => {
    onStart = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve;
  });
  const begin = performance.now();
  const answer = postPrompt(fleet.url, emptyImagePrompt(i), { prefer: "respond-async" });
  await started;
  if (i >= 50) times.push(performance.now() - begin);
  await Promise.all([answer, ended]);
  await delay(10); // idle means idle: the worker has acknowledged and waits again
}
await connection.close();
printTimes({ name: "POST to job-start, idle fleet", sorted: times.sort((a, b) => a - b) });
