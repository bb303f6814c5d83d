export type { BackoffOptions } from "./backoff.ts";
export type { Client, ClientOptions, ListOptions, SubmitOptions } from "./client.ts";
export { createClient } from "./client.ts";
export type { CallOptions, JobHandle, JobResult, WatchOptions } from "./job-handle.ts";
export { errorOfEnd } from "./job-handle.ts";
export type { JobOutput } from "./outputs.ts";
export type {
  PromptResponse,
  PromptWithProgress,
  QueueOptions,
  RemoteClientOptions,
} from "./remote/remote-client.ts";
export { RemoteClient } from "./remote/remote-client.ts";
export type { UploadedFile, UploadOptions } from "./upload.ts";
export type { WebSocketConstructor } from "./watch/stomp-transport.ts";
