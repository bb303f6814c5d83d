import type {
  ClassCheckAnswer,
  EngineEvent,
  ExtraData,
  ModelCatalog,
  NodeCatalog,
} from "@rabbitloom/protocol";
import type { Validation } from "@rabbitloom/workflow";
import type { RunOutcome } from "../execute/outcome.ts";
import type { CachePolicy } from "../execute/result-cache.ts";
import type { NameAllocator } from "../nodes/context.ts";
import type { NodeClass } from "../nodes/define-node.ts";

/** Where an engine finds things, and how it behaves. Folders are made where they are missing. */
export interface EngineOptions {
  /** @default "input" */
  readonly input?: string;
  /** @default "output" */
  readonly output?: string;
  /** @default a folder of its own under the system's, removed at the end */
  readonly temp?: string;
  /** Roots in ComfyUI's layout (`checkpoints/`, `loras/`, ...); earlier ones win. */
  readonly models?: string | readonly string[];
  /** Packs of nodes: folders, files or package names; nodes themselves only with `inline`. */
  readonly nodes?: readonly (string | NodeClass)[];
  /** @default { kind: "classic" } */
  readonly cache?: CachePolicy;
  /** `cpu`, `cuda`, `cuda:1`, ..., or `auto` for the first that works. @default "cpu" */
  readonly device?: string;
  /**
   * `int8` computes the large layers of diffusion models in 8 bits, on the CPU only: faster, and a little off (the
   * figures are in docs/decisions/0009-eight-bits.md). @default "full"
   */
  readonly precision?: "full" | "int8";
  /**
   * Memory for loaded networks and what they work in; the least recently used one is closed first, and a job whose
   * models can never fit is refused. @default three quarters of what the process may use
   */
  readonly memoryBudgetBytes?: number | undefined;
  /** That compute at once, on the CPU. @default one a core, or what the container may use */
  readonly threads?: number | undefined;
  /** Run in this process. Native code then blocks the event loop, and its crash is everybody's. @default false */
  readonly inline?: boolean;
  /** How long a cancelled job may go on before its process is killed. @default 10,000 */
  readonly killAfterMs?: number;
  /** Nodes that one prompt's expansions may add. @default 200,000 */
  readonly maxExpandedNodes?: number;
  /** Largest picture that is read, in pixels. */
  readonly maxInputPixels?: number;
}

export interface EngineJob {
  /** For messages; two jobs of one engine may not run under one id. */
  readonly jobId: string;
  /** A graph, in API form or as the editor saves it, or its JSON text. */
  readonly prompt: unknown;
  readonly extraData?: ExtraData | null;
  /** Only these outputs and what they need. */
  readonly targets?: readonly string[] | null;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: EngineEvent) => void;
  /** Absolute; other folders than the engine's, for this job: results cached for another set of folders are dropped. */
  readonly folders?: Engine["folders"];
  /** @default numbers counted by this engine, after the highest in the folder */
  readonly allocateNames?: NameAllocator;
}

export interface EngineCatalog {
  readonly nodes: NodeCatalog;
  readonly models: ModelCatalog;
  /** What it computes on: `cpu`, `cuda:1`; with `auto`, the one that was found to work. */
  readonly device: string;
  /** Packs that could not be loaded, and why. */
  readonly failedPacks: readonly { readonly name: string; readonly problem: string }[];
}

export interface FreeOptions {
  /** Close the models only. @default false */
  readonly keepResults?: boolean;
}

/** Runs prompts: validates them, executes them, reports events. */
export interface Engine extends AsyncDisposable {
  /** The folders it works in, absolute. */
  readonly folders: Readonly<Record<"input" | "output" | "temp", string>>;
  /** The child process while there is one. */
  readonly pid: number | undefined;
  catalog(): Promise<EngineCatalog>;
  /** What `run` would say about the prompt before it starts, the classes' own checks included. */
  validate(job: Pick<EngineJob, "prompt" | "targets">): Promise<Validation>;
  /**
   * What classes say to the inputs of some of their nodes: JSON text of a list of `CustomCheckRequest`, as another
   * program's validation makes them. One answer each, in order. `folders`: as for a job.
   */
  answerChecks(checksJson: string, folders?: Engine["folders"]): Promise<ClassCheckAnswer[]>;
  /** Does not throw for what a prompt does: the outcome says how it went. */
  run(job: EngineJob): Promise<RunOutcome>;
  /** Closes loaded models and drops cached results; what they took goes back to the system. */
  free(options?: FreeOptions): Promise<void>;
}
