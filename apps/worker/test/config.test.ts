import { resolve } from "node:path";
import { machineMemoryBytes } from "@rabbitloom/engine";
import { expect, test, vi } from "vitest";
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

test("how long ended jobs are kept is said in numbers, or is the store's own business", () => {
  expect(readConfig([], { HISTORY_JOBS: "50", HISTORY_SECONDS: "3600" }).retention).toEqual({
    maxJobs: 50,
    seconds: 3_600,
  });
  expect(readConfig([], {}).retention).toEqual({});
  expect(() => readConfig([], { HISTORY_JOBS: "0" })).toThrow(/HISTORY_JOBS/);
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

test("a memory budget is a size with its unit, shared by the slots", () => {
  const budget = (text: string, slots = "1") =>
    readConfig([`--memory-budget=${text}`], { SLOTS: slots }).engine.memoryBudgetBytes;

  expect(budget("12GB")).toBe(12e9);
  expect(budget("1.5GiB", "2")).toBe(0.75 * 2 ** 30);
  expect(budget("40%", "4")).toBeCloseTo(machineMemoryBytes() / 10, 0);
  for (const wrong of ["12", "GB", "-1GB", "0GB", "1TB", "0%", "%"]) {
    expect(() => budget(wrong), wrong).toThrow(/MEMORY_BUDGET/);
  }
});

test("unless it is given, the slots share three quarters of the memory", () => {
  const shareOf = (slots: string) =>
    readConfig([], { SLOTS: slots }).engine.memoryBudgetBytes / machineMemoryBytes();

  expect(shareOf("1")).toBeCloseTo(0.75);
  expect(shareOf("3")).toBeCloseTo(0.25);
});

test("threads are a whole number, or left to the engine", () => {
  expect(readConfig([], {}).engine.threads).toBeUndefined();
  expect(readConfig(["--threads=3"], {}).engine.threads).toBe(3);
  expect(() => readConfig([], { THREADS: "0" })).toThrow(/THREADS/);
});

test("precision is full or int8", () => {
  expect(readConfig([], {}).engine.precision).toBe("full");
  expect(readConfig(["--precision=int8"], {}).engine.precision).toBe("int8");
  expect(() => readConfig([], { PRECISION: "int4" })).toThrow(/PRECISION/);
});

test("errors name neither the folder that the worker works in nor the program's own", () => {
  const cwd = vi.spyOn(process, "cwd").mockReturnValue("/data");
  const { pathNames } = readConfig([], {});
  cwd.mockRestore();
  expect(pathNames.get("/data")).toBe(".");
  expect(pathNames.get(resolve(import.meta.dirname, "../../.."))).toBe(".");
});

test("limits that the operator sets bind every job, and those that are usual do not", () => {
  expect(readConfig([], {}).limits).toEqual({
    usual: { runMs: 21_600_000, silenceMs: 1_800_000 },
    most: { runMs: 0, silenceMs: 0 },
  });
  expect(readConfig(["--run-seconds=60"], { SILENCE_SECONDS: "0" }).limits).toEqual({
    usual: { runMs: 60_000, silenceMs: 0 },
    most: { runMs: 60_000, silenceMs: 0 },
  });
});
