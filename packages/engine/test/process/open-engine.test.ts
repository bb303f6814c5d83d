import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { EngineEvent } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Engine, EngineOptions } from "../../src/process/engine.ts";
import { openEngine } from "../../src/process/open-engine.ts";
import { promptOf } from "../support/run-graph.ts";

const packs = (name: string) =>
  fileURLToPath(new URL(`../fixtures/packs/${name}`, import.meta.url));
let root = "";
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "engine-test-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function open(options: EngineOptions = {}): Promise<Engine> {
  return openEngine({
    input: path.join(root, "input"),
    output: path.join(root, "output"),
    nodes: [packs("toys")],
    ...options,
  });
}

const isAlive = (pid: number | undefined) => {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe.each([{ inline: false }, { inline: true }])(
  "an engine (inline: $inline)",
  ({ inline }) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open({
        inline,
        nodes: [packs("broken"), packs("toys"), packs("empty"), "no-such-package"],
      });
    });
    afterAll(() => engine[Symbol.asyncDispose]());
    afterEach(() => engine.free());

    test("runs a prompt, reports its events in order and leaves nothing behind", async () => {
      let closed: Engine;
      const events: EngineEvent[] = [];
      {
        await using opened = await open({ inline });
        closed = opened;
        const outcome = await opened.run({
          jobId: "1",
          prompt: promptOf({
            a: ["Sleep", { milliseconds: 1 }],
            out: ["Echo", { value: ["a", 0] }],
          }),
          onEvent: (event) => events.push(event),
        });
        expect(outcome).toEqual({
          state: "succeeded",
          outputs: { out: { values: [1] } },
          nodeErrors: {},
        });
        expect(existsSync(opened.folders.temp)).toBe(true);
      }
      expect(events.map(({ type }) => type)).toEqual([
        "nodes-cached",
        "node-start",
        "node-progress",
        "node-preview",
        "node-end",
        "node-start",
        "node-output",
        "node-end",
      ]);
      expect(events.find(({ type }) => type === "node-preview")).toMatchObject({
        image: new Uint8Array([1, 2]),
      });
      expect(existsSync(closed.folders.temp)).toBe(false);
      expect(isAlive(closed.pid)).toBe(false);
    });

    test("lists its nodes, and the packs that are broken by name", async () => {
      await using engine = await open({
        inline,
        nodes: [packs("broken"), packs("toys"), packs("empty"), "no-such-package"],
      });
      const { nodes, failedPacks } = await engine.catalog();
      expect(nodes.Echo?.info.python_module).toBe("custom_nodes.toys");
      expect(nodes.SaveImage?.info.python_module).toBe("nodes");
      expect(failedPacks.map(({ name }) => name)).toEqual(["broken", "empty", "no-such-package"]);
      expect(failedPacks[0]?.problem).toContain("this pack cannot be loaded");
      expect(failedPacks[1]?.problem).toContain("exports no node");
    });

    test("refuses a prompt that is not valid, in ComfyUI's shape", async () => {
      const outcome = await engine.run({
        jobId: "1",
        prompt: promptOf({ out: ["Echo"], picky: ["Picky", { value: 7 }] }),
      });
      expect(outcome).toMatchObject({
        state: "failed",
        error: {
          code: "VALIDATION_FAILED",
          nodeErrors: {
            out: { class_type: "Echo", errors: [{ type: "required_input_missing" }] },
            picky: {
              errors: [{ type: "custom_validation_failed", details: "value - seven is refused" }],
            },
          },
        },
        failure: { error: { type: "prompt_outputs_failed_validation" } },
      });
      expect(await engine.run({ jobId: "2", prompt: "{oops" })).toMatchObject({
        state: "failed",
        error: { code: "INVALID_JSON" },
      });
    });

    test("keeps the cause of a node's failure", async () => {
      const outcome = await engine.run({
        jobId: "1",
        prompt: promptOf({ a: ["Fail", { text: "too far" }], out: ["Echo", { value: ["a", 0] }] }),
      });
      expect(outcome.error).toMatchObject({
        code: "NODE_FAILED",
        node: { nodeId: "a", exceptionType: "RangeError", inputs: { text: ["too far"] } },
      });
      const { cause } = outcome;
      expect(cause).toBeInstanceOf(Error);
      expect(cause).toMatchObject({ name: "RangeError", message: "too far" });
      expect(cause instanceof Error && cause.stack).toContain("packs/toys/index.ts");
    });

    test("asks the job for numbers of file names", async () => {
      const prompt = promptOf({
        a: ["Names", { prefix: "x" }],
        out: ["Echo", { value: ["a", 0] }],
      });
      const asked: unknown[] = [];
      const named = await engine.run({
        jobId: "1",
        prompt,
        allocateNames: async (request) => {
          asked.push(request);
          return 42;
        },
      });
      expect(named.outputs).toEqual({ out: { values: [42] } });
      expect(asked).toEqual([{ type: "output", subfolder: "", prefix: "x", count: 1 }]);
      await engine.free();
      expect((await engine.run({ jobId: "2", prompt })).outputs).toEqual({ out: { values: [1] } });
      const refused = await engine.run({
        jobId: "3",
        prompt: promptOf({ b: ["Names", { prefix: "y" }], out: ["Echo", { value: ["b", 0] }] }),
        allocateNames: () => Promise.reject(new CodedError("STORE_UNAVAILABLE", "no Redis")),
      });
      expect(refused.error).toMatchObject({ code: "STORE_UNAVAILABLE", message: "no Redis" });
    });

    test("cancels a job that waits, with the reason it is given, and goes on with the next", async () => {
      const controller = new AbortController();
      const outcome = await engine.run({
        jobId: "1",
        prompt: promptOf({
          a: ["Sleep", { milliseconds: 60_000 }],
          out: ["Echo", { value: ["a", 0] }],
        }),
        signal: controller.signal,
        onEvent: ({ type }) => {
          if (type === "node-progress")
            controller.abort(new CodedError("RUN_DEADLINE", "too slow"));
        },
      });
      expect(outcome).toMatchObject({
        state: "cancelled",
        error: { code: "RUN_DEADLINE", node: { nodeId: "a" } },
      });
      const next = await engine.run({
        jobId: "2",
        prompt: promptOf({ out: ["Echo", { value: 1 }] }),
      });
      expect(next.state).toBe("succeeded");
    });

    test("runs several jobs side by side", async () => {
      const job = (jobId: string, milliseconds: number) =>
        engine.run({
          jobId,
          prompt: promptOf({
            a: ["Sleep", { milliseconds }],
            out: ["Echo", { value: ["a", 0] }],
          }),
        });
      const outcomes = await Promise.all([job("1", 30), job("2", 31)]);
      expect(outcomes.map(({ outputs }) => outputs)).toEqual([
        { out: { values: [30] } },
        { out: { values: [31] } },
      ]);
    });
  },
);

test("a job whose node takes the process down fails with the node and the last words; the next one runs", async () => {
  await using engine = await open();
  const first = engine.pid;
  const outcome = await engine.run({
    jobId: "1",
    prompt: promptOf({
      a: ["Crash", { words: "farewell" }],
      out: ["Echo", { value: ["a", 0] }],
    }),
  });
  expect(outcome).toMatchObject({
    state: "failed",
    error: { code: "ENGINE_CRASHED", retryable: true, node: { nodeId: "a", nodeType: "Crash" } },
  });
  expect(outcome.error?.message).toContain("SIGSEGV");
  expect(outcome.error?.message).toContain("farewell");
  const next = await engine.run({ jobId: "2", prompt: promptOf({ out: ["Echo", { value: 2 }] }) });
  expect(next.outputs).toEqual({ out: { values: [2] } });
  expect(engine.pid).not.toBe(first);
});

test("where memory runs out, Linux ends the engine's process before any other", async () => {
  const scoreOf = async (process: number | "self" | undefined) =>
    Number(await readFile(`/proc/${process}/oom_score_adj`, "utf8"));
  const before = await scoreOf("self");
  await using engine = await open();
  expect(await scoreOf(engine.pid)).toBe(1_000);
  expect(await scoreOf("self")).toBe(before);
});

test("a cancelled job that does not stop is killed with its process after the time it is given", async () => {
  await using engine = await open({ killAfterMs: 100 });
  const first = engine.pid;
  const controller = new AbortController();
  const outcome = await engine.run({
    jobId: "1",
    prompt: promptOf({
      a: ["Spin", { milliseconds: 60_000 }],
      out: ["Echo", { value: ["a", 0] }],
    }),
    signal: controller.signal,
    onEvent: ({ type }) => {
      if (type === "node-start") controller.abort();
    },
  });
  expect(outcome).toMatchObject({ state: "cancelled", error: { code: "JOB_CANCELLED" } });
  const next = await engine.run({ jobId: "2", prompt: promptOf({ out: ["Echo", { value: 2 }] }) });
  expect(next.state).toBe("succeeded");
  expect(isAlive(first)).toBe(false);
});

test("signals to the whole group leave the engine's process to its parent", async () => {
  await using engine = await open();
  const { pid = 0 } = engine;
  const outcome = await engine.run({
    jobId: "1",
    prompt: promptOf({ a: ["Sleep", { milliseconds: 50 }], out: ["Echo", { value: ["a", 0] }] }),
    onEvent: ({ type }) => {
      if (type !== "node-progress") return;
      process.kill(pid, "SIGINT");
      process.kill(pid, "SIGTERM");
    },
  });
  expect(outcome.state).toBe("succeeded");
  expect(engine.pid).toBe(pid);
});

test("what is wrong with the options shows when the engine is opened", async () => {
  await expect(open({ cache: JSON.parse('{"kind":"odd"}') })).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    message: expect.stringContaining("cache.kind"),
  });
  const node = { name: "N", category: "c", inputs: {}, outputs: [], run: () => [] };
  await expect(open({ nodes: [node] })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
});
