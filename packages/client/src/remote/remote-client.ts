import {
  CodedError,
  type JobEvent,
  type JobView,
  type Outputs,
  outputsSchema,
  parseJson,
  WRITTEN_DEPTH,
} from "@rabbitloom/protocol";
import * as z from "zod";
import type { BackoffOptions } from "../backoff.ts";
import { type Client, type ClientOptions, createClient } from "../client.ts";
import { createHttp, type Http, type HttpOptions } from "../http/http.ts";
import { type CallOptions, endOf } from "../job-handle.ts";
import type { UploadedFile, UploadOptions } from "../upload.ts";
import { type SafeSendOptions, sendSafely } from "./send-safely.ts";

export interface RemoteClientOptions
  extends Pick<ClientOptions, "fetch" | "WebSocket" | "transport" | "headers"> {
  /** @default "http://localhost:8188" */
  readonly serverAddress?: string | URL;
  /** Sent as `Authorization: Bearer`; a function is asked before each request. */
  readonly token?: string | (() => string | Promise<string>);
  /** Sent as `X-API-Key`. */
  readonly apiKey?: string;
  /** How patiently what did not get through is sent again. */
  readonly backoff?: BackoffOptions;
}

/** What a job made, as `/api/v1/prompts` tells it. */
export interface PromptResponse {
  readonly promptId: string;
  /** Where each saved file is. */
  readonly urls: readonly string[];
  readonly outputs: Outputs;
}

export interface QueueOptions extends CallOptions {
  /** Names the request over all its tries, also those of another process. @default a random one */
  readonly idempotencyKey?: string;
  /** To find the job by: at most 16, of 1 to 64 characters without commas. */
  readonly tags?: readonly string[];
}

/** A job on its way. */
export interface PromptWithProgress {
  readonly promptId: string;
  /** Every event from the first one to `job-end`. */
  progress(options?: CallOptions): AsyncIterable<JobEvent>;
  /** Waits for the end. Throws the job's error where it did not succeed. */
  get(options?: CallOptions): Promise<PromptResponse>;
  cancel(options?: CallOptions): Promise<void>;
}

/**
 * One call, one finished workflow, on a fleet elsewhere: the embedded client's shape over HTTP. What does not get through
 * is sent again under one key, so that no try makes a second job. Throws CodedErrors, and the signal's own reason; an
 * aborted call leaves its job running, unless it is cancelled.
 */
export class RemoteClient {
  readonly #http: Http;
  readonly #client: Client;
  readonly #backoff: BackoffOptions | undefined;

  constructor({
    serverAddress: baseUrl = "http://localhost:8188",
    token,
    apiKey,
    headers = {},
    backoff,
    ...rest
  }: RemoteClientOptions = {}) {
    const allHeaders: HttpOptions["headers"] = async () => ({
      ...(typeof headers === "function" ? await headers() : headers),
      ...(token !== undefined && {
        authorization: `Bearer ${typeof token === "function" ? await token() : token}`,
      }),
      ...(apiKey !== undefined && { "x-api-key": apiKey }),
    });
    const options = { ...rest, baseUrl, headers: allHeaders };
    this.#http = createHttp(options);
    this.#client = createClient({ ...options, ...(backoff && { backoff }) });
    this.#backoff = backoff;
  }

  /** The first saved picture's bytes, as PNG where it was saved so. Throws NOT_FOUND where none was saved. */
  async queuePrompt(prompt: object, options: QueueOptions = {}): Promise<Uint8Array> {
    const response = await this.#post({ prompt }, options, { accept: "image/png" });
    if (!response.headers.get("content-type")?.startsWith("image/")) {
      throw new CodedError("NOT_FOUND", "the workflow has run, and saved no picture");
    }
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Everything that the workflow made. */
  async queuePromptApi(prompt: object, options: QueueOptions = {}): Promise<PromptResponse> {
    const response = await this.#post({ prompt }, options);
    if (response.status === 204) {
      return { promptId: idOfLocation(response), urls: [], outputs: {} };
    }
    const {
      prompt_id: promptId,
      urls,
      outputs,
    } = promptSchema.parse(parseJson(await response.text(), { maxDepth: WRITTEN_DEPTH }));
    return { promptId, urls, outputs };
  }

  /** Hands the workflow in, to be followed or to be come back for. */
  async queueWithProgress(prompt: object, options: QueueOptions = {}): Promise<PromptWithProgress> {
    const response = await this.#post({ prompt, watch: true }, options, {
      prefer: "respond-async",
    });
    const { prompt_id: promptId } = acceptedSchema.parse(await response.json());
    const job = this.#client.handle(promptId);
    return {
      promptId,
      progress: (callOptions) => job.events(callOptions),
      get: async (callOptions) => {
        const { outputs } = await endOf(promptId, job.events(callOptions));
        const urls = this.#client.outputs({ outputs }).map(({ url }) => url);
        return { promptId, urls, outputs };
      },
      cancel: (callOptions) => job.cancel(callOptions),
    };
  }

  /** Where a job is: its state, its place in the queue, how far it is. */
  status(promptId: string, options: CallOptions = {}): Promise<JobView> {
    return this.#client.job(promptId, options);
  }

  cancel(promptId: string, options: CallOptions = {}): Promise<void> {
    return this.#client.cancel(promptId, options);
  }

  /** Sends a file to the input folder; `value` of the answer is what LoadImage takes. */
  upload(file: Blob, options: UploadOptions = {}): Promise<UploadedFile> {
    return this.#client.upload(file, options);
  }

  #post(
    json: object,
    { signal, idempotencyKey, tags }: QueueOptions,
    headers: SafeSendOptions["headers"] = {},
  ): Promise<Response> {
    return sendSafely(this.#http, "/api/v1/prompts", {
      method: "POST",
      json: { ...json, ...(tags !== undefined && { tags }) },
      headers: {
        ...headers,
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
      signal,
      backoff: this.#backoff,
    });
  }
}

const acceptedSchema = z.object({ prompt_id: z.string() });
const promptSchema = z.object({
  prompt_id: z.string(),
  urls: z.array(z.string()),
  outputs: outputsSchema,
});

function idOfLocation({ headers }: Response): string {
  return headers.get("location")?.split("/").at(-1) ?? "";
}
