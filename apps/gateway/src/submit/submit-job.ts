import { randomUUID } from "node:crypto";
import { isUnsent } from "@rabbitloom/broker";
import type { JobStore, NewWebhook } from "@rabbitloom/jobs";
import {
  CodedError,
  type ExtraData,
  isCodedError,
  type JobLimits,
  type JobMessage,
  type Lane,
  type NodeErrors,
  type Prompt,
  type Webhook,
  webhookStates,
} from "@rabbitloom/protocol";
import {
  attachWorkflow,
  convertWorkflow,
  type FileLookup,
  type PromptFailure,
  parsePrompt,
  type Validation,
  validatePrompt,
} from "@rabbitloom/workflow";
import type { JobPublisher } from "../amqp/ports.ts";
import type { CatalogCache, KnownCatalog } from "../catalog/catalog-cache.ts";
import { clientWord } from "../events/client-word.ts";
import type { WordLeases } from "../events/word-leases.ts";
import type { StreamKeeper } from "../watch/stream-keeper.ts";
import { checkWebhook } from "../webhooks/check-webhook.ts";
import type { ClassChecks } from "./class-checks.ts";
import { jobBody } from "./job-body.ts";

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
  readonly tags?: readonly string[] | undefined;
  readonly number?: number | undefined;
  readonly front?: boolean;
  readonly deadlineAt?: string | undefined;
  readonly limits?: JobLimits | undefined;
  /** Whom to tell how it goes; else the gateway's own webhook is told, where it has one. */
  readonly webhook?: Webhook | undefined;
  /** Keep the job's events from the first one on. */
  readonly watch?: boolean;
}

/** A submission and whose it is. */
export interface OwnedSubmission extends Submission {
  readonly tenant: string;
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
  readonly store: Pick<JobStore, "submit" | "withdraw" | "requeue">;
  readonly publisher: JobPublisher;
  readonly keeper: Pick<StreamKeeper, "begin" | "discard">;
  readonly catalog: CatalogCache;
  readonly words: WordLeases;
  /** Of a tenant. */
  readonly fileExists: (tenant: string) => FileLookup;
  readonly checks: ClassChecks;
  readonly gatewayId: string;
  /** How long jobs may wait that say nothing themselves; 0 is for ever. */
  readonly queueSeconds: number;
  /** Jobs of one tenant that may wait. */
  readonly maxPending: number | undefined;
  /** Bytes of one tenant's jobs that may wait. */
  readonly maxPendingBytes: number | undefined;
  /** Tenants have queues of their own, and take turns. */
  readonly hasOwnQueues: boolean;
  /** For jobs that bring none of their own. */
  readonly webhooks: { readonly own: Webhook | undefined; readonly allowsPrivate: boolean };
  /** Pools that jobs may name. */
  readonly pools: readonly string[];
}

/** Chances to look again before a job is on its way: a waiting request must listen before the job is published. */
export interface SubmitHooks {
  readonly beforePublish?: (jobId: string) => void;
}

/**
 * Validates, writes the record, publishes, in this order; resolves when the broker has confirmed. The record comes
 * first, so that the job is never missing from both the queue and history. After STORE_UNAVAILABLE the record may be there
 * and the job may run; after any other error neither is. A job that another request was told of meanwhile stays, and is
 * accepted here, too: the sweeper publishes it.
 */
export async function submitJob(
  deps: SubmitDependencies,
  submission: OwnedSubmission,
  { beforePublish }: SubmitHooks = {},
): Promise<Submitted> {
  const { store, publisher, keeper, words, pools } = deps;
  const { tenant, clientId, lane, pool, front, watch } = submission;
  if (!pools.includes(pool)) {
    throw new CodedError(
      "INVALID_REQUEST",
      `pool: expected one of ${pools.join(", ")}, got ${JSON.stringify(pool)}`,
    );
  }
  if (submission.webhook !== undefined) checkWebhook(submission.webhook, deps.webhooks);
  const checked = await check(deps, submission);
  if (!checked.ok) return checked;
  const jobId = submission.jobId ?? randomUUID();
  const word = clientId === undefined ? deps.gatewayId : clientWord(tenant, clientId);
  const message: JobMessage & { readonly jobId: string } = {
    v: 1,
    jobId,
    tenant,
    prompt: checked.prompt,
    extraData: attachWorkflow(submission.extraData, checked.workflow),
    targets: [...checked.outputs],
    ...(clientId !== undefined && { clientId }),
    gatewayId: word,
    lane,
    pool,
    ...(submission.tags !== undefined && { tags: [...submission.tags] }),
    submittedAt: new Date().toISOString(),
    submission: randomUUID(),
    ...(submission.deadlineAt !== undefined && { deadlineAt: submission.deadlineAt }),
    ...withLimits(submission, deps.queueSeconds),
  };
  const body = jobBody(message);
  // Before there is a record: one that is left behind is taken for a job whose message was lost, and runs.
  if (clientId !== undefined) await holdWord(words, word);
  const record = await store.submit({
    message,
    ...(submission.number !== undefined && { number: submission.number }),
    ...(front !== undefined && { front }),
    maxPending: deps.maxPending,
    maxPendingBytes: deps.maxPendingBytes,
    inOwnQueue: deps.hasOwnQueues,
    webhook: newWebhook(submission.webhook ?? deps.webhooks.own),
  });
  beforePublish?.(jobId);
  let isOnItsWay = false;
  try {
    if (record.hasOldStream) await keeper.discard(jobId);
    if (watch) await keeper.begin(jobId);
    const ownQueueOf = deps.hasOwnQueues && !record.isQueueClosing ? tenant : undefined;
    isOnItsWay = true;
    await publisher.publishJob({ jobId, lane, pool, body, ownQueueOf });
  } catch (error) {
    // Without an answer the job may have arrived. Once withdrawn, no worker takes it. It cannot be withdrawn where a worker
    // has it already, or where a second request for it was told that it is taken: the sweeper publishes it again.
    const left = { mayArrive: isOnItsWay && mayArrive(error) };
    if (await store.withdraw(message, left)) throw error;
  }
  const { number, nodeErrors, prompt } = { ...record, ...checked };
  return { ok: true, job: { jobId, number, nodeErrors, prompt } };
}

/** Whether RabbitMQ may have the message of a publish that failed all the same. */
export function mayArrive(error: unknown): boolean {
  if (isUnsent(error)) return false;
  return !(isCodedError(error) && (error.code === "QUEUE_FULL" || error.code === "NO_WORKER"));
}

/** A job that names its own deadline has said how long it may wait. */
function withLimits(
  { limits, deadlineAt }: Submission,
  queueSeconds: number,
): { readonly limits?: JobLimits } {
  const isWaitSaid = deadlineAt !== undefined || limits?.queueSeconds !== undefined;
  if (isWaitSaid || queueSeconds === 0) return limits === undefined ? {} : { limits };
  return { limits: { ...limits, queueSeconds } };
}

function newWebhook(webhook: Webhook | undefined): NewWebhook | undefined {
  if (webhook === undefined) return undefined;
  const { url, secret, events } = webhook;
  const states = events && webhookStates.filter((state) => events.includes(`job.${state}`));
  return { url, secret, states };
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

async function check(deps: SubmitDependencies, submission: OwnedSubmission): Promise<Checked> {
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
  { fileExists, checks }: SubmitDependencies,
  { tenant, prompt, targets }: OwnedSubmission,
  { nodes, models }: KnownCatalog,
): Promise<Checked> {
  const parsed = parsePrompt(prompt);
  if (parsed.form === "invalid") return { ok: false, failure: parsed.failure };
  const options = {
    targets,
    fileExists: fileExists(tenant),
    modelFiles: (folder: string) => models[folder],
    custom: checks.forPrompt(tenant),
    isAsked: (classType: string) => checks.isAsked(nodes, classType),
  };
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
