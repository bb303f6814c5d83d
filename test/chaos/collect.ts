import { readdir } from "node:fs/promises";
import type { JobView } from "@rabbitloom/protocol";
import { isTerminal } from "@rabbitloom/protocol";
import type { Tracked } from "./drive.ts";
import type { ChaosFleet } from "./fleet.ts";
import type { FinalRecord, JobHistory } from "./history.ts";
import { patience } from "./patience.ts";
import { filesOf, type Recorder, textOf } from "./recorder.ts";
import type { StreamWatch } from "./watch-streams.ts";

export interface SettleOptions {
  readonly recorder: Recorder;
  readonly tracked: readonly Tracked[];
  readonly timeoutMs: number;
  readonly print: (line: string) => void;
}

/** Everything is whole again: now whatever was taken has to end. What has not by then is the verdict's to say. */
export async function settle(fleet: ChaosFleet, options: SettleOptions): Promise<void> {
  const { recorder, tracked, ...waiting } = options;
  let open = tracked.filter(({ answer }) => answer.answer !== "refused");
  await patience({
    ...waiting,
    what: "every job has ended",
    look: async () => {
      const missing: string[] = [];
      const still: Tracked[] = [];
      for (const each of open) {
        const why = await whyOpen(fleet, recorder, each);
        if (why === undefined) continue;
        still.push(each);
        missing.push(`${each.plan.id} ${why}`);
      }
      open = still;
      return missing;
    },
  });
  await patience({
    ...waiting,
    what: "the recorder has everything",
    look: async () => ((await recorder.isDrained()) ? [] : ["messages in its queue"]),
  });
  await patience({
    ...waiting,
    what: "what dead attempts wrote is removed",
    look: async () =>
      (await fleet.store.leftovers()).map(({ prefix, first }) => `${prefix} ${first}`),
  });
}

async function whyOpen(
  fleet: ChaosFleet,
  recorder: Recorder,
  { plan, answer }: Tracked,
): Promise<string | undefined> {
  const job = await viewOf(fleet, plan.id);
  if (job === undefined) return answer.answer === "unknown" ? undefined : "has no record";
  if (!isTerminal(job.state)) return `is ${job.state}, attempt ${job.attempt}`;
  return recorder.hasEnded(plan.id) ? undefined : `is ${job.state}, and nobody has said so`;
}

/** Undefined where it is unknown. Throws while Redis is away. */
async function viewOf({ store }: ChaosFleet, jobId: string): Promise<JobView | undefined> {
  return await store.view("every-tenant", jobId);
}

/** What was seen of each job, from all sides. */
export async function collect(
  fleet: ChaosFleet,
  parts: {
    readonly recorder: Recorder;
    readonly tracked: readonly Tracked[];
    readonly watch: StreamWatch;
  },
): Promise<JobHistory[]> {
  const { recorder, tracked, watch } = parts;
  const streams = await watch.streams();
  const files = await readdir(fleet.outputFolder);
  const jobs: JobHistory[] = [];
  for (const { plan, answer, submittedAt, answeredAt } of tracked) {
    const { id, text, saves, cancelAfterMs, lane } = plan;
    const record = finalRecord(await viewOf(fleet, id));
    const stream = streams.get(id);
    const endedAt = recorder.endedAt(id);
    jobs.push({
      id,
      answer: answer.answer,
      expected: text,
      isCancelAsked: cancelAfterMs !== undefined,
      answeredMs: answeredAt - submittedAt,
      lane,
      events: recorder.eventsOf(id),
      ...(endedAt !== undefined && { tookMs: endedAt - submittedAt }),
      ...(answer.answered !== undefined && { answered: answer.answered }),
      ...(record !== undefined && { record }),
      ...(stream !== undefined && { stream }),
      ...(saves && { files: files.filter((name) => name.startsWith(`${id}_`)) }),
    });
  }
  return jobs;
}

function finalRecord(job: JobView | undefined): FinalRecord | undefined {
  if (job === undefined) return undefined;
  const { state, attempt, outputs, error } = job;
  const said = textOf(outputs);
  return {
    state,
    attempt,
    files: filesOf(outputs),
    ...(said !== undefined && { said }),
    ...(error !== undefined && { code: error.code }),
  };
}
