import { CodedError, DEFAULT_POOL, type Webhook, webhookSchema } from "@rabbitloom/protocol";
import type { PromptFailure } from "@rabbitloom/workflow";
import * as z from "zod";
import { isObject, kindOf } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import type { Submission } from "../submit/submit-job.ts";
import { type AssetLookup, resolveAssets } from "./asset-references.ts";

/** For paid partner nodes; it reaches the worker of this one job, and no answer ever. */
const extraDataSchema = z.strictObject({ api_key_comfy_org: z.string().optional() });

/** Whom to tell how the job goes. The contract keeps the first name for later; the others are ours. */
export const v2WebhookSchema = z.object({
  webhook_url: webhookSchema.shape.url.nullish(),
  webhook_secret: webhookSchema.shape.secret.nullable(),
  webhook_events: webhookSchema.shape.events.nullable(),
});

/** Members that the contract keeps for later. */
const RESERVED = ["inputs"];

/** Reads the body of `POST /api/v2/jobs`, in the order in which the contract checks it. */
export async function readSubmission(
  body: Readonly<Record<string, unknown>>,
  lookup: AssetLookup,
): Promise<Submission> {
  for (const name of RESERVED) {
    if (body[name] !== undefined && body[name] !== null) {
      throw new CodedError("INVALID_PROMPT", `${name}: is reserved, and not taken yet`);
    }
  }
  const { workflow } = body;
  if (!isObject(workflow)) {
    throw new CodedError(
      "INVALID_PROMPT",
      `workflow: expected an object in API form, got ${kindOf(workflow)}`,
    );
  }
  if (Array.isArray(workflow.nodes) && "links" in workflow) {
    throw new CodedError(
      "WORKFLOW_FORMAT",
      "workflow: this is the editor's own file; export it in API form",
    );
  }
  const extraData = parseWith(extraDataSchema.optional(), body.extra_data, "extra_data") ?? {};
  const webhook = webhookOf(body);
  await resolveAssets(workflow, lookup);
  return { prompt: workflow, extraData, lane: "normal", pool: DEFAULT_POOL, webhook };
}

function webhookOf(body: Readonly<Record<string, unknown>>): Webhook | undefined {
  const read = parseWith(v2WebhookSchema, body, "body");
  const { webhook_url: url, webhook_secret: secret, webhook_events: events } = read;
  if (url === undefined || url === null) return undefined;
  return { url, ...(secret && { secret }), ...(events && { events }) };
}

/** A refused workflow; the message names the first node and input that are wrong. */
export function refusal({ error, node_errors }: PromptFailure): CodedError {
  const [first] = Object.entries(node_errors);
  const general = [error.message.replace(/\.$/, ""), error.details].filter((part) => part !== "");
  const [reason] = first?.[1].errors ?? [];
  const message =
    first === undefined || reason === undefined
      ? general.join(": ")
      : `node "${first[0]}" (${first[1].class_type}): ${reason.message}: ${reason.details}`;
  return new CodedError("INVALID_PROMPT", message, { details: { node_errors } });
}
