/** What ComfyUI's clients count on at /ws, with workers that really run. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { openService, type TestService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService({ workers: 2 });
});
afterAll(() => service[Symbol.asyncDispose]());

const frameSchema = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) });
type Frame = z.infer<typeof frameSchema> | { readonly binary: Buffer };

interface Listener {
  readonly frames: Frame[];
  /** Waits for the end of this prompt. */
  ended(promptId: string): Promise<void>;
  /** Text frames of one type. */
  of(type: string): Record<string, unknown>[];
  waitFor(what: (frame: Frame) => boolean): Promise<Frame>;
  close(): void;
}

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

/** Connects, and answers once the greeting is there. */
async function listen(clientId: string, { url = service.url, hello = "" } = {}): Promise<Listener> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws?clientId=${clientId}`);
  sockets.push(socket);
  const frames: Frame[] = [];
  const looks = new Set<() => void>();
  socket.on("open", () => hello !== "" && socket.send(hello));
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) frames.push({ binary: data });
    else {
      expect(data.toString().startsWith('{"type":')).toBe(true);
      frames.push(frameSchema.parse(JSON.parse(data.toString())));
    }
    for (const look of looks) look();
  });
  const listener: Listener = {
    frames,
    of: (type) =>
      frames.flatMap((frame) => ("type" in frame && frame.type === type ? [frame.data] : [])),
    waitFor: (what) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () =>
            reject(
              new Error(
                `not heard; heard: ${frames.map((f) => ("type" in f ? f.type : "binary"))}`,
              ),
            ),
          20_000,
        );
        const look = () => {
          const found = frames.find(what);
          if (found === undefined) return;
          looks.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        looks.add(look);
        look();
      }),
    async ended(promptId) {
      await listener.waitFor(
        (frame) =>
          "type" in frame &&
          frame.type === "executing" &&
          frame.data.node === null &&
          frame.data.prompt_id === promptId,
      );
    },
    close: () => socket.close(),
  };
  await listener.waitFor((frame) => "type" in frame && frame.type === "status");
  return listener;
}

async function post(body: object, url = service.url): Promise<string> {
  const answer = await fetch(`${url}/prompt`, { method: "POST", body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
  return z.object({ prompt_id: z.string() }).parse(await answer.json()).prompt_id;
}

/** Types in order, runs of the same one as one. */
function outline(frames: readonly Frame[]): string[] {
  const types = frames.map((frame) => ("type" in frame ? frame.type : "binary"));
  return types.filter((type, i) => type !== types[i - 1]);
}

test("a run is told as ComfyUI tells it, and history can be read before its end is told", async () => {
  const client = await listen("order");
  expect(client.of("status")[0]).toEqual({
    status: { exec_info: { queue_remaining: 0 } },
    sid: "order",
  });
  const history: unknown[] = [];
  const id = await post({ prompt: text("told"), client_id: "order" });
  await client.ended(id);
  history.push(await (await fetch(`${service.url}/history/${id}`)).json());
  // How long the queue is may be said at any time.
  const isAnytime = (frame: Frame) =>
    "type" in frame && (frame.type === "progress_state" || frame.type === "status");
  expect(outline(client.frames.filter((frame) => !isAnytime(frame)))).toEqual([
    "execution_start",
    "execution_cached",
    "executing",
    "executed",
    "execution_success",
    "executing",
  ]);
  expect(outline(client.frames).slice(-2)).toEqual(["status", "executing"]);
  expect(history).toMatchObject([{ [id]: { status: { status_str: "success", completed: true } } }]);
  expect(client.of("status").at(-1)).toEqual({ status: { exec_info: { queue_remaining: 0 } } });
});

test("other clients hear of the queue, and of nothing else", async () => {
  const other = await listen("bystander");
  const client = await listen("busy");
  const id = await post({ prompt: steps({ steps: 30, ms: 60 }), client_id: "busy" });
  await client.ended(id);
  await other.waitFor(
    (frame) =>
      "type" in frame &&
      frame.type === "status" &&
      JSON.stringify(frame).includes('"queue_remaining":1'),
  );
  expect(outline(other.frames)).toEqual(["status"]);
});

test("a prompt without a client id runs, and everybody hears how far its nodes are", async () => {
  const anybody = await listen("anybody");
  await post({ prompt: steps({ steps: 2, ms: 20, tag: "anonymous" }) });
  await anybody.waitFor(
    (frame) =>
      "type" in frame &&
      frame.type === "progress_state" &&
      JSON.stringify(frame).includes("finished"),
  );
  expect(new Set(outline(anybody.frames))).toEqual(new Set(["status", "progress_state"]));
});

test("previews come bare, or with metadata to clients that say they read it", async () => {
  const flags = '{"type":"feature_flags","data":{"supports_preview_metadata":true}}';
  const plain = await listen("plain");
  const rich = await listen("rich", { hello: flags });
  await rich.waitFor((frame) => "type" in frame && frame.type === "feature_flags");
  const a = await post({ prompt: steps({ steps: 1, ms: 1, tag: "a" }), client_id: "plain" });
  const b = await post({ prompt: steps({ steps: 1, ms: 1, tag: "b" }), client_id: "rich" });
  await plain.ended(a);
  await rich.ended(b);
  const binary = ({ frames }: Listener) =>
    frames.flatMap((frame) => ("binary" in frame ? [frame.binary] : []));
  const [bare] = binary(plain);
  expect([bare?.readUInt32BE(0), bare?.readUInt32BE(4), bare?.subarray(8).toString()]).toEqual([
    1,
    1,
    "picture 1",
  ]);
  const [told] = binary(rich);
  expect(told?.readUInt32BE(0)).toBe(4);
  const length = told?.readUInt32BE(4) ?? 0;
  expect(JSON.parse(String(told?.subarray(8, 8 + length)))).toEqual({
    node_id: "1",
    prompt_id: b,
    display_node_id: "1",
    parent_node_id: null,
    real_node_id: "1",
    image_type: "image/jpeg",
  });
  expect(told?.subarray(8 + length).toString()).toBe("picture 1");
});

test("two prompts of one client run at once on two workers and are told one after the other", async () => {
  const client = await listen("serial");
  const slow = await post({
    prompt: steps({ steps: 60, ms: 50, tag: "slow" }),
    client_id: "serial",
  });
  await client.waitFor((frame) => "type" in frame && frame.type === "execution_start");
  const quick = await post({
    prompt: steps({ steps: 1, ms: 1, tag: "quick" }),
    client_id: "serial",
  });
  await service.fleet.jobs.ended(quick);
  expect(service.fleet.jobs.events(slow).some(({ type }) => type === "job-end")).toBe(false);
  await client.ended(quick);
  const ids = client.frames.flatMap((frame) =>
    "type" in frame && typeof frame.data.prompt_id === "string" ? [frame.data.prompt_id] : [],
  );
  expect(ids.filter((id, i) => id !== ids[i - 1])).toEqual([slow, quick]);
});

test("an interrupt by id stops that prompt and no other", async () => {
  const client = await listen("interrupted");
  const running = await post({
    prompt: steps({ steps: 500, ms: 20, tag: "x" }),
    client_id: "interrupted",
  });
  await client.waitFor((frame) => "binary" in frame);
  const interrupt = (prompt_id: string) =>
    fetch(`${service.url}/interrupt`, { method: "POST", body: JSON.stringify({ prompt_id }) });
  expect((await interrupt("somebody-elses")).status).toBe(200);
  expect((await interrupt(running)).status).toBe(200);
  await client.ended(running);
  expect(client.of("execution_interrupted")).toMatchObject([
    { prompt_id: running, node_id: "1", node_type: "ToySteps" },
  ]);
  const entry = await (await fetch(`${service.url}/history/${running}`)).json();
  expect(entry[running].status).toMatchObject({ status_str: "error", completed: false });
});

test("a prompt posted at one gateway is told at another, where the client's socket is", async () => {
  const other = await service.startGateway();
  const client = await listen("roaming", { url: other.url });
  const id = await post({ prompt: text("roams"), client_id: "roaming" });
  await client.ended(id);
  expect(client.of("executed")).toMatchObject([{ node: "1", prompt_id: id }]);
});

test("a client that comes back in mid-run, to another gateway, hears what runs and how it ends", async () => {
  const other = await service.startGateway();
  const before = await listen("returning");
  const id = await post({
    // Long enough to come back in the middle of it, on a busy machine too.
    prompt: steps({ steps: 200, ms: 40, tag: "long" }),
    client_id: "returning",
  });
  await before.waitFor((frame) => "binary" in frame);
  before.close();
  const after = await listen("returning", { url: other.url });
  await after.waitFor((frame) => "type" in frame && frame.type === "progress_state");
  await after.ended(id);
  expect(after.of("executing")[0]).toEqual({ node: "1" });
  expect(after.of("execution_success")).toHaveLength(1);
});

test("closing an older socket of the same client leaves the newer one listening", async () => {
  const older = await listen("double");
  const newer = await listen("double");
  older.close();
  const id = await post({ prompt: text("heard"), client_id: "double" });
  await newer.ended(id);
  expect(older.of("execution_start")).toEqual([]);
});

test("frames that nobody understands are no reason to hang up", async () => {
  const client = await listen("noisy", { hello: "{ no json" });
  const id = await post({ prompt: text("still there"), client_id: "noisy" });
  await client.ended(id);
});
