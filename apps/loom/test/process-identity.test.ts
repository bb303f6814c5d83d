import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { endProcess } from "../src/fleet/end-process.ts";
import { identifyProcess, isAlive } from "../src/fleet/process-identity.ts";

function startSleeper() {
  return spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
}

async function identityOf(pid: number | undefined) {
  const identity = pid === undefined ? undefined : await identifyProcess(pid);
  if (identity === undefined) throw new Error("the process does not live");
  return identity;
}

test("a process that was noted is ended", async () => {
  const child = startSleeper();
  const exited = once(child, "exit");
  const identity = await identityOf(child.pid);
  expect(await isAlive(identity)).toBe(true);

  await endProcess(identity, 5_000);

  expect(await exited).toEqual([null, "SIGTERM"]);
  expect(await isAlive(identity)).toBe(false);
});

test("a process that has got a noted number later is left alone", async () => {
  const child = startSleeper();
  const identity = await identityOf(child.pid);
  const recycled = { ...identity, started: "1" };
  expect(await isAlive(recycled)).toBe(false);

  await endProcess(recycled, 0);

  expect(await isAlive(identity)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
});

test("a process that ignores SIGTERM is killed with all that it had started", async () => {
  const script = "trap '' TERM; sleep 600 & echo $!; wait; sleep 600";
  const child = spawn("sh", ["-c", script], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(child, "exit");
  const [line] = await once(child.stdout, "data");
  const grandchild = await identityOf(Number(String(line)));

  await endProcess(await identityOf(child.pid), 100);

  expect(await exited).toEqual([null, "SIGKILL"]);
  await expect.poll(() => isAlive(grandchild)).toBe(false);
});

test("a number that no process has is not alive", async () => {
  expect(await identifyProcess(2 ** 22 + 1)).toBeUndefined();
});
