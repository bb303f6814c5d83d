import {
  type ClassCheckAnswer,
  type ControlMessage,
  isFloatAt,
  parseJson,
  type WorkerRegistration,
} from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as z from "zod";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
  const { store } = gateway;
  const brush = {
    info: {
      input: { required: { size: ["FLOAT", { min: 0, max: 1 }], image: ["IMAGE"] } },
      input_order: { required: ["size", "image"] },
      output: ["IMAGE"],
      output_is_list: [false],
      output_name: ["IMAGE"],
      name: "Brush",
      display_name: "Brush",
      description: "",
      python_module: "custom_nodes.paint",
      category: "paint",
      output_node: true,
    },
    listed: {},
    validates: ["size", "image"],
    validatesTypes: false,
  };
  if (store.catalogNow === undefined) throw new Error("no catalog");
  Object.assign(store.catalogNow.nodes, { Brush: brush });
  store.workersNow = [worker("busy", "busy"), worker("idle", "idle"), worker("other", "busy")];
});
afterEach(async () => {
  vi.useRealTimers();
  await gateway[Symbol.asyncDispose]();
});

function worker(workerId: string, state: WorkerRegistration["state"]): WorkerRegistration {
  const at = new Date().toISOString();
  const device = { name: "cpu", type: "cpu", totalMemoryBytes: 0, freeMemoryBytes: 0 };
  const facts = { pid: 1, host: "h", version: "1", pool: "default", catalogDigest: "one" };
  return { v: 1, workerId, state, device, startedAt: at, heartbeatAt: at, ...facts };
}

const empty = {
  class_type: "EmptyImage",
  inputs: { width: 8, height: 8, batch_size: 1, color: 0 },
};
const brush = { class_type: "Brush", inputs: { size: 0.5, image: ["1", 0] } };

const post = (prompt: object) =>
  gateway.app.inject({ method: "POST", url: "/prompt", payload: JSON.stringify({ prompt }) });

const checksSchema = z.array(z.looseObject({ nodeId: z.string() }));

/** Lets workers answer each check they are asked; those without an answer say nothing. */
function answering(answers: Readonly<Record<string, ClassCheckAnswer>>): unknown[] {
  const heard: unknown[] = [];
  gateway.amqp.onQuestion = (workerId: string, message: ControlMessage) => {
    if (message.type !== "nodes-check") throw new Error(`asked ${message.type}`);
    const checks = parseJson(message.checksJson);
    heard.push(checks);
    const answer = answers[workerId];
    if (answer === undefined) return;
    gateway.amqp.answer({
      v: 1,
      type: "nodes-checked",
      requestId: message.requestId,
      workerId,
      answers: checksSchema.parse(checks).map(() => answer),
    });
  };
  return heard;
}

test("a class that refuses is heard before the 200, and no job begins", async () => {
  answering({ idle: { type: "refused", why: "size: paint is out" } });
  const answer = await post({ "1": empty, "2": brush });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().node_errors["2"].errors).toMatchObject([
    { type: "custom_validation_failed", details: "size - size: paint is out" },
    { type: "custom_validation_failed" },
  ]);
  expect(gateway.amqp.jobs).toEqual([]);
  expect(await gateway.store.queueSize()).toBe(0);
});

test("an idle worker is asked, once for all nodes, with links as null and floats as floats", async () => {
  const heard = answering({ idle: { type: "fine" } });
  const text = JSON.stringify({ "1": empty, "2": brush, "3": brush }).replaceAll("0.5", "5.0");
  const answer = await gateway.app.inject({
    method: "POST",
    url: "/prompt",
    payload: `{"prompt": ${text}}`,
  });
  expect(answer.statusCode).toBe(200);
  expect(gateway.amqp.asked).toEqual(["idle"]);
  expect(heard).toEqual([
    ["2", "3"].map((nodeId) => ({
      nodeId,
      classType: "Brush",
      inputs: { size: 5, image: null },
      inputTypes: { image: "IMAGE" },
    })),
  ]);
  const [checks] = z.array(z.array(z.looseObject({ inputs: z.custom<object>() }))).parse(heard);
  expect(isFloatAt(checks?.[0]?.inputs ?? {}, "size")).toBe(true);
});

test("a worker that has no such class is passed over", async () => {
  answering({ idle: { type: "unknown" }, busy: { type: "refused", why: "" } });
  expect((await post({ "1": empty, "2": brush })).statusCode).toBe(400);
  expect(gateway.amqp.asked).toEqual(["idle", "busy"]);
});

test("a check that breaks is told as ComfyUI tells it", async () => {
  answering({ idle: { type: "broken", name: "KeyError", message: "'paint'" } });
  const answer = await post({ "1": empty, "2": brush });
  expect(answer.json().node_errors["2"].errors).toMatchObject([
    {
      type: "exception_during_validation",
      details: "'paint'",
      extra_info: { exception_type: "KeyError" },
    },
  ]);
});

test("a silent worker is not waited for: others are asked beside it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  answering({ busy: { type: "refused", why: "no" } });
  const answered = post({ "1": empty, "2": brush });
  await expect.poll(() => gateway.amqp.asked).toEqual(["idle"]);
  await vi.advanceTimersByTimeAsync(300);
  expect((await answered).statusCode).toBe(400);
  expect(gateway.amqp.asked).toEqual(["idle", "busy"]);
});

test("where nobody answers in time the prompt is taken, and its worker checks it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  answering({});
  const answered = post({ "1": empty, "2": brush });
  await expect.poll(() => gateway.amqp.asked).toEqual(["idle"]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await answered).statusCode).toBe(200);
  expect(gateway.amqp.asked).toEqual(["idle", "busy", "other"]);
  expect(gateway.amqp.jobs).toHaveLength(1);
});

test("a fleet without workers takes the prompt at once", async () => {
  gateway.store.workersNow = [];
  expect((await post({ "1": empty, "2": brush })).statusCode).toBe(200);
});

test("a prompt with a mistake that needs no worker asks none about that node", async () => {
  const wrong = { class_type: "Brush", inputs: { image: ["1", 0] } };
  expect((await post({ "1": empty, "2": wrong })).statusCode).toBe(400);
  const picture = { class_type: "LoadImage", inputs: { image: "none.png" } };
  const save = { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "x" } };
  expect((await post({ "1": picture, "2": save })).statusCode).toBe(400);
  expect(gateway.amqp.asked).toEqual([]);
});
