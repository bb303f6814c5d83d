import type { EngineEvent, ExtraData, Prompt } from "@rabbitloom/protocol";
import { createGate } from "../../src/execute/gate.ts";
import type { ExecutionHost } from "../../src/execute/host.ts";
import { createNodeStates } from "../../src/execute/node-states.ts";
import type { RunOutcome } from "../../src/execute/outcome.ts";
import { type CachePolicy, createResultCache } from "../../src/execute/result-cache.ts";
import { runPrompt } from "../../src/execute/run-prompt.ts";
import type { FileAccess, ModelFiles } from "../../src/nodes/context.ts";
import type { NodeClass } from "../../src/nodes/define-node.ts";
import { createRegistry } from "../../src/nodes/registry.ts";

/** A graph in short: `id: [class, inputs]`. */
export type ShortGraph = Readonly<Record<string, readonly [string, Record<string, unknown>?]>>;

export function promptOf(graph: ShortGraph): Prompt {
  return Object.fromEntries(
    Object.entries(graph).map(([id, [class_type, inputs = {}]]) => [id, { class_type, inputs }]),
  );
}

export interface GraphRun extends RunOutcome {
  readonly events: readonly EngineEvent[];
  /** Ids of the nodes that were started, in order; asked-for lazy inputs start their node twice. */
  readonly started: readonly string[];
  readonly cached: readonly string[];
}

export interface GraphRunner {
  readonly host: ExecutionHost;
  run(graph: ShortGraph, options?: GraphRunOptions): Promise<GraphRun>;
}

export interface GraphRunOptions {
  /** @default every output node */
  readonly outputs?: readonly string[];
  readonly signal?: AbortSignal;
  readonly extraData?: ExtraData;
  readonly onEvent?: (event: EngineEvent) => void;
}

/** An engine of these nodes without files, models or processes. */
export function createRunner(
  nodes: readonly NodeClass[],
  {
    cache = { kind: "classic" },
    maxExpandedNodes = 10_000,
  }: { readonly cache?: CachePolicy; readonly maxExpandedNodes?: number } = {},
): GraphRunner {
  const host: ExecutionHost = {
    registry: createRegistry(nodes),
    files: noFiles,
    models: noModels,
    cache: createResultCache(cache),
    states: createNodeStates(),
    deviceGate: createGate(),
    maxExpandedNodes,
  };
  return {
    host,
    async run(graph, { outputs, signal, extraData = {}, onEvent } = {}) {
      const prompt = promptOf(graph);
      const events: EngineEvent[] = [];
      const outcome = await runPrompt(host, {
        prompt,
        outputs:
          outputs ??
          Object.keys(prompt).filter(
            (id) => host.registry.get(prompt[id]?.class_type ?? "")?.isOutputNode,
          ),
        extraData,
        signal: signal ?? new AbortController().signal,
        onEvent: (event) => {
          events.push(event);
          onEvent?.(event);
        },
        allocateNames: () => Promise.resolve(1),
      });
      return {
        ...outcome,
        events,
        started: events.flatMap((event) => (event.type === "node-start" ? [event.nodeId] : [])),
        cached: events.flatMap((event) => (event.type === "nodes-cached" ? event.nodeIds : [])),
      };
    },
  };
}

const noFiles: FileAccess = {
  folder: (type) => `/nowhere/${type}`,
  path: ({ filename }) => `/nowhere/${filename}`,
  annotatedPath: (name) => `/nowhere/${name}`,
  list: () => Promise.resolve([]),
};

const noModels: ModelFiles = {
  list: () => [],
  path: (folder, name) => {
    throw new Error(`no model ${folder}/${name}`);
  },
};
