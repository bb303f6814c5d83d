import type { JobError } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { withoutPaths } from "../src/jobs/without-paths.ts";

const names = new Map([
  ["/srv/loom", "."],
  ["/srv/loom/data/tenants/acme/input", "input"],
  ["/srv/models", "models"],
]);
const error = (message: string, traceback: string[] = []): JobError => ({
  code: "NODE_FAILED",
  message,
  retryable: false,
  node: { nodeId: "1", nodeType: "LoadImage", exceptionType: "Error", traceback, inputs: {} },
});

test.each([
  [
    "ENOENT: no such file or directory, open '/srv/loom/data/tenants/acme/input/a b.png'",
    "ENOENT: no such file or directory, open 'input/a b.png'",
  ],
  ["/srv/models/loras/x.safetensors is cut off", "models/loras/x.safetensors is cut off"],
  ["nothing of this machine", "nothing of this machine"],
])("%s is told without its place", (message, told) => {
  expect(withoutPaths(error(message), names).message).toBe(told);
});

test("a traceback names the program's files below the program", () => {
  const line = "    at run (file:///srv/loom/packages/engine/dist/run.js:1:2)";
  expect(withoutPaths(error("x", [line]), names).node?.traceback).toEqual([
    "    at run (./packages/engine/dist/run.js:1:2)",
  ]);
});

test("an error of no node stays as it is", () => {
  const plain: JobError = { code: "INTERNAL", message: "x", retryable: true };
  expect(withoutPaths(plain, names)).toEqual(plain);
});
