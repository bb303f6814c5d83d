import type { EngineEvent, ExtraData, ModelCatalog, NodeCatalog } from "@rabbitloom/protocol";
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
  /** `cpu`, `cuda`, `cuda:1`, ... @default "cpu" */
  readonly device?: string;
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
  /** @default numbers counted by this engine, after the highest in the folder */
  readonly allocateNames?: NameAllocator;
}

export interface EngineCatalog {
  readonly nodes: NodeCatalog;
  readonly models: ModelCatalog;
  /** Packs that could not be loaded, and why. */
  readonly failedPacks: readonly { readonly name: string; readonly problem: string }[];
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
  /** Does not throw for what a prompt does: the outcome says how it went. */
  run(job: EngineJob): Promise<RunOutcome>;
  /** Drops cached results and loaded models. */
  free(): Promise<void>;
}
