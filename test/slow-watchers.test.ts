import { type WatchTicket, watchTicketSchema } from "@rabbitloom/protocol";
import { Client } from "@stomp/stompjs";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { openService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

const WATCHERS = 5;
/** 5 MB for each of them: more than sockets hold. */
const PICTURES = { steps: 100, ms: 10, previewBytes: 50_000 };

test("watchers that read nothing keep no worker waiting, and get everything once they read", async () => {
  await using service = await openService();
  const { fleet, client } = service;
  const job = await client.submit(steps(PICTURES));
  const watchers = await Promise.all(
    Array.from({ length: WATCHERS }, async () => {
      const response = await fetch(`${service.url}/api/v1/jobs/${job.id}/watch`, {
        method: "POST",
      });
      return watchAsleep(watchTicketSchema.parse(await response.json()));
    }),
  );
  try {
    await Promise.all(watchers.map(({ asleep }) => asleep));

    const end = await fleet.jobs.ended(job.id, 60_000);
    const next = await fleet.jobs.ended(await fleet.submit(text("next")), 60_000);
    const readBefore = watchers.map(({ seqs }) => seqs.length);
    for (const watcher of watchers) watcher.wake();
    await until("all have read", () => watchers.every(({ hasEnd }) => hasEnd()), 200_000).catch(
      (cause: unknown) => {
        const read = watchers.map(({ seqs }) => `${seqs.length} up to ${seqs.at(-1)}`).join(", ");
        throw new Error(`read so far: ${read}`, { cause });
      },
    );

    expect(end).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(next).toMatchObject({ state: "succeeded" });
    expect(readBefore).toEqual(watchers.map(() => 0));
    for (const { seqs } of watchers) expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(watchers.map(({ seqs }) => seqs.length)).size).toBe(1);
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}, 420_000);

/** Subscribes, and reads nothing until it is woken. */
function watchAsleep(ticket: WatchTicket) {
  const { host, login, passcode } = ticket;
  const socket = new WebSocket(ticket.url, ["v12.stomp"]);
  const seqs: number[] = [];
  let isEnded = false;
  let fallAsleep = () => {};
  const asleep = new Promise<void>((resolve) => {
    fallAsleep = resolve;
  });
  const client = new Client({
    webSocketFactory: () => socket,
    connectHeaders: { host, login, passcode },
    reconnectDelay: 0,
    heartbeatIncoming: 0,
    heartbeatOutgoing: 0,
    onConnect() {
      client.subscribe(
        ticket.destination,
        (message) => {
          message.ack();
          seqs.push(Number(message.headers.seq));
          if (message.body.includes('"job-end"')) isEnded = true;
        },
        ticket.headers,
      );
      socket.pause();
      fallAsleep();
    },
  });
  client.activate();
  return {
    asleep,
    seqs,
    hasEnd: () => isEnded,
    wake: () => socket.resume(),
    close: () => void client.deactivate({ force: true }),
  };
}
