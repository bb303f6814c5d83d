import type { NodeContext } from "../nodes/context.ts";
import type { NodeClass } from "../nodes/define-node.ts";
import { type ExecutionBlocker, isBlocker } from "../nodes/values.ts";
import type { CallInputs } from "./deal-inputs.ts";
import { blocked, type CallOutcome, readReturn } from "./node-return.ts";

export interface NodeCalls {
  readonly nodeClass: NodeClass;
  readonly calls: readonly CallInputs[];
  contextFor(call: CallInputs, listIndex: number): NodeContext;
  /** Told of a blocker that a call received; returns the one to hand on. */
  onBlocked(blocker: ExecutionBlocker): ExecutionBlocker;
}

/** Makes all calls of a node, one after another as far as they answer at once; those that wait overlap. */
export function callNode(request: NodeCalls): CallOutcome[] | Promise<CallOutcome[]> {
  const outcomes: (CallOutcome | PromiseLike<CallOutcome>)[] = [];
  try {
    for (const [index, call] of request.calls.entries())
      outcomes.push(callOnce(request, call, index));
  } catch (cause) {
    // The calls that are under way end by the signal; nobody waits for them.
    for (const outcome of outcomes) if (isPromiseLike(outcome)) outcome.then(undefined, () => {});
    throw cause;
  }
  const ready: CallOutcome[] = [];
  for (const outcome of outcomes) {
    if (isPromiseLike(outcome)) return Promise.all(outcomes);
    ready.push(outcome);
  }
  return ready;
}

function callOnce(
  request: NodeCalls,
  call: CallInputs,
  index: number,
): CallOutcome | PromiseLike<CallOutcome> {
  const { nodeClass } = request;
  const blocker = findBlocker(call, nodeClass.inputIsList ?? false);
  if (blocker !== undefined) return blocked(request.onBlocked(blocker), nodeClass);
  const context = request.contextFor(call, index);
  context.signal.throwIfAborted();
  const returned = nodeClass.run(call.inputs, context);
  if (isPromiseLike(returned)) return returned.then((value) => readReturn(value, nodeClass));
  return readReturn(returned, nodeClass);
}

export function isPromiseLike<Value>(
  value: Value | PromiseLike<Value>,
): value is PromiseLike<Value> {
  return typeof value === "object" && value !== null && "then" in value;
}

function findBlocker(call: CallInputs, inputIsList: boolean): ExecutionBlocker | undefined {
  for (const inputs of [call.inputs, call.undeclared]) {
    for (const name in inputs) {
      const value = inputs[name];
      if (isBlocker(value)) return value;
      if (!inputIsList || !Array.isArray(value)) continue;
      const inside = value.find(isBlocker);
      if (inside !== undefined) return inside;
    }
  }
  return undefined;
}

export function isAsyncFunction(run: unknown): boolean {
  return Object.prototype.toString.call(run) === "[object AsyncFunction]";
}
