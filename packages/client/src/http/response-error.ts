import {
  CodedError,
  type ErrorCode,
  isErrorCode,
  jobErrorSchema,
  nodeErrorsSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";

/** The error that an answer with a status of 400 and above tells, in whichever of the gateway's shapes. */
export async function errorFromResponse(response: Response, where: string): Promise<CodedError> {
  const body = bodySchema.safeParse(await jsonOf(response)).data ?? {};
  const retryAfterSeconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const message = messageOf(body) ?? response.statusText;
  const nodeErrors = body.node_errors ?? body.nodeErrors;
  return new CodedError(codeOf(body, response.status), `${where}: ${message}`, {
    details: {
      status: response.status,
      ...(body.code !== undefined && { code: body.code }),
      ...(nodeErrors !== undefined && { nodeErrors }),
      ...(body.error_details?.node !== undefined && { node: body.error_details.node }),
      ...(Number.isFinite(retryAfterSeconds) && { retryAfterSeconds }),
    },
  });
}

const comfyErrorSchema = z.looseObject({
  type: z.string(),
  message: z.string(),
  details: z.string().catch(""),
});

/** RFC 9457's members beside ComfyUI's `error` and `node_errors`: either shape may come, or neither. */
const bodySchema = z.looseObject({
  code: z.string().optional().catch(undefined),
  title: z.string().optional().catch(undefined),
  detail: z.string().optional().catch(undefined),
  error: z.union([comfyErrorSchema, z.string()]).optional().catch(undefined),
  node_errors: nodeErrorsSchema.optional().catch(undefined),
  nodeErrors: nodeErrorsSchema.optional().catch(undefined),
  /** How a job failed that the request waited for. */
  error_details: jobErrorSchema.optional().catch(undefined),
});
type Body = z.infer<typeof bodySchema>;

const comfyCodes: Readonly<Record<string, ErrorCode>> = {
  no_prompt: "INVALID_PROMPT",
  invalid_prompt: "INVALID_PROMPT",
  prompt_no_outputs: "INVALID_PROMPT",
  prompt_outputs_failed_validation: "VALIDATION_FAILED",
};

const statusCodes: Readonly<Record<number, ErrorCode>> = {
  400: "INVALID_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  406: "NOT_ACCEPTABLE",
  409: "CONFLICT",
  410: "JOB_EXPIRED",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  422: "INVALID_REQUEST",
  429: "RATE_LIMITED",
  // Without a body of ours these come from a proxy whose gateway is away.
  502: "CONNECTION_LOST",
  503: "CONNECTION_LOST",
  504: "CONNECTION_LOST",
};

function codeOf(body: Body, status: number): ErrorCode {
  if (isErrorCode(body.code)) return body.code;
  const comfyType = typeof body.error === "object" ? body.error.type : "";
  return comfyCodes[comfyType] ?? statusCodes[status] ?? "INTERNAL";
}

function messageOf({ error, detail, title, error_details }: Body): string | undefined {
  if (error_details !== undefined) return error_details.message;
  if (typeof error === "object") {
    return error.details === "" ? error.message : `${error.message}: ${error.details}`;
  }
  return detail ?? error ?? title;
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text());
  } catch {
    return undefined;
  }
}
