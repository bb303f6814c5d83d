import type { FileAccess, ModelFiles } from "../nodes/context.ts";
import type { NodeRegistry } from "../nodes/registry.ts";
import type { Gate } from "./gate.ts";
import type { NodeStates } from "./node-states.ts";
import type { ResultCache } from "./result-cache.ts";

/** What all prompts of one engine share. */
export interface ExecutionHost {
  readonly registry: NodeRegistry;
  readonly files: FileAccess;
  readonly models: ModelFiles;
  readonly cache: ResultCache;
  readonly states: NodeStates;
  readonly deviceGate: Gate;
  /** Nodes that the expansions of one prompt may add together. */
  readonly maxExpandedNodes: number;
}
