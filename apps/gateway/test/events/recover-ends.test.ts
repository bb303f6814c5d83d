import { CodedError, type JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { jobHub } from "../../src/events/job-hub.ts";
import { endRecovery } from "../../src/events/recover-ends.ts";
import { waitForEnd } from "../../src/events/wait-for-end.ts";

const end: JobEvent = {
  v: 1,
  type: "job-end",
  jobId: "a",
  attempt: 1,
  seq: 2,
  at: "2026-01-01T00:00:00.000Z",
  state: "succeeded",
  outputs: {},
};
const expired = () => Promise.reject(new CodedError("JOB_EXPIRED", "no longer kept"));

/** A hub with somebody who waits for job "a"; `look` answers what became of that. */
function waiting() {
  const hub = jobHub();
  let at = 0;
  const view = { of: expired as () => Promise<undefined> };
  const store = { view: () => view.of() };
  const recovery = endRecovery({ hub, store, gatewayId: "gw", now: () => at });
  let became: unknown = "waiting";
  const told = (what: unknown) => {
    became = what;
  };
  waitForEnd(hub, "a").then(told, told);
  return {
    hub,
    view,
    async look(seconds: number) {
      at = seconds * 1000;
      await recovery.recoverAwaited();
      return became;
    },
  };
}

test("whoever waits for a job whose record is no longer kept is told so at the second look", async () => {
  const { hub, look } = waiting();
  expect(await look(0)).toBe("waiting");
  expect(await look(1)).toBe("waiting");
  expect(await look(10)).toMatchObject({ code: "JOB_EXPIRED" });
  expect(hub.awaited()).toEqual([]);
});

test("the last event of a job that was forgotten at once still counts", async () => {
  const { hub, look } = waiting();
  await look(0);
  hub.deliver("gw", [end]);
  expect(await look(10)).toEqual(end);
});

test("a job that is unknown, as Redis has forgotten everything, is waited for, and one that nobody can look up", async () => {
  const { view, look } = waiting();
  view.of = async () => undefined;
  await look(0);
  expect(await look(100)).toBe("waiting");
  view.of = () => Promise.reject(new CodedError("STORE_UNAVAILABLE", "away"));
  await look(110);
  expect(await look(200)).toBe("waiting");
});
