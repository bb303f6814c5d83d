import {
  CodedError,
  type JobEvent,
  type JobView,
  jobIdSchema,
  jobViewSchema,
  type NodeInfo,
  nodeInfoSchema,
  type Outputs,
  watchTicketSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";
import type { BackoffOptions } from "./backoff.ts";
import { createHttp, type HttpOptions } from "./http/http.ts";
import { type CallOptions, endOf, type JobHandle, type WatchOptions } from "./job-handle.ts";
import { filesOf, type JobOutput } from "./outputs.ts";
import { type UploadedFile, type UploadOptions, uploadImage } from "./upload.ts";
import { sseTransport } from "./watch/sse-transport.ts";
import { stompTransport, type WebSocketConstructor } from "./watch/stomp-transport.ts";
import { watchJob } from "./watch/watch-job.ts";

export interface ClientOptions extends HttpOptions {
  /** Node 20 has none: give it the `WebSocket` of the package `ws`. @default globalThis.WebSocket */
  readonly WebSocket?: WebSocketConstructor;
  /**
   * How events are read: STOMP over a WebSocket, or server-sent events. `"auto"` is STOMP, and
   * server-sent events where no WebSocket is there or can be opened. @default "auto"
   */
  readonly transport?: "auto" | "stomp" | "sse";
  /** How patiently a watch tries again. */
  readonly backoff?: BackoffOptions;
  /** From opening a socket to the broker's answer. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** After so long without an event a watch asks for the job's state. @default 15_000 */
  readonly quietMs?: number;
}

export interface SubmitOptions extends CallOptions {
  /** Keep the events from the first one on, for `events` and `result`. @default true */
  readonly watch?: boolean;
  /** Shown with the job, and the `clientId` of ComfyUI's WebSocket. */
  readonly clientId?: string;
  /** To find the job by: at most 16, of 1 to 64 characters without commas. */
  readonly tags?: readonly string[];
}

export interface ListOptions extends CallOptions {
  /** Only jobs that have all of them. */
  readonly tags?: readonly string[];
}

/** Speaks to one gateway: submits jobs, reads their events live, fetches what they made. */
export interface Client {
  /**
   * Hands a workflow in: API form, or as the editor saves it. It is accepted when this resolves. Not
   * tried again by itself: after CONNECTION_LOST the job may have been accepted.
   */
  submit(workflow: object, options?: SubmitOptions): Promise<JobHandle>;
  /** A job that was submitted before. */
  handle(jobId: string): JobHandle;
  /**
   * The job's events, each once and in order, up to `job-end`. What is no longer held is announced by
   * `job-gap`; a reader that is slow slows the delivery down. Throws CodedErrors and the signal's reason.
   */
  watch(jobId: string, options?: WatchOptions): AsyncIterable<JobEvent>;
  cancel(jobId: string, options?: CallOptions): Promise<void>;
  job(jobId: string, options?: CallOptions): Promise<JobView>;
  /** The newest hundred jobs of the fleet. */
  jobs(options?: ListOptions): Promise<readonly JobView[]>;
  /** The files that a job wrote, by its record or its `job-end`. */
  outputs(job: { readonly outputs?: Outputs | undefined }): readonly JobOutput[];
  upload(file: Blob, options?: UploadOptions): Promise<UploadedFile>;
  /** Node classes of the fleet by name, as `/object_info` shows them. */
  nodes(options?: CallOptions): Promise<Readonly<Record<string, NodeInfo>>>;
}

const acceptedSchema = z.object({ prompt_id: jobIdSchema });
const jobListSchema = z.object({ jobs: z.array(jobViewSchema) });
/** A class that is described in a way that this version does not know is left out, not all of them. */
const nodesSchema = z.record(z.string(), z.unknown()).transform((infos) =>
  Object.fromEntries(
    Object.entries(infos).flatMap(([name, info]) => {
      const { data } = nodeInfoSchema.safeParse(info);
      return data ? [[name, data]] : [];
    }),
  ),
);

export function createClient(options: ClientOptions): Client {
  const { transport = "auto", connectTimeoutMs = 10_000, quietMs = 15_000, backoff } = options;
  const WebSocket: WebSocketConstructor | undefined = options.WebSocket ?? globalThis.WebSocket;
  if (transport === "stomp" && !WebSocket) {
    throw new TypeError(
      'transport "stomp" needs a WebSocket: in Node 20 give the one of package ws',
    );
  }
  const http = createHttp(options);
  const jobPath = (jobId: string, rest = "") => `/api/v1/jobs/${checkedId(jobId)}${rest}`;

  const job: Client["job"] = async (jobId, { signal } = {}) =>
    http.json(jobPath(jobId), { schema: jobViewSchema, signal });

  const cancel: Client["cancel"] = async (jobId, { signal } = {}) => {
    await http.send(jobPath(jobId, "/cancel"), { method: "POST", signal });
  };

  const stompOf = (jobId: string, Socket: WebSocketConstructor) =>
    stompTransport({
      WebSocket: Socket,
      connectTimeoutMs,
      async ticket(signal) {
        const path = jobPath(jobId, "/watch");
        const ticket = await http.json(path, { method: "POST", schema: watchTicketSchema, signal });
        return { ...ticket, url: socketUrl(http.url("/").href, ticket.url) };
      },
    });

  const transportsOf = (jobId: string) => {
    const sse = sseTransport(http, jobId);
    if (!WebSocket || transport === "sse") return [sse] as const;
    const stomp = stompOf(jobId, WebSocket);
    return transport === "stomp" ? ([stomp] as const) : ([stomp, sse] as const);
  };

  const watch: Client["watch"] = (jobId, { signal, after } = {}) =>
    watchJob({
      transports: transportsOf(checkedId(jobId)),
      view: (asked) => job(jobId, { ...(asked && { signal: asked }) }),
      after,
      signal,
      backoff,
      quietMs,
    });

  const outputs: Client["outputs"] = ({ outputs: made = {} }) => filesOf(http, made);

  const handle: Client["handle"] = (id) => ({
    id,
    events: (watchOptions) => watch(id, watchOptions),
    async result(watchOptions) {
      const end = await endOf(id, watch(id, watchOptions));
      return { end, files: outputs(end) };
    },
    view: (callOptions) => job(id, callOptions),
    cancel: (callOptions) => cancel(id, callOptions),
  });

  return {
    async submit(workflow, { watch: isWatched = true, clientId, tags, signal } = {}) {
      const accepted = await http.json("/api/v1/prompts", {
        method: "POST",
        headers: { prefer: "respond-async" },
        json: {
          prompt: workflow,
          watch: isWatched,
          ...(clientId !== undefined && { client_id: clientId }),
          ...(tags !== undefined && { tags }),
        },
        schema: acceptedSchema,
        signal,
      });
      return handle(accepted.prompt_id);
    },
    handle,
    watch,
    cancel,
    job,
    async jobs({ tags = [], signal } = {}) {
      const query = tags.map((tag, at) => `${at === 0 ? "?" : "&"}tag=${encodeURIComponent(tag)}`);
      const path = `/api/v1/jobs${query.join("")}`;
      return (await http.json(path, { schema: jobListSchema, signal })).jobs;
    },
    outputs,
    upload: (file, uploadOptions) => uploadImage(http, file, uploadOptions),
    nodes: ({ signal } = {}) => http.json("/object_info", { schema: nodesSchema, signal }),
  };
}

/** A ticket may name the endpoint by its path alone: it is then the gateway's own. */
function socketUrl(base: string, url: string): string {
  const target = new URL(url, base);
  target.protocol = target.protocol.replace("http", "ws");
  return target.href;
}

function checkedId(jobId: string): string {
  const checked = jobIdSchema.safeParse(jobId);
  if (checked.success) return checked.data;
  const reason = checked.error.issues[0]?.message;
  throw new CodedError("INVALID_REQUEST", `job id ${JSON.stringify(jobId)}: ${reason}`);
}
