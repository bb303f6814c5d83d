import type { JobEvent } from "@rabbitloom/protocol";
import type { Outgoing } from "./frames.ts";
import { type JobTranslation, jobTranslation } from "./job-translation.ts";

/**
 * Jobs posted without a client id: ComfyUI tells everybody how far their nodes are, and nothing else.
 */
export function anonymousFeed(broadcast: (frame: Outgoing) => void) {
  const jobs = new Map<string, JobTranslation>();
  return {
    handle(event: JobEvent): void {
      const { jobId } = event;
      const translation = jobs.get(jobId) ?? jobTranslation(jobId);
      for (const frame of translation.translate(event)) {
        if (frame.kind === "text" && frame.text.startsWith('{"type": "progress_state"')) {
          broadcast(frame);
        }
      }
      if (event.type === "job-end") jobs.delete(jobId);
      else jobs.set(jobId, translation);
    },
  };
}
