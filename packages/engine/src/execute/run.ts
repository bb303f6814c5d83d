import { setMaxListeners } from "node:events";
import type { EngineEvent, Outputs } from "@rabbitloom/protocol";
import type { CheckContext, NodeContext, PromptNode } from "../nodes/context.ts";
import type { NodeClass } from "../nodes/define-node.ts";
import { isLink, type Link } from "../nodes/values.ts";
import { isAsyncFunction, isPromiseLike } from "./call-node.ts";
import { changedValue } from "./changed-values.ts";
import type { CallInputs } from "./deal-inputs.ts";
import { createDynamicGraph, type DynamicGraph, neededNodes } from "./dynamic-graph.ts";
import type { ExecutionHost } from "./host.ts";
import { shownBudget } from "./limits.ts";
import { createNodeContext } from "./node-context.ts";
import type { CallOutcome } from "./node-return.ts";
import { createParking, type Parking } from "./parking.ts";
import type { FinishedNode } from "./result-cache.ts";
import type { RunRequest } from "./run-prompt.ts";
import { createSchedule, type Schedule } from "./schedule.ts";
import { createSignatures, type Signature } from "./signature.ts";
import { createUses } from "./uses.ts";

/** One prompt on its way: what is known, what waits, and what has been said. */
export interface Run {
  readonly host: ExecutionHost;
  readonly request: RunRequest;
  readonly graph: DynamicGraph;
  readonly schedule: Schedule;
  readonly signal: AbortSignal;
  readonly executed: readonly string[];
  /** Calls that have answered and whose expansions are running, by node. */
  readonly expansions: Map<string, readonly CallOutcome[]>;
  /** Lazy inputs that nodes have asked for, by node. */
  readonly asked: Map<string, Set<string>>;
  readonly parking: Parking;
  classOf(id: string): NodeClass | undefined;
  signatureOf(id: string): Signature;
  finished(id: string): FinishedNode | undefined;
  /** The result of an equal node, from an earlier prompt or this one. */
  shared(id: string): FinishedNode | undefined;
  /** The parked node that computes the same. */
  twinOf(id: string): string | undefined;
  /** Takes note of the nodes that `parent` expanded to and links to; asks the new ones whether they have changed. */
  takeExpansion(
    parent: string,
    added: readonly string[],
    links: readonly Link[],
  ): Promise<void> | undefined;
  finish(id: string, result: FinishedNode, wasExecuted: boolean): void;
  emit(event: EngineEvent): void;
  /** Throws LIMIT_EXCEEDED where the prompt has shown too much by now. */
  noteShown(ui: unknown): void;
  start(id: string): void;
  contextFor(id: string, call: CallInputs, listIndex: number): NodeContext;
  checkContext(id: string): CheckContext;
  park(id: string, work: void | PromiseLike<void>): void;
  throwIfStopped(): void;
  wasCancelled(): boolean;
  /** The node that started last and has not finished. */
  current(): { readonly nodeId: string; readonly node: PromptNode | undefined } | undefined;
  /** Results of output nodes enter the cache only when the whole prompt is well. */
  keepOutputs(): void;
  shown(): Outputs;
  close(): void;
}

export async function createRun(host: ExecutionHost, request: RunRequest): Promise<Run> {
  const { prompt } = request;
  const graph = createDynamicGraph(prompt, host.maxExpandedNodes);
  const ids = new Set(Object.keys(prompt));
  const stop = new AbortController();
  // Every node that waits may listen.
  setMaxListeners(0, stop.signal);
  const cancel = () => stop.abort(request.signal.reason);
  if (request.signal.aborted) cancel();
  request.signal.addEventListener("abort", cancel, { once: true });

  const done = new Map<string, FinishedNode>();
  const executed: string[] = [];
  const expansions = new Map<string, readonly CallOutcome[]>();
  const running = new Set<string>();
  const changes = new Map<string, unknown>();
  const computing = new Map<Signature, string>();
  const heldBack = new Map<Signature, { readonly id: string; readonly result: FinishedNode }>();
  const shown: Outputs = {};
  const uses = createUses();
  // The classic cache keeps all results of the prompt anyway.
  let releasesResults = host.cache.kind !== "classic";
  const parking = createParking(stop.signal);
  let isOver = false;

  const classOf = (id: string) => {
    const node = graph.find(id);
    return node === undefined ? undefined : host.registry.get(node.class_type);
  };
  const signatureOf = createSignatures({
    find: graph.find,
    classOf,
    changed: (id) => changes.get(id),
  });

  const schedule = createSchedule({
    *dependencies(id) {
      if (done.has(id)) return;
      const inputs = classOf(id)?.inputs ?? {};
      for (const [name, value] of Object.entries(graph.find(id)?.inputs ?? {})) {
        if (!isLink(value) || !graph.has(value[0])) continue;
        const declared = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
        if (declared?.options?.lazy !== true) yield value[0];
      }
    },
    isDone: (id) => done.has(id),
    isOutput: (id) => classOf(id)?.isOutputNode ?? false,
    isAsync: (id) => isAsyncFunction(classOf(id)?.run),
  });

  function emit(event: EngineEvent): void {
    if (!isOver) request.onEvent(event);
  }

  function take(id: string, result: FinishedNode): void {
    done.set(id, result);
    if (result.ui !== null) shown[id] = result.ui;
  }

  function finish(id: string, result: FinishedNode, wasExecuted: boolean): void {
    take(id, result);
    running.delete(id);
    if (wasExecuted) {
      executed.push(id);
      const signature = signatureOf(id);
      if (classOf(id)?.isOutputNode) heldBack.set(signature, { id, result });
      else host.cache.set(signature, result, signatureOf(graph.realId(id)));
    }
    schedule.complete(id);
    const released = uses.finish(id);
    if (releasesResults) for (const source of released) done.delete(source);
  }

  /** A node that reads the whole graph may copy any part of it into an expansion, so nothing can be let go. */
  function countUses(nodeIds: Iterable<string>): void {
    for (const id of nodeIds) {
      if (done.has(id)) continue;
      if (Object.values(classOf(id)?.hidden ?? {}).includes("DYNPROMPT")) releasesResults = false;
      uses.add(
        id,
        Object.values(graph.find(id)?.inputs ?? {}).flatMap((value) =>
          isLink(value) ? [value[0]] : [],
        ),
      );
    }
  }

  function shared(id: string): FinishedNode | undefined {
    const signature = signatureOf(id);
    return heldBack.get(signature)?.result ?? host.cache.get(signature);
  }

  function checkContext(nodeId: string): CheckContext {
    return { nodeId, signal: stop.signal, files: host.files, models: host.models };
  }

  function learnChanges(nodeIds: Iterable<string>): Promise<void> | undefined {
    const waiting: Promise<void>[] = [];
    for (const id of nodeIds) {
      const [node, nodeClass] = [graph.find(id), classOf(id)];
      if (node === undefined || nodeClass?.isChanged === undefined) continue;
      const value = changedValue(node, nodeClass, checkContext(id));
      if (value instanceof Promise) {
        waiting.push(value.then((settled) => void changes.set(id, settled)));
      } else changes.set(id, value);
    }
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => {});
  }

  const needed = neededNodes(graph, request.outputs);
  host.states.beginPrompt(ids);
  await learnChanges(needed);
  const signatures = new Set<Signature>();
  for (const id of needed) signatures.add(signatureOf(id));
  host.cache.beginPrompt(signatures);
  const cached: string[] = [];
  for (const id of ids) {
    if (!needed.has(id)) continue;
    const result = host.cache.get(signatureOf(id));
    if (result === undefined) continue;
    take(id, result);
    cached.push(id);
  }
  countUses(needed);
  emit({ type: "nodes-cached", nodeIds: cached });

  return {
    host,
    request,
    graph,
    schedule,
    signal: stop.signal,
    executed,
    expansions,
    asked: new Map(),
    classOf,
    signatureOf,
    finished: (id) => done.get(id),
    shared,
    twinOf: (id) => {
      if (host.cache.kind === "none") return undefined;
      const twin = computing.get(signatureOf(id));
      return twin === id ? undefined : twin;
    },
    takeExpansion(parent, added, links) {
      countUses(added);
      uses.add(
        parent,
        links.map(([from]) => from),
      );
      return learnChanges(added);
    },
    finish,
    emit,
    noteShown: shownBudget(),
    start(id) {
      running.delete(id);
      running.add(id);
      emit({ type: "node-start", ...graph.reference(id) });
    },
    contextFor: (id, { undeclared }, listIndex) =>
      createNodeContext({
        host,
        graph,
        id,
        listIndex,
        undeclared,
        signal: stop.signal,
        allocateNames: request.allocateNames,
        emit,
      }),
    checkContext,
    parking,
    park(id, work) {
      if (!isPromiseLike(work)) return;
      const signature = signatureOf(id);
      computing.set(signature, id);
      parking.park(work, () => void computing.delete(signature));
    },
    throwIfStopped() {
      if (stop.signal.aborted) throw stop.signal.reason;
      if (parking.failure !== undefined) throw parking.failure.cause;
    },
    wasCancelled: () => request.signal.aborted,
    current() {
      const nodeId = [...running].at(-1);
      if (nodeId === undefined) return undefined;
      return { nodeId: graph.realId(nodeId), node: graph.find(nodeId) };
    },
    keepOutputs() {
      for (const [signature, { id, result }] of heldBack) {
        host.cache.set(signature, result, signatureOf(graph.realId(id)));
      }
    },
    shown: () => shown,
    close() {
      isOver = true;
      host.states.endPrompt(ids);
      request.signal.removeEventListener("abort", cancel);
      // Calls that nobody waits for any more end by this.
      if (!stop.signal.aborted) stop.abort(new DOMException("the run is over", "AbortError"));
    },
  };
}
