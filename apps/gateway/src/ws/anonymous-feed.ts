import type { JobEvent } from "@rabbitloom/protocol";
import type { Outgoing } from "./frames.ts";
import { type JobTranslation, jobTranslation } from "./job-translation.ts";

export interface AnonymousFeedOptions {
  /** To every socket of the tenant. */
  readonly broadcast: (tenant: string, frame: Outgoing) => void;
  /** Whose a job is, where this gateway has taken it in. */
  readonly tenantOf: (jobId: string) => string | undefined;
}

/**
 * Jobs posted without a client id: ComfyUI tells everybody how far their nodes are, and nothing else. Everybody is
 * everybody of the job's tenant.
 */
export function anonymousFeed({ broadcast, tenantOf }: AnonymousFeedOptions) {
  const jobs = new Map<string, JobTranslation>();
  return {
    handle(event: JobEvent): void {
      const { jobId } = event;
      const tenant = tenantOf(jobId);
      if (tenant === undefined) return;
      const translation = jobs.get(jobId) ?? jobTranslation(jobId);
      for (const frame of translation.translate(event)) {
        if (frame.kind === "text" && frame.text.startsWith('{"type": "progress_state"')) {
          broadcast(tenant, frame);
        }
      }
      if (event.type === "job-end") jobs.delete(jobId);
      else jobs.set(jobId, translation);
    },
  };
}
