export { jobError } from "./job-error.ts";
export type {
  AttemptStatus,
  Burial,
  Cancellation,
  Claim,
  ClaimRequest,
  FileNumbers,
  FleetCatalog,
  JobFilter,
  JobOutcome,
  JobRecord,
  JobStore,
  NewJob,
  NumberRequest,
  ProgressReport,
} from "./job-store.ts";
export type { JobStoreOptions } from "./open-job-store.ts";
export { openJobStore } from "./open-job-store.ts";
export type { Retention } from "./retention.ts";
