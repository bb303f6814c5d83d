import { createHash } from "node:crypto";
import type { EngineEvent } from "@rabbitloom/protocol";
import type { NameAllocator, NodeContext } from "../nodes/context.ts";
import { createGraphBuilder } from "../nodes/graph-builder.ts";
import type { DynamicGraph } from "./dynamic-graph.ts";
import type { ExecutionHost } from "./host.ts";
import { checkSentPicture, checkSentText } from "./limits.ts";

export interface NodeContextOptions {
  readonly host: ExecutionHost;
  readonly graph: DynamicGraph;
  readonly id: string;
  readonly listIndex: number;
  readonly undeclared: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  readonly allocateNames: NameAllocator;
  emit(event: EngineEvent): void;
}

/** What one call of a node sees of its run. */
export function createNodeContext(options: NodeContextOptions): NodeContext {
  const { host, graph, id, listIndex, undeclared, signal, allocateNames, emit } = options;
  const reference = graph.reference(id);
  let graphCount = 0;

  function sendPicture(picture: {
    readonly bytes: Uint8Array;
    readonly contentType: "image/jpeg" | "image/png";
    readonly width: number;
    readonly height: number;
  }): void {
    const { bytes, contentType, width, height } = picture;
    checkSentPicture(bytes);
    emit({ type: "node-preview", ...reference, contentType, width, height, image: bytes });
  }

  return {
    nodeId: id,
    displayNodeId: graph.displayId(id),
    listIndex,
    undeclared,
    signal,
    files: host.files,
    models: host.models,
    allocateNames,
    dynamicPrompt: graph,
    get state() {
      return host.states.of(id, graph.node(id).class_type);
    },
    progress(value, max, preview) {
      signal.throwIfAborted();
      emit({ type: "node-progress", ...reference, value: finite(value), max: finite(max) });
      if (preview !== undefined) sendPicture(preview);
    },
    sendImage(bytes, contentType) {
      sendPicture({ bytes, contentType, width: 0, height: 0 });
    },
    sendText(text) {
      const shown = String(text);
      checkSentText(shown);
      emit({ type: "node-text", ...reference, text: shown });
    },
    graphBuilder(prefix) {
      if (prefix !== undefined) return createGraphBuilder(prefix);
      const builder = createGraphBuilder(`${shortId(id)}.${listIndex}.${graphCount}.`);
      graphCount += 1;
      return builder;
    },
  };
}

/** A pack may divide by nothing. JSON has no such number, and for how far a node is no job has to fail. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

const LONGEST_PARENT = 128;

/**
 * What names a node in its children's ids. Past some depth of expansion the digest of its id does, always the same
 * one: ids that grow with the depth would cost a loop of n turns n^2 letters, in memory and in events.
 */
function shortId(id: string): string {
  if (id.length <= LONGEST_PARENT) return id;
  return `~${createHash("sha1").update(id).digest("base64url")}`;
}
