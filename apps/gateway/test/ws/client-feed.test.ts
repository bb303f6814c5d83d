import type { JobEvent, JsonEvent, PreviewEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { clientFeed } from "../../src/ws/client-feed.ts";
import type { ClientSocket } from "../../src/ws/client-socket.ts";
import { message } from "../../src/ws/frames.ts";

/** What a socket heard: `type` or `type:prompt`; states apart. */
function listener() {
  const heard: string[] = [];
  const states: unknown[] = [];
  const socket: ClientSocket = {
    tenant: "default",
    clientId: "c",
    readsMetadata: false,
    isOpen: true,
    send(frame) {
      if (frame.kind === "preview") heard.push(`preview:${frame.plain().subarray(8)}`);
      else if (frame.kind === "binary") heard.push("binary");
      else {
        const { type, data } = JSON.parse(frame.text);
        if (type === "executing")
          heard.push(data.node === null ? `done:${data.prompt_id}` : `node:${data.node}`);
        else if (type === "progress_state") states.push(data);
        else if (type === "progress") heard.push(`progress:${data.prompt_id}:${data.value}`);
        else heard.push(data.prompt_id === undefined ? type : `${type}:${data.prompt_id}`);
      }
    },
    close: () => {},
  };
  return { socket, heard, states };
}

function feedWithSocket(now?: () => number) {
  const { socket, heard, states } = listener();
  const feed = clientFeed({
    sendStatus: async (to) => to.send(message("status", {})),
    ...(now && { now }),
  });
  feed.socket = socket;
  return { feed, heard, states };
}

const at = "2026-01-01T00:00:00.000Z";
const envelope = (jobId: string, seq: number) => ({ v: 1 as const, jobId, attempt: 1, seq, at });
const start = (jobId: string): JsonEvent => ({
  ...envelope(jobId, 1),
  type: "job-start",
  workerId: "w",
  nodeCount: 1,
});
const node = (jobId: string, nodeId: string): JsonEvent => ({
  ...envelope(jobId, 2),
  type: "node-start",
  nodeId,
});
const end = (
  jobId: string,
  state: "succeeded" | "cancelled" | "failed" = "succeeded",
  startedAt?: string,
): JsonEvent => ({
  ...envelope(jobId, 3),
  type: "job-end",
  state,
  outputs: {},
  ...(startedAt !== undefined && { startedAt }),
});
const said = (events: readonly JobEvent[], feed: ReturnType<typeof clientFeed>) => {
  for (const event of events) feed.handle(event);
};

test("two jobs of one client that run at once are told one after the other", async () => {
  const { feed, heard } = feedWithSocket();
  said(
    [
      start("a"),
      start("b"),
      node("b", "1"),
      node("a", "1"),
      end("b", "succeeded", at),
      end("a", "succeeded", at),
    ],
    feed,
  );
  await expect.poll(() => heard.at(-1)).toBe("done:b");
  expect(heard).toEqual([
    "status",
    "execution_start:a",
    "node:1",
    "execution_success:a",
    "status",
    "done:a",
    "status",
    "execution_start:b",
    "node:1",
    "execution_success:b",
    "status",
    "done:b",
  ]);
});

test("the job whose turn comes goes on live after what was held", async () => {
  const { feed, heard } = feedWithSocket();
  said([start("a"), start("b"), node("b", "1"), end("a", "succeeded", at), node("b", "2")], feed);
  await expect.poll(() => heard.at(-1)).toBe("node:2");
  expect(heard.slice(-4)).toEqual(["status", "execution_start:b", "node:1", "node:2"]);
});

const preview = (jobId: string, nodeId: string, image: string): PreviewEvent => ({
  ...envelope(jobId, 2),
  type: "node-preview",
  nodeId,
  contentType: "image/jpeg",
  width: 8,
  height: 8,
  image: Buffer.from(image),
});

const progress = (jobId: string, nodeId: string, value: number): JsonEvent => ({
  ...envelope(jobId, 2),
  type: "node-progress",
  nodeId,
  value,
  max: 9,
});

test("of a job that is held the newest picture, state and progress are kept, and every change of node", async () => {
  const { feed, heard, states } = feedWithSocket();
  said([start("a"), start("b"), node("b", "1"), preview("b", "1", "old")], feed);
  said(
    [1, 2].map((value) => progress("b", "1", value)),
    feed,
  );
  said([node("b", "2"), ...["1", "2", "3"].map((image) => preview("b", "2", image))], feed);
  said(
    [3, 4, 5].map((value) => progress("b", "2", value)),
    feed,
  );
  said([start("c"), node("c", "1"), preview("c", "1", "of c"), preview("a", "1", "of a")], feed);
  said([end("c", "succeeded", at), end("b", "succeeded", at), end("a", "succeeded", at)], feed);
  await expect.poll(() => heard.at(-1)).toBe("done:c");
  expect(heard.filter((text) => /^(node|preview|progress|done)/.test(text))).toEqual([
    ...["preview:of a", "done:a"],
    ...["node:1", "node:2", "preview:3", "progress:b:5", "done:b"],
    ...["node:1", "preview:of c", "done:c"],
  ]);
  expect(states).toMatchObject([
    { prompt_id: "b", nodes: { "1": { value: 2 }, "2": { value: 5 } } },
    { prompt_id: "c", nodes: { "1": { value: 0 } } },
  ]);
});

test("of a job that is held every picture that is a result is kept, up to 128 MiB of them", async () => {
  const { feed, heard } = feedWithSocket();
  const result = (image: string | Buffer): PreviewEvent => ({
    ...preview("b", "1", ""),
    width: 0,
    height: 0,
    image: Buffer.from(image),
  });
  said([start("a"), start("b"), node("b", "1")], feed);
  said(["one", "two"].map(result), feed);
  said([preview("b", "1", "of a step"), result("three"), end("b", "succeeded", at)], feed);
  said([end("a", "succeeded", at)], feed);
  await expect.poll(() => heard.at(-1)).toBe("done:b");
  const pictures = () => heard.filter((text) => text.startsWith("preview"));
  const names = ["one", "two", "of a step", "three"].map((name) => `preview:${name}`);
  expect(pictures()).toEqual(names);

  heard.length = 0;
  said([start("c"), start("b"), node("b", "1"), result("dropped")], feed);
  said([result(Buffer.alloc(67_108_864)), result(Buffer.alloc(67_108_864))], feed);
  said([end("b", "succeeded", at), end("c", "succeeded", at)], feed);
  await expect.poll(() => heard.at(-1)).toBe("done:b");
  expect(pictures().map((text) => text.length)).toEqual([67_108_872, 67_108_872]);
});

test("a job cancelled in the queue changes the status and interrupts nobody", async () => {
  const { feed, heard } = feedWithSocket();
  said([start("a"), end("b", "cancelled"), node("a", "1")], feed);
  await expect.poll(() => heard.at(-1)).toBe("node:1");
  expect(heard).toEqual(["status", "execution_start:a", "status", "node:1"]);
});

test("a failure is followed by the word that nothing runs any more", async () => {
  const { feed, heard } = feedWithSocket();
  said([start("a"), node("a", "1"), end("a", "failed", at)], feed);
  await expect.poll(() => heard.at(-1)).toBe("done:a");
  expect(heard.slice(-3)).toEqual(["execution_error:a", "status", "done:a"]);
});

test("without a socket nothing is kept, and the running node is still known", () => {
  const feed = clientFeed({ sendStatus: async () => {} });
  said([start("a"), node("a", "1")], feed);
  expect(feed.runningNode).toBe("1");
  expect(feed.jobIds).toEqual(["a"]);
});

test("a turn that has gone silent while another job waits is told", () => {
  let time = 0;
  const { feed } = feedWithSocket(() => time);
  said([start("a"), start("b")], feed);
  time = 4_999;
  expect(feed.silentTurn(5_000)).toBeUndefined();
  time = 5_000;
  expect(feed.silentTurn(5_000)).toBe("a");
});
