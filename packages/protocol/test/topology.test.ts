import { expect, test } from "vitest";
import { jobIdSchema, jobQueueArguments, stompDestination, topology } from "../src/index.ts";

/** Every name that a topology can give, for one job, pool, worker and gateway. */
function allNames(prefix: string): string[] {
  const names = topology({ prefix });
  return [
    names.jobs.exchange,
    ...names.jobs.queues(),
    names.unroutable.queue,
    names.dead.queue,
    names.dead.watchQueue,
    names.streamNotes.waiting,
    names.streamNotes.due,
    names.control.exchange,
    names.control.queue("w"),
    names.events.exchange,
    names.reply("j"),
    names.gateway("g"),
    names.service("s"),
  ];
}

test("two prefixes share no name", () => {
  const first = new Set(allNames("a"));
  expect(allNames("b").filter((name) => first.has(name))).toEqual([]);
});

test("within one prefix no two things share a name", () => {
  const names = allNames("a");
  expect(new Set(names).size).toBe(names.length);
});

test.each(["*", "#", "a.b", "a/b", "a b", "", "é", "x".repeat(65)])(
  "the job id %j is refused: it would mean something in a queue's name or a token's scope",
  (id) => {
    expect(jobIdSchema.safeParse(id).success).toBe(false);
  },
);

test("a lane's queue says every argument whose default differs between broker versions", () => {
  expect(jobQueueArguments(topology())).toMatchObject({
    "x-queue-type": "quorum",
    "x-delivery-limit": 3,
    "x-overflow": "reject-publish",
  });
});

test("a destination names an existing queue, so that reading it is all a token must allow", () => {
  expect(stompDestination(topology().reply("job-1"))).toBe("/amq/queue/loom.reply.job-1");
});
