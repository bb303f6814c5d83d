import type { JobRecord } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import type { Principal } from "../auth/principal.ts";
import { publishRecord } from "./publish-record.ts";
import {
  type Submission,
  type SubmitDependencies,
  type Submitted,
  submitJob,
} from "./submit-job.ts";

/** The one way into the fleet, whichever surface a job came in at. */
export interface JobIntake {
  submit(principal: Principal, submission: Submission, hooks?: IntakeHooks): Promise<Submitted>;
  /**
   * Sends a job once more that a request with the same key has left behind with its record written, and perhaps not published.
   * Nothing is validated again: it may run all the same. Whatever is thrown, the record stays, and the job with it.
   */
  resend(record: JobRecord, options: Pick<Submission, "watch">): Promise<void>;
}

export interface IntakeHooks {
  /** The record is written, and nothing can have happened yet: the moment to begin to listen. */
  readonly beforePublish?: (jobId: string) => void;
  /** It was not published after all. */
  readonly onRefused?: () => void;
}

export interface IntakeOptions extends SubmitDependencies {
  /** The record is written: from now on there can be events. */
  readonly onBegun: (job: BegunJob) => void;
  readonly onAccepted: () => void;
  /** With the error's code, or what is wrong with the prompt; and the job, where it had begun. */
  readonly onRefused: (code: string, jobId: string | undefined) => void;
}

export interface BegunJob {
  readonly jobId: string;
  readonly tenant: string;
  readonly clientId: string | undefined;
}

export function jobIntake(options: IntakeOptions): JobIntake {
  return {
    async submit({ tenant }, submission, { beforePublish, onRefused } = {}) {
      let begun: string | undefined;
      const refuse = (code: string) => {
        options.onRefused(code, begun);
        onRefused?.();
      };
      try {
        const submitted = await submitJob(
          options,
          { ...submission, tenant },
          {
            beforePublish: (jobId) => {
              begun = jobId;
              options.onBegun({ jobId, tenant, clientId: submission.clientId });
              beforePublish?.(jobId);
            },
          },
        );
        if (submitted.ok) options.onAccepted();
        else refuse(submitted.failure.error.type);
        return submitted;
      } catch (error) {
        refuse(CodedError.from(error).code);
        throw error;
      }
    },
    async resend(record, { watch }) {
      const { id: jobId, tenant, clientId } = record;
      options.onBegun({ jobId, tenant, clientId });
      try {
        if (watch) await options.keeper.begin(jobId);
        await publishRecord(options, record);
      } catch (error) {
        options.onRefused(CodedError.from(error).code, jobId);
        throw error;
      }
      options.onAccepted();
    },
  };
}
