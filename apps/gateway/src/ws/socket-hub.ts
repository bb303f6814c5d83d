import { randomUUID } from "node:crypto";
import type { JobStore } from "@rabbitloom/jobs";
import type { JobEvent } from "@rabbitloom/protocol";
import type { JobPublisher } from "../amqp/ports.ts";
import { clientWord } from "../events/client-word.ts";
import type { WordLeases } from "../events/word-leases.ts";
import type { BegunJob } from "../submit/job-intake.ts";
import { anonymousFeed } from "./anonymous-feed.ts";
import { type ClientFeed, clientFeed } from "./client-feed.ts";
import type { ClientSocket } from "./client-socket.ts";
import { message, type Outgoing } from "./frames.ts";
import type { QueueStatus } from "./queue-status.ts";

/** All sockets of `/ws` at this gateway. */
export interface SocketHub extends Disposable {
  readonly size: number;
  /** Resolves when the socket has been greeted: from then on it misses nothing of its client's jobs. */
  connect(socket: ClientSocket): Promise<void>;
  disconnect(socket: ClientSocket): void;
  handle(event: JobEvent, word: string): void;
  /** A job of this client was taken in: its socket hears so before it hears of the job. */
  begun(job: BegunJob): void;
  /** Jobs that sockets here have heard to begin and not to end. */
  jobIds(): string[];
}

export interface SocketHubOptions {
  readonly store: Pick<JobStore, "list" | "view">;
  readonly publisher: Pick<JobPublisher, "sendControl">;
  readonly words: WordLeases;
  readonly status: QueueStatus;
  /** Whose a job is that this gateway has taken in. */
  readonly tenantOf: (jobId: string) => string | undefined;
  /** Delivers the end of a job whose events were lost. */
  readonly recover: (jobIds: readonly string[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Other people's changes are told together. */
const STATUS_DELAY_MS = 50;
/** Some clients reconnect after 10 s without a frame. */
const STATUS_EVERY_MS = 5_000;
const SILENCE_MS = 5_000;

export function socketHub(options: SocketHubOptions): SocketHub {
  const { store, publisher, words, status, recover, onError } = options;
  const sockets = new Map<ClientSocket, { statusVersion: number }>();
  const feeds = new Map<string, ClientFeed>();
  const anonymous = anonymousFeed({
    tenantOf: options.tenantOf,
    broadcast(tenant, frame) {
      for (const socket of sockets.keys()) if (socket.tenant === tenant) socket.send(frame);
    },
  });
  let changed: NodeJS.Timeout | undefined;

  function statusFrame(sid?: string): Outgoing {
    const exec_info = { queue_remaining: status.remaining };
    return message("status", { status: { exec_info }, ...(sid !== undefined && { sid }) });
  }

  function broadcast(frame: Outgoing): void {
    for (const socket of sockets.keys()) socket.send(frame);
  }

  async function sendStatus(socket: ClientSocket, sid?: string): Promise<void> {
    const { version } = status;
    await status.refresh().catch(onError);
    const entry = sockets.get(socket);
    if (entry !== undefined) entry.statusVersion = version;
    socket.send(statusFrame(sid));
  }

  /** Whoever has not heard of the last change hears of it now. */
  function announceChange(): void {
    changed = undefined;
    const frame = statusFrame();
    for (const [socket, entry] of sockets) {
      if (entry.statusVersion >= status.version) continue;
      entry.statusVersion = status.version;
      socket.send(frame);
    }
  }

  const subscription = status.onChange(() => {
    if (sockets.size === 0) return;
    changed ??= setTimeout(announceChange, STATUS_DELAY_MS);
  });

  const ticker = setInterval(() => {
    const frame = statusFrame();
    broadcast(frame);
    const silent = [...feeds.values()].flatMap((feed) => feed.silentTurn(SILENCE_MS) ?? []);
    if (silent.length > 0) recover(silent).catch(onError);
  }, STATUS_EVERY_MS);
  ticker.unref();

  function feedOf(word: string): ClientFeed {
    const known = feeds.get(word);
    if (known !== undefined) return known;
    const made = clientFeed({ sendStatus });
    feeds.set(word, made);
    return made;
  }

  function forgetIdle(word: string): void {
    const feed = feeds.get(word);
    if (feed?.socket === undefined && feed?.jobIds.length === 0) feeds.delete(word);
  }

  /** What runs for the client may have begun before this gateway listened: its worker says how far it is. */
  async function catchUp({ tenant, clientId }: ClientSocket, feed: ClientFeed): Promise<void> {
    const { jobs } = await store.list({ tenant }, { states: ["running"], limit: 500 });
    const unheard = jobs.filter(
      (job) => job.clientId === clientId && !feed.jobIds.includes(job.id),
    );
    for (const { id } of unheard) {
      await publisher.sendControl({ v: 1, type: "job-snapshot", jobId: id });
    }
  }

  return {
    get size() {
      return sockets.size;
    },
    async connect(socket) {
      const { tenant, clientId } = socket;
      const word = clientWord(tenant, clientId);
      sockets.set(socket, { statusVersion: status.version });
      await words.take(word);
      if (!sockets.has(socket)) return;
      const feed = feedOf(word);
      feed.socket = socket;
      await sendStatus(socket, clientId);
      const node = feed.runningNode;
      if (node !== undefined) socket.send(message("executing", { node }));
      else if (status.remaining > 0) catchUp(socket, feed).catch(onError);
    },
    disconnect(socket) {
      if (!sockets.delete(socket)) return;
      const word = clientWord(socket.tenant, socket.clientId);
      words.release(word);
      const feed = feeds.get(word);
      // An older socket of the same client must not take the newer one along.
      if (feed?.socket === socket) feed.socket = undefined;
      forgetIdle(word);
    },
    handle(event, word) {
      if (sockets.size === 0 && feeds.size === 0) return;
      const feed = feeds.get(word);
      if (feed !== undefined) {
        feed.handle(event);
        if (event.type === "job-end") forgetIdle(word);
      } else if (!word.startsWith("c_")) {
        anonymous.handle(event);
      }
    },
    jobIds: () => [...feeds.values()].flatMap((feed) => feed.jobIds),
    begun({ tenant, clientId }) {
      if (clientId === undefined) return;
      const socket = feeds.get(clientWord(tenant, clientId))?.socket;
      if (socket !== undefined) sendStatus(socket).catch(onError);
    },
    [Symbol.dispose]() {
      clearInterval(ticker);
      clearTimeout(changed);
      subscription[Symbol.dispose]();
      for (const socket of sockets.keys()) socket.close(1001, "the gateway is shutting down");
    },
  };
}

/** Ids as ComfyUI makes them for clients that bring none. */
export function newClientId(): string {
  return randomUUID().replaceAll("-", "");
}
