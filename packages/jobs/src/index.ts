export type {
  AddedAsset,
  AssetBlob,
  AssetRecord,
  AssetStore,
  NewAsset,
  SweptBlob,
} from "./asset-store.ts";
export type { FileNumberStore, FileNumbers, Leftover, NumberRequest } from "./file-numbers.ts";
export type { HeldKey, IdempotencyStore, KeyRequest, KeyState } from "./idempotency.ts";
export { jobError, jobExpired } from "./job-error.ts";
export type { JobStore, Reach } from "./job-store.ts";
export type { KeyRing, NewKey } from "./keys.ts";
export type { JobStoreOptions } from "./open-job-store.ts";
export { openJobStore } from "./open-job-store.ts";
export { type Retention, readRetention, retentionVariables } from "./retention.ts";
export type {
  AttemptStatus,
  Burial,
  Cancellation,
  Claim,
  ClaimRequest,
  EndedUnrun,
  FleetCatalog,
  JobFilter,
  JobOutcome,
  JobRecord,
  NewJob,
  ProgressReport,
  ReplyAddress,
  RunningAttempt,
  UncommittedEnd,
  WaitingJob,
} from "./store-types.ts";
export type { GivenTurn, IdleQueue, TurnRequest, TurnStore } from "./turns.ts";
export type { NewWebhook, OwedWebhook, WebhookLog, WebhookStore } from "./webhooks.ts";
