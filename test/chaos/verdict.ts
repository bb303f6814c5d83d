import { isTerminal } from "@rabbitloom/protocol";
import type { FinalRecord, History, JobHistory, Resources, SaidEvent } from "./history.ts";

export interface Violation {
  readonly rule: Rule;
  readonly where: string;
  readonly found: string;
}

/** What is promised, one name each. */
export type Rule =
  | "accepted-ends"
  | "refused-is-nowhere"
  | "one-end"
  | "end-is-the-record"
  | "output-is-its-own"
  | "one-commit"
  | "files-are-named"
  | "no-gap"
  | "nothing-left";

/** Attempts after which a job may be given up: the fleet's delivery limit and the first one. */
const ATTEMPTS_BEFORE_DEATH = 4;
/** A connection that was just opened again, a channel kept in a pool. */
const COUNT_SLACK = 12;
const BYTES_SLACK = 64 * 2 ** 20;

/** Holds a history against the promise. Pure: the same history has the same verdict. */
export function verdict({ jobs, before, after }: History): Violation[] {
  return [...jobs.flatMap(judgeJob), ...leftOver(before, after)];
}

function judgeJob(job: JobHistory): Violation[] {
  const { id, answer, record, events } = job;
  const found: Violation[] = [];
  const say = (rule: Rule, what: string) => found.push({ rule, where: id, found: what });

  if (answer === "refused") {
    if (record !== undefined) say("refused-is-nowhere", `a record that is ${record.state}`);
    if (events.length > 0) say("refused-is-nowhere", `${events.length} events`);
    return found;
  }
  if (record === undefined) {
    if (answer === "accepted") say("accepted-ends", "no record");
    // Not taken after all: then nobody may have run it.
    else if (events.length > 0) say("accepted-ends", "events, and no record");
    return found;
  }
  if (!isTerminal(record.state)) {
    say("accepted-ends", `still ${record.state}, attempt ${record.attempt}`);
    return found;
  }
  judgeEnd(job, record, say);
  judgeOutput(job, record, say);
  for (const [name, log] of [
    ["events", events],
    ["stream", job.stream],
  ] as const) {
    const gap = log && gapIn(log);
    if (gap !== undefined) say("no-gap", `${name}: ${gap}`);
  }
  return found;
}

type Say = (rule: Rule, what: string) => void;

function judgeEnd(job: JobHistory, record: FinalRecord, say: Say): void {
  const ends = distinct(job.events.filter(({ type }) => type === "job-end"));
  const [end, ...more] = ends;
  if (end === undefined) {
    say("one-end", "no job-end");
    return;
  }
  if (more.length > 0) say("one-end", ends.map(shown).join(" and "));
  const commits = new Set(
    ends.filter(({ state }) => state === "succeeded").map((each) => each.attempt),
  );
  if (commits.size > 1) say("one-commit", `attempts ${[...commits].join(", ")} all succeeded`);
  if (end.state !== record.state || end.attempt !== record.attempt) {
    say(
      "end-is-the-record",
      `said ${shown(end)}, kept ${record.state} of attempt ${record.attempt}`,
    );
  }
  if (job.stream !== undefined && !job.stream.some(({ type }) => type === "job-end")) {
    say("one-end", "no job-end in the stream");
  }
}

function judgeOutput(job: JobHistory, record: FinalRecord, say: Say): void {
  const { state, attempt, said, code } = record;
  if (state === "succeeded") {
    if (said !== job.expected) say("output-is-its-own", `${said} instead of ${job.expected}`);
  } else if (state === "cancelled" ? !job.isCancelAsked : !mayDie(record)) {
    say("accepted-ends", `${state} (${code}) after ${attempt} attempts`);
  }
  if (job.answered !== undefined && job.answered !== job.expected) {
    say("output-is-its-own", `a waiting client got ${job.answered} instead of ${job.expected}`);
  }
  if (job.files === undefined) return;
  const [onDisk, named] = [job.files, record.files].map((files) =>
    files.toSorted(byName).join(" "),
  );
  if (onDisk !== named)
    say("files-are-named", `on disk ${onDisk || "none"}, named ${named || "none"}`);
}

function mayDie({ state, attempt }: FinalRecord): boolean {
  return state === "dead" && attempt > ATTEMPTS_BEFORE_DEATH;
}

/**
 * The last attempt's numbers have to be whole; those of earlier ones are fenced by it. A snapshot stands for everything
 * before it: what has died with a worker that had committed already.
 */
function gapIn(log: readonly SaidEvent[]): string | undefined {
  const last = Math.max(0, ...log.map(({ attempt }) => attempt));
  const events = log.filter(({ attempt }) => attempt === last).toSorted((a, b) => a.seq - b.seq);
  let expected = 1;
  for (const { seq, type } of events) {
    if (seq > expected && type !== "job-snapshot")
      return `attempt ${last} has no event ${expected}`;
    expected = Math.max(expected, seq + 1);
  }
  return undefined;
}

function distinct(events: readonly SaidEvent[]): SaidEvent[] {
  return [...new Map(events.map((event) => [shown(event), event])).values()];
}

function shown({ attempt, seq, state, said = "" }: SaidEvent): string {
  return `${state} ${said} as ${attempt}.${seq}`;
}

/** Every figure that is higher than it may be, and by how much. */
export function leftOver(before: Resources, after: Resources): Violation[] {
  return Object.entries(after).flatMap(([where, now]) => {
    const then = before[where] ?? 0;
    const most = where.endsWith("Bytes") ? then * 1.5 + BYTES_SLACK : then + slackOf(where);
    const found = `is ${now}, was ${then}: ${Math.ceil(now - most)} too many`;
    return now > most ? [{ rule: "nothing-left" as const, where, found }] : [];
  });
}

/** Only descriptors and processes' numbers breathe; a job, a key or a queue more is one too many. */
function slackOf(name: string): number {
  return name.endsWith("Descriptors") ? COUNT_SLACK : 0;
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}
