import { randomUUID } from "node:crypto";
import type { JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  type ExtraData,
  type JobMessage,
  type Lane,
  type NodeErrors,
  type Prompt,
} from "@rabbitloom/protocol";
import {
  attachWorkflow,
  convertWorkflow,
  type FileLookup,
  type PromptFailure,
  parsePrompt,
  stringifyJson,
  type Validation,
  validatePrompt,
} from "@rabbitloom/workflow";
import type { JobPublisher } from "../amqp/ports.ts";
import type { CatalogCache, KnownCatalog } from "../catalog/catalog-cache.ts";
import { clientWord } from "../events/client-word.ts";
import type { WordLeases } from "../events/word-leases.ts";
import type { StreamKeeper } from "../watch/stream-keeper.ts";

/** A job as one of the surfaces took it in, before anything was checked against the fleet. */
export interface Submission {
  /** Parsed JSON: API form, or the editor's form. */
  readonly prompt: unknown;
  readonly jobId?: string | undefined;
  readonly extraData: ExtraData;
  readonly clientId?: string | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly lane: Lane;
  readonly pool: string;
  readonly number?: number | undefined;
  readonly front?: boolean;
  readonly deadlineAt?: string | undefined;
  /** Keep the job's events from the first one on. */
  readonly watch?: boolean;
}

export type Submitted =
  | { readonly ok: true; readonly job: AcceptedJob }
  /** What the client is told with status 400, in ComfyUI's shape. */
  | { readonly ok: false; readonly failure: PromptFailure };

export interface AcceptedJob {
  readonly jobId: string;
  readonly number: number;
  readonly nodeErrors: NodeErrors;
  readonly prompt: Prompt;
}

export interface SubmitDependencies {
  readonly store: Pick<JobStore, "submit" | "withdraw">;
  readonly publisher: JobPublisher;
  readonly keeper: Pick<StreamKeeper, "begin">;
  readonly catalog: CatalogCache;
  readonly words: WordLeases;
  readonly fileExists: FileLookup;
  readonly gatewayId: string;
  /** Pools that jobs may name. */
  readonly pools: readonly string[];
}

/** Chances to look again before a job is on its way: a waiting request must listen before the job is published. */
export interface SubmitHooks {
  readonly beforePublish?: (jobId: string) => void;
}

/**
 * Validates, writes the record, publishes, in this order; resolves when the broker has confirmed. The record comes
 * first, so that the job is never missing from both the queue and history.
 */
export async function submitJob(
  deps: SubmitDependencies,
  submission: Submission,
  { beforePublish }: SubmitHooks = {},
): Promise<Submitted> {
  const { store, publisher, keeper, words, pools } = deps;
  const { clientId, lane, pool, front, watch } = submission;
  if (!pools.includes(pool)) {
    throw new CodedError(
      "INVALID_REQUEST",
      `pool: expected one of ${pools.join(", ")}, got ${JSON.stringify(pool)}`,
    );
  }
  const checked = await check(deps, submission);
  if (!checked.ok) return checked;
  const jobId = submission.jobId ?? randomUUID();
  const word = clientId === undefined ? deps.gatewayId : clientWord(clientId);
  const message: JobMessage & { readonly jobId: string } = {
    v: 1,
    jobId,
    prompt: checked.prompt,
    extraData: attachWorkflow(submission.extraData, checked.workflow),
    targets: [...checked.outputs],
    ...(clientId !== undefined && { clientId }),
    gatewayId: word,
    lane,
    pool,
    submittedAt: new Date().toISOString(),
    ...(submission.deadlineAt !== undefined && { deadlineAt: submission.deadlineAt }),
  };
  const [record] = await Promise.all([
    store.submit({
      message,
      ...(submission.number !== undefined && { number: submission.number }),
      ...(front !== undefined && { front }),
    }),
    clientId === undefined ? undefined : holdWord(words, word),
  ]);
  beforePublish?.(jobId);
  try {
    if (watch) await keeper.begin(jobId);
    await publisher.publishJob({ jobId, lane, pool, body: stringifyJson(message) });
  } catch (error) {
    // Without an answer the job may have arrived. Once withdrawn, no worker takes it; and where a worker has it
    // already, the broker took it after all.
    if (await store.withdraw(jobId)) throw error;
  }
  const { number, nodeErrors, prompt } = { ...record, ...checked };
  return { ok: true, job: { jobId, number, nodeErrors, prompt } };
}

/** Bound from here on for a while, so that waiting requests and the counters hear of this client's jobs. */
async function holdWord(words: WordLeases, word: string): Promise<void> {
  await words.take(word);
  words.release(word);
}

type Checked =
  /** `workflow` is the editor's file that the prompt was made of. */
  | (Exclude<Validation, { ok: false }> & { readonly workflow?: object })
  | { readonly ok: false; readonly failure: PromptFailure };

async function check(deps: SubmitDependencies, submission: Submission): Promise<Checked> {
  const known = await deps.catalog.require();
  const first = await validate(deps, submission, known).catch((cause) => CodedError.from(cause));
  const isError = first instanceof CodedError;
  if (!isError && first.ok && Object.keys(first.nodeErrors).length === 0) return first;
  // A worker or a model file may have come a moment ago: ask once more before refusing.
  if (!(await deps.catalog.refresh())) {
    if (isError) throw first;
    return first;
  }
  return validate(deps, submission, await deps.catalog.require());
}

async function validate(
  { fileExists }: SubmitDependencies,
  { prompt, targets }: Submission,
  { nodes, models }: KnownCatalog,
): Promise<Checked> {
  const parsed = parsePrompt(prompt);
  if (parsed.form === "invalid") return { ok: false, failure: parsed.failure };
  const options = { targets, fileExists, modelFiles: (folder: string) => models[folder] };
  if (parsed.form === "api") return validatePrompt(parsed.prompt, nodes, options);
  const { workflow, source } = parsed;
  const nodeInfo = (type: string) => (Object.hasOwn(nodes, type) ? nodes[type]?.info : undefined);
  const validation = await validatePrompt(
    convertWorkflow(workflow, { nodeInfo }).prompt,
    nodes,
    options,
  );
  return validation.ok ? { ...validation, workflow: source } : validation;
}
