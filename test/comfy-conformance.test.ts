/**
 * ComfyUI's recorded requests and socket runs against two gateways behind a proxy that sends each request and each
 * socket to the next one. What is answered otherwise on purpose stands in docs/compatibility.md.
 */
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import {
  comparable,
  type Exchange,
  exchangeSchema,
  recordedAnswer,
} from "../apps/gateway/test/support/recorded.ts";
import {
  comparableBody,
  differences,
  expectDifference,
  refusal,
} from "../apps/gateway/test/support/recorded-differences.ts";
import {
  comparableFrames,
  comparableHistory,
  type Frame,
  readFrame,
  recordedRuns,
} from "./support/recorded-runs.ts";
import { openRoundRobin, type RoundRobin } from "./support/round-robin.ts";
import { openService, type TestService } from "./support/service.ts";
import { until } from "./support/until.ts";

const runs = await recordedRuns();
const exchanges = z
  .array(exchangeSchema)
  .parse(
    JSON.parse(
      await readFile(
        new URL("../apps/gateway/test/fixtures/http-recorded.json", import.meta.url),
        "utf8",
      ),
    ),
  );
/** A prompt that takes its time with others behind it, and what ends ComfyUI for good: each has a test of its own. */
const groupsApart = ["queue", "fatal"];
/** Its preview may still be in the making when the next node fails: only how it ends is compared. */
const overlapping = "node_error";
/** ComfyUI calls the run that it has just told to have failed a success. */
const otherHistory: Record<string, object> = { dynamic_cycle_error: { outcome: ["error", false] } };

let service: TestService;
let proxy: RoundRobin;
beforeAll(async () => {
  // One worker: what is cached, and the numbers of files, hang on the order of runs.
  service = await openService({
    nodes: ["test/node-packs/oracle.ts", "test/node-packs/comfyui-execution"],
  });
  const second = await service.startGateway();
  const gateways = [service.url, second.url];
  proxy = await openRoundRobin({ sockets: gateways, requests: gateways });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

describe("a run is told as ComfyUI told it, and history says the same:", () => {
  for (const [name, run] of Object.entries(runs)) {
    test(name, async () => {
      const { client_id: clientId, prompt_id: id } = run.request;
      const hello = name.includes("feature_flag")
        ? '{"type":"feature_flags","data":{"supports_preview_metadata":true}}'
        : undefined;
      await using client = await listen(clientId, hello);
      const posted = await fetch(`${proxy.url}/prompt`, {
        method: "POST",
        body: JSON.stringify(run.request),
      });
      expect(await posted.json()).toMatchObject({ prompt_id: id, node_errors: {} });
      await client.ended(id);
      const history = await (await fetch(`${proxy.url}/history/${id}`)).json();
      if (name === overlapping) {
        expect(history[id].status).toMatchObject({ status_str: "error", completed: false });
        return;
      }
      const heard = client.frames.slice(1);
      expect(comparableFrames(heard)).toEqual(comparableFrames(run.messages));
      expect(statusBeforeEnd(heard)).toBe("status");
      expect(comparableHistory(history[id])).toEqual({
        ...comparableHistory(run.history),
        ...otherHistory[name],
      });
    });
  }
});

test("a class of a pack says before the 200 what it thinks of its inputs", async () => {
  const post = async (input1: string) => {
    const inputs = `{"input1": ${input1}, "input2": 0.5}`;
    const checked = `{"class_type": "TestCustomValidation1", "inputs": ${inputs}}`;
    const shown = '{"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}';
    const body = `{"prompt": {"1": ${checked}, "2": ${shown}}}`;
    return fetch(`${proxy.url}/prompt`, { method: "POST", body });
  };
  const refused = await post("5");
  expect(refused.status).toBe(400);
  expect((await refused.json()).node_errors["1"].errors[0]).toMatchObject({
    type: "custom_validation_failed",
    details: "input1 - Invalid type of input1: number",
  });
  expect((await post("5.0")).status).toBe(200);
});

test("recorded requests are answered by either gateway as ComfyUI answered them", async () => {
  // As after a start: what the runs above left behind is forgotten.
  await fetch(`${proxy.url}/history`, { method: "POST", body: '{"clear": true}' });
  const wrong: string[] = [];
  for (const exchange of exchanges) {
    if (groupsApart.includes(exchange.group)) continue;
    if (exchange.request.method === "GET" && /history|queue|prompt/.test(exchange.request.path)) {
      await untilIdle();
    }
    const problem = await compare(exchange);
    if (problem !== undefined) wrong.push(`${exchange.name}: ${problem}`);
  }
  expect(wrong).toEqual([]);
}, 240_000);

test("a queue behind a slow prompt is told, narrowed and emptied as ComfyUI did it", async () => {
  const wrong: string[] = [];
  for (const recorded of exchanges.filter(({ group }) => group === "queue")) {
    const exchange = withSlowNode(recorded);
    if (exchange.name === "history of interrupted") await untilIdle();
    const problem = await compare(exchange);
    if (problem !== undefined) wrong.push(`${exchange.name}: ${problem}`);
    if (exchange.name === "post slow") await untilSlowNode();
  }
  expect(wrong).toEqual([]);
}, 240_000);

test("what ends ComfyUI's worker for good is taken and runs, and so does the next prompt", async () => {
  const [fatal, next] = exchanges.filter(({ group }) => group === "fatal");
  for (const exchange of [fatal, next]) {
    expect(exchange && (await compare(exchange))).toBeUndefined();
  }
  await untilIdle();
  for (const id of ["fatal-1", "fatal-2"]) {
    const history = await (await fetch(`${proxy.url}/history/${id}`)).json();
    expect(history[id].status).toMatchObject({ status_str: "success", completed: true });
  }
});

/** What is wrong with the answer; undefined where it is as recorded, or otherwise on purpose. */
async function compare(exchange: Exchange): Promise<string | undefined> {
  const { name, response } = exchange;
  const given = await replay(exchange);
  if (response === undefined) return given.status < 500 ? undefined : `status ${given.status}`;
  const wasJson = response.body_json !== undefined && exchange.request.method !== "HEAD";
  const isRefused = response.status === 500;
  const json: unknown =
    (wasJson || isRefused) && given.bytes.length > 0
      ? JSON.parse(given.bytes.toString())
      : undefined;
  const actual = comparable({ ...given, json });
  const expected = recordedAnswer(response);
  const difference = differences[name];
  try {
    if (difference !== undefined) {
      await expectDifference(difference, { ...actual, bytes: given.bytes }, expected);
      return undefined;
    }
    if (isRefused) {
      expect({ status: given.status, json }).toMatchObject({ status: 400, json: refusal });
      return undefined;
    }
    if (exchange.request.path === "/queue" && exchange.request.method === "GET") {
      expect(waitingAndRunning(json)).toEqual(waitingAndRunning(response.body_json));
      return undefined;
    }
    if (/history/.test(exchange.request.path) && exchange.request.method === "GET") {
      expect(entries(json)).toEqual(entries(response.body_json));
      return undefined;
    }
    expect({ ...actual, body: withoutProse(await comparableBody(actual)) }).toEqual({
      ...expected,
      body: withoutProse(await comparableBody(expected)),
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const queueItemSchema = z
  .tuple([z.number(), z.string(), z.unknown(), z.unknown(), z.array(z.string())])
  // Its number hangs on how many prompts there were before.
  .transform(([, ...rest]) => rest);
const queueSchema = z.strictObject({
  queue_running: z.array(queueItemSchema),
  queue_pending: z.array(queueItemSchema),
});

function waitingAndRunning(queue: unknown) {
  return queueSchema.parse(queue);
}

/** What the recording's slow prompt scales to 36 megapixels is small here; its third node takes its time instead. */
function withSlowNode(exchange: Exchange): Exchange {
  const slow = { image: ["2", 0], steps: 10_000, delay: 0.01, preview: false, text: "" };
  const replace = (key: string, value: unknown): unknown => {
    const node = scaledSchema.safeParse(value).data;
    if (node?.inputs.width === 6_003) {
      return { class_type: "OracleProgress", inputs: { ...slow, preview_format: "JPEG" } };
    }
    if (node !== undefined) return { ...node, inputs: { ...node.inputs, width: 8, height: 8 } };
    return key === "node_type" ? "OracleProgress" : value;
  };
  const { request: recorded, response } = exchange;
  const { body_text: body } = recorded;
  const isJson = body !== undefined && body.startsWith("{") && body.endsWith("}");
  return {
    ...exchange,
    request: isJson
      ? { ...recorded, body_text: JSON.stringify(JSON.parse(body, replace)) }
      : recorded,
    ...(response && {
      response: {
        ...response,
        ...("body_json" in response && {
          body_json: JSON.parse(JSON.stringify(response.body_json, replace)),
        }),
      },
    }),
  };
}

const scaledSchema = z.looseObject({
  class_type: z.literal("ImageScale"),
  inputs: z.looseObject({ width: z.number(), height: z.number() }),
});

async function untilSlowNode(): Promise<void> {
  await until("the slow node runs, and those before it have", async () => {
    const job = await (await fetch(`${service.url}/api/v1/jobs/slow-1`)).json();
    return job.progress?.nodesDone === 3 && job.progress.nodeId === "3";
  });
}

function entries(history: unknown): unknown[] {
  return Object.values(z.record(z.string(), z.unknown()).parse(history)).map(comparableHistory);
}

/** Names of outputs are explained in words of our own. */
function withoutProse(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  return JSON.parse(
    JSON.stringify(body, (key, value) => (key === "output_tooltips" ? undefined : value)),
  );
}

async function untilIdle(): Promise<void> {
  await until("nothing waits or runs", async () => {
    const { exec_info } = await (await fetch(`${service.url}/prompt`)).json();
    return exec_info.queue_remaining === 0;
  });
}

interface Given {
  readonly status: number;
  readonly headers: [string, string][];
  readonly bytes: Buffer;
}

/** `fetch` sends no foreign `Origin`, and no request without a type. */
function replay({ request: recorded }: Exchange): Promise<Given> {
  const { method, path, headers, body_text, body_b64 } = recorded;
  const body = body_b64 === undefined ? body_text : Buffer.from(body_b64, "base64");
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(proxy.url),
      { method, path, headers: { host: "127.0.0.1:8188", ...headers }, agent: false },
      async (answer) => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk);
        resolve({
          status: answer.statusCode ?? 0,
          headers: Object.entries(answer.headers).map(([key, value]) => [key, String(value)]),
          bytes: Buffer.concat(chunks),
        });
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

function statusBeforeEnd(frames: readonly Frame[]): string | undefined {
  const end = frames.findLastIndex((frame) => "type" in frame && frame.type === "executing");
  const before = frames[end - 1];
  return before !== undefined && "type" in before ? before.type : undefined;
}

async function listen(clientId: string, hello: string | undefined) {
  const socket = new WebSocket(`${proxy.url.replace("http", "ws")}/ws?clientId=${clientId}`);
  const frames: Frame[] = [];
  socket.on("open", () => hello !== undefined && socket.send(hello));
  socket.on("message", (data: Buffer, isBinary) => frames.push(readFrame(data, isBinary)));
  const has = (what: (frame: Frame) => boolean) => () => frames.some(what);
  const first = hello === undefined ? "status" : "feature_flags";
  await until(
    `a greeting for ${clientId}`,
    has((frame) => "type" in frame && frame.type === first),
  );
  return {
    frames,
    ended: (id: string) =>
      until(
        `the end of ${id}`,
        has(
          (frame) =>
            "type" in frame &&
            frame.type === "executing" &&
            frame.data.node === null &&
            frame.data.prompt_id === id,
        ),
        30_000,
      ),
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}
