import { expect, test } from "vitest";
import { readConfig } from "../src/config.ts";

test("flags stand above the environment, and the environment above the defaults", () => {
  const config = readConfig(["--pool", "gpu", "--slots=2"], { POOL: "cpu", DRAIN_SECONDS: "5" });

  expect(config).toMatchObject({ pool: "gpu", slots: 2, drainMs: 5_000, prefix: "loom" });
});

test("lists are written with commas, and folders become absolute", () => {
  const config = readConfig([], { NODES: "a, ./b,", MODELS_DIR: "/m", DATA_DIR: "/data" });

  expect(config.engine).toMatchObject({
    nodes: ["a", "./b"],
    models: ["/m"],
    output: "/data/output",
  });
});

test("everything that is wrong is named", () => {
  const read = () => readConfig([], { SLOTS: "none", AMQP_URL: "http://x" });

  expect(read).toThrow(/AMQP_URL/);
  expect(read).toThrow(/SLOTS/);
});

test("a flag that does not exist is refused", () => {
  expect(() => readConfig(["--colour", "red"], {})).toThrow(/--colour/);
});

test("a worker without a name gets one that may stand in a queue's name", () => {
  expect(readConfig([], {}).workerId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
});
