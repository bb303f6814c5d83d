import type { ClassCheckAnswer, EngineEvent } from "@rabbitloom/protocol";
import type { Validation } from "@rabbitloom/workflow";
import type { RunOutcome } from "../execute/outcome.ts";
import type { NameRequest } from "../nodes/context.ts";
import type { EngineCatalog, EngineJob, EngineOptions, FreeOptions } from "./engine.ts";

/**
 * What parent and child say to each other. `call` numbers a request; its answer carries the same number.
 * Prompts travel as JSON text: their marks of floats would not survive a structured clone.
 */
export type ToChild =
  | {
      readonly type: "open";
      readonly options: EngineOptions;
      /** Removed by the child too, should its parent be gone without a word. */
      readonly ownTemp: string | null;
    }
  | {
      readonly type: "run";
      readonly call: number;
      readonly job: {
        readonly jobId: string;
        readonly promptJson: string;
        readonly extraDataJson: string;
        readonly targets: readonly string[] | null;
        readonly allocatesNames: boolean;
        readonly folders: EngineJob["folders"] | null;
      };
    }
  | { readonly type: "cancel"; readonly call: number; readonly reason: SentError }
  | { readonly type: "names"; readonly request: number; readonly first: number | SentError }
  | {
      readonly type: "validate";
      readonly call: number;
      readonly promptJson: string;
      readonly targets: readonly string[] | null;
    }
  | {
      readonly type: "answer-checks";
      readonly call: number;
      readonly checksJson: string;
      readonly folders: EngineJob["folders"] | null;
    }
  | { readonly type: "catalog"; readonly call: number }
  | { readonly type: "free"; readonly call: number; readonly options: FreeOptions }
  | { readonly type: "close" };

export type ToParent =
  | { readonly type: "open" }
  | { readonly type: "open-failed"; readonly error: SentError }
  | { readonly type: "events"; readonly call: number; readonly events: readonly EngineEvent[] }
  | {
      readonly type: "allocate";
      readonly call: number;
      readonly request: number;
      readonly names: NameRequest;
    }
  | {
      readonly type: "answer";
      readonly call: number;
      /** Those that have not been sent yet. */
      readonly events: readonly EngineEvent[];
      readonly answer: Answer;
    }
  | {
      readonly type: "failure";
      readonly call: number;
      readonly events: readonly EngineEvent[];
      readonly error: SentError;
    };

/** An outcome travels without its cause, which may hold anything; the cause follows as a plain error. */
export type Answer =
  | { readonly kind: "outcome"; readonly outcome: RunOutcome; readonly cause?: SentError }
  | { readonly kind: "validation"; readonly validation: Validation }
  | { readonly kind: "checks"; readonly answers: readonly ClassCheckAnswer[] }
  | { readonly kind: "catalog"; readonly catalog: EngineCatalog }
  | { readonly kind: "freed" };

/** An error on its way between processes. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string | null;
  readonly isRetryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}
