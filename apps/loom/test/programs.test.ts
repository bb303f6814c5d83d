import { machineMemoryBytes } from "@rabbitloom/engine";
import { afterEach, expect, test, vi } from "vitest";
import { readConfig } from "../../worker/src/config.ts";
import { type FleetFacts, workerProgram } from "../src/fleet/programs.ts";

const facts: FleetFacts = {
  servers: {
    amqpUrl: "amqp://127.0.0.1",
    redisUrl: "redis://127.0.0.1",
    stompUrl: "",
    managementUrl: "",
    jwtPrivateKeyFile: "",
  },
  dataDir: "/data",
  prefix: "loom",
  host: "127.0.0.1",
  port: 0,
  nodes: [],
  modelsDir: "/models",
};

/** What one of so many workers takes for models. */
function budget(workers: number, variables?: FleetFacts["variables"]): number {
  const given = { ...facts, ...(variables && { variables }) };
  const { env } = workerProgram(given, { workerId: "anna", workers });
  return readConfig([], env).engine.memoryBudgetBytes;
}

afterEach(() => vi.unstubAllEnvs());

test("the workers of a machine share three quarters of its memory", () => {
  vi.stubEnv("MEMORY_BUDGET", undefined);
  for (const workers of [1, 2, 7, 64]) {
    expect((budget(workers) * workers) / machineMemoryBytes()).toBeCloseTo(0.75);
  }
});

test("a budget that the user gives is what each worker gets", () => {
  vi.stubEnv("MEMORY_BUDGET", "12GB");
  expect(budget(4)).toBe(12e9);
  expect(budget(4, { MEMORY_BUDGET: "1GB" })).toBe(1e9);
});
