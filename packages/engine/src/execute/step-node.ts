import { CodedError } from "@rabbitloom/protocol";
import type { PromptNode } from "../nodes/context.ts";
import type { NodeClass } from "../nodes/define-node.ts";
import { ExecutionBlocker, isLink } from "../nodes/values.ts";
import { callNode, isPromiseLike } from "./call-node.ts";
import { collectInputs, hiddenValue, type InputLists } from "./collect-inputs.ts";
import { dealInputs } from "./deal-inputs.ts";
import { checkOutputs } from "./limits.ts";
import { type CallOutcome, expansionLinks, mergeOutputs, mergeUi } from "./node-return.ts";
import { NodeFailure } from "./outcome.ts";
import type { FinishedNode } from "./result-cache.ts";
import type { Run } from "./run.ts";

/** A node in hand: what it is and, once looked up, what it gets. */
interface Step {
  readonly run: Run;
  readonly id: string;
  readonly node: PromptNode;
  readonly nodeClass: NodeClass;
  inputs: InputLists | undefined;
}

/**
 * Takes a node as far as it goes without waiting: announces a result that is there already, asks for lazy
 * inputs, calls the node, hands its expansion to the schedule, or finishes it. What has to wait comes back as a promise.
 */
export function stepNode(run: Run, id: string): void | PromiseLike<void> {
  const node = run.graph.find(id);
  const nodeClass = run.classOf(id);
  if (node === undefined || nodeClass === undefined) {
    const what = node === undefined ? `no node "${id}"` : `no node class "${node.class_type}"`;
    throw failure(run, id, undefined, new CodedError("NODE_TYPE_MISSING", `there is ${what}`));
  }
  const step: Step = { run, id, node, nodeClass, inputs: undefined };
  return guarded(step, () => take(step));
}

function take(step: Step): void | PromiseLike<void> {
  const { run, id } = step;
  const known = run.finished(id) ?? run.shared(id);
  if (known !== undefined) return announceKnown(step, known);
  const calls = run.expansions.get(id);
  if (calls !== undefined) return finishExpansion(step, calls);
  const twin = run.twinOf(id);
  if (twin !== undefined) {
    run.schedule.addDependency(twin, id);
    return run.schedule.putBack(id);
  }
  if (!step.nodeClass.usesDevice) return begin(step);
  return run.host.deviceGate
    .enter(run.signal)
    .then((leave) => Promise.resolve(guarded(step, () => begin(step))).finally(leave));
}

/** A result from the cache or from an equal node: an output node says again what it shows. */
function announceKnown({ run, id, nodeClass }: Step, known: FinishedNode): void {
  const reference = run.graph.reference(id);
  if (nodeClass.isOutputNode || known.ui !== null) {
    run.noteShown(known.ui);
    run.emit({ type: "node-output", ...reference, output: known.ui });
  }
  run.emit({ type: "node-end", ...reference });
  run.finish(id, known, false);
}

function begin(step: Step): void | PromiseLike<void> {
  step.run.start(step.id);
  return prepare(step);
}

/** Looks the inputs up, and asks the node which lazy ones it wants until it wants no more. */
function prepare(step: Step): void | PromiseLike<void> {
  const inputs = lookUpInputs(step);
  step.inputs = inputs;
  const goOn = (names: readonly string[]) =>
    names.length === 0 ? call(step, inputs) : fetchLazy(step, names);
  const names = lazyNames(step, inputs);
  if (isPromiseLike(names)) return names.then((known) => guarded(step, () => goOn(known)));
  return goOn(names);
}

function lookUpInputs({ run, id, node, nodeClass }: Step): InputLists {
  return collectInputs(node, nodeClass, {
    exists: run.graph.has,
    hasAskedFor: (name) => run.asked.get(id)?.has(name) ?? false,
    finished: run.finished,
    hidden: (word) =>
      hiddenValue(word, {
        id,
        prompt: run.request.prompt,
        dynamicPrompt: run.graph,
        extraData: run.request.extraData,
      }),
  });
}

/** Names of missing inputs that `checkLazyStatus` wants, over all calls. */
function lazyNames(step: Step, inputs: InputLists): string[] | PromiseLike<string[]> {
  const { run, id, nodeClass } = step;
  const { checkLazyStatus } = nodeClass;
  if (checkLazyStatus === undefined) return [];
  const context = run.checkContext(id);
  const answers = dealInputs(inputs, nodeClass.inputIsList ?? false).map((call) =>
    checkLazyStatus.call(nodeClass, call.inputs, context),
  );
  const isWanted = (name: string) =>
    inputs.missing.has(name) || !(inputs.declared.has(name) || inputs.undeclared.has(name));
  const united = (lists: readonly (readonly string[])[]) =>
    [...new Set(lists.flatMap((list) => (Array.isArray(list) ? list : [])))].filter(isWanted);
  const ready: (readonly string[])[] = [];
  for (const answer of answers) {
    if (isPromiseLike(answer)) return Promise.all(answers).then(united);
    ready.push(answer);
  }
  return united(ready);
}

function call(step: Step, inputs: InputLists): void | PromiseLike<void> {
  const { run, id, nodeClass } = step;
  const outcomes = callNode({
    nodeClass,
    calls: dealInputs(inputs, nodeClass.inputIsList ?? false),
    contextFor: (inputsOfCall, listIndex) => run.contextFor(id, inputsOfCall, listIndex),
    onBlocked: (blocker) => passOn(step, blocker),
  });
  if (isPromiseLike(outcomes)) {
    return outcomes.then((calls) => guarded(step, () => takeOutcomes(step, calls)));
  }
  return takeOutcomes(step, outcomes);
}

/** Where all of them are there the node is asked again at once; else it starts again when they are. */
function fetchLazy(step: Step, names: readonly string[]): void | PromiseLike<void> {
  const { run, id, node } = step;
  const asked = run.asked.get(id) ?? new Set();
  run.asked.set(id, asked);
  let isWaiting = false;
  for (const name of names) {
    const link = Object.hasOwn(node.inputs, name) ? node.inputs[name] : undefined;
    if (!isLink(link)) {
      throw new CodedError(
        "NODE_FAILED",
        `checkLazyStatus asked for "${name}", which is ${link === undefined ? "no input" : "no link"} of the node`,
        { details: { exceptionType: "NodeInputError" } },
      );
    }
    asked.add(name);
    if (run.finished(link[0]) !== undefined) continue;
    run.schedule.addDependency(link[0], id);
    isWaiting = true;
  }
  return isWaiting ? run.schedule.putBack(id) : prepare(step);
}

/** The first node that receives a message says it; from there on the blocker is silent. */
function passOn({ run, id, node }: Step, blocker: ExecutionBlocker): ExecutionBlocker {
  if (blocker.message === null) return blocker;
  run.emit({
    type: "node-blocked",
    ...run.graph.reference(id),
    nodeType: node.class_type,
    message: blocker.message,
    executed: [...run.executed],
  });
  return new ExecutionBlocker();
}

function takeOutcomes(step: Step, calls: readonly CallOutcome[]): void | PromiseLike<void> {
  const { run, id } = step;
  if (run.signal.aborted) return;
  const ui = mergeUi(calls);
  if (ui !== null) {
    run.noteShown(ui);
    run.emit({ type: "node-output", ...run.graph.reference(id), output: ui });
  }
  if (calls.some(({ expand }) => expand !== null)) return expand(step, calls);
  finishCalls(step, calls);
}

/** Adds the new nodes and waits for those that the results link to, and for output nodes among them. */
function expand(step: Step, calls: readonly CallOutcome[]): void | PromiseLike<void> {
  const { run, id } = step;
  const added: string[] = [];
  for (const { expand: graph } of calls) {
    if (graph === null) continue;
    run.graph.addExpansion(id, graph);
    // Not spread into one call: an expansion may have more nodes than a call takes arguments.
    for (const nodeId of Object.keys(graph)) added.push(nodeId);
  }
  run.expansions.set(id, calls);
  const links = expansionLinks(calls);
  for (const [from] of links) {
    if (run.graph.has(from)) continue;
    throw new CodedError(
      "NODE_FAILED",
      `the expansion's result links to node "${from}", which is not there`,
    );
  }
  const changes = run.takeExpansion(id, added, links);
  const goOn = () => {
    for (const nodeId of added) if (run.classOf(nodeId)?.isOutputNode) run.schedule.add(nodeId);
    for (const [from] of links) run.schedule.addDependency(from, id);
    run.schedule.putBack(id);
  };
  return changes === undefined ? goOn() : changes.then(() => guarded(step, goOn));
}

function finishExpansion(step: Step, calls: readonly CallOutcome[]): void {
  step.run.expansions.delete(step.id);
  finishCalls(step, calls);
}

function finishCalls({ run, id, nodeClass }: Step, calls: readonly CallOutcome[]): void {
  const outputs = mergeOutputs(calls, nodeClass, ([from, slot]) => {
    return run.finished(from)?.outputs.at(slot) ?? [null];
  });
  checkOutputs(outputs);
  run.emit({ type: "node-end", ...run.graph.reference(id) });
  run.finish(id, { outputs, ui: mergeUi(calls) }, true);
}

/** Runs a part of a step so that whatever it throws names the node. */
function guarded<Result>(
  step: Step,
  part: () => Result | PromiseLike<Result>,
): Result | PromiseLike<Result> {
  const fail = (cause: unknown): never => {
    throw cause instanceof NodeFailure ? cause : failure(step.run, step.id, step.inputs, cause);
  };
  try {
    const result = part();
    return isPromiseLike(result) ? result.then(undefined, fail) : result;
  } catch (cause) {
    return fail(cause);
  }
}

function failure(
  run: Run,
  id: string,
  inputs: InputLists | undefined,
  cause: unknown,
): NodeFailure {
  return new NodeFailure({ nodeId: run.graph.realId(id), node: run.graph.find(id), inputs }, cause);
}
