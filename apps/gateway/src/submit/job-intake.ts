import { CodedError } from "@rabbitloom/protocol";
import {
  type Submission,
  type SubmitDependencies,
  type Submitted,
  submitJob,
} from "./submit-job.ts";

/** The one way into the fleet, whichever surface a job came in at. */
export interface JobIntake {
  submit(submission: Submission, hooks?: IntakeHooks): Promise<Submitted>;
}

export interface IntakeHooks {
  /** The record is written, and nothing can have happened yet: the moment to begin to listen. */
  readonly beforePublish?: (jobId: string) => void;
  /** It was not published after all. */
  readonly onRefused?: () => void;
}

export interface IntakeOptions extends SubmitDependencies {
  readonly onAccepted: (job: AnnouncedJob) => void;
  /** With the error's code, or what is wrong with the prompt. */
  readonly onRefused: (code: string) => void;
}

export interface AnnouncedJob {
  readonly jobId: string;
  readonly clientId: string | undefined;
  /** First word of its events' routing keys. */
  readonly word: string;
}

export function jobIntake({
  onAccepted,
  onRefused: noteRefusal,
  ...dependencies
}: IntakeOptions): JobIntake {
  return {
    async submit(submission, { beforePublish, onRefused } = {}) {
      try {
        const submitted = await submitJob(dependencies, submission, {
          beforePublish: (jobId, word) => {
            onAccepted({ jobId, clientId: submission.clientId, word });
            beforePublish?.(jobId);
          },
        });
        if (!submitted.ok) {
          noteRefusal(submitted.failure.error.type);
          onRefused?.();
        }
        return submitted;
      } catch (error) {
        noteRefusal(CodedError.from(error).code);
        onRefused?.();
        throw error;
      }
    },
  };
}
