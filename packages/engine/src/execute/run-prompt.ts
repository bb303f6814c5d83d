import type { EngineEvent, ExtraData, Prompt } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import type { NameAllocator } from "../nodes/context.ts";
import type { ExecutionHost } from "./host.ts";
import { cancelReport, failureReport, NodeFailure, type RunOutcome } from "./outcome.ts";
import { createRun, type Run } from "./run.ts";
import { stepNode } from "./step-node.ts";

export interface RunRequest {
  /** Validated and coerced. */
  readonly prompt: Prompt;
  /** Output nodes to run, with what they need. */
  readonly outputs: readonly string[];
  readonly extraData: ExtraData;
  readonly signal: AbortSignal;
  readonly onEvent: (event: EngineEvent) => void;
  readonly allocateNames: NameAllocator;
}

/**
 * Runs a prompt to its end. Nodes that answer at once run one after another; those that wait overlap with
 * everything else. Never throws for what nodes do: the outcome says how it went. After it has settled
 * no more events come, whatever abandoned calls still do.
 */
export async function runPrompt(host: ExecutionHost, request: RunRequest): Promise<RunOutcome> {
  const run = await createRun(host, request);
  try {
    await runAll(run);
    run.keepOutputs();
    return { state: "succeeded", outputs: run.shown() };
  } catch (cause) {
    const outputs = run.shown();
    if (run.wasCancelled()) {
      const error = cancelReport(request.signal.reason, run.current(), run.executed);
      return { state: "cancelled", outputs, error, cause: request.signal.reason };
    }
    if (!(cause instanceof NodeFailure)) throw cause;
    return {
      state: "failed",
      outputs,
      error: failureReport(cause, run.executed),
      cause: cause.cause,
    };
  } finally {
    run.close();
  }
}

async function runAll(run: Run): Promise<void> {
  for (const id of run.request.outputs) run.schedule.add(id);
  for (;;) {
    run.throwIfStopped();
    const id = run.schedule.next();
    if (id !== undefined) {
      run.park(id, stepNode(run, id));
      await run.parking.breathe();
    } else if (run.parking.size > 0) {
      await run.parking.untilSomethingSettles();
    } else if (run.schedule.pending > 0) {
      throw cycleFailure(run);
    } else {
      return;
    }
  }
}

/** Only expansions can still close a circle: the blame goes to the node of the user's graph that made it. */
function cycleFailure(run: Run): NodeFailure {
  const cycle = run.schedule.findCycle();
  const [first = ""] = cycle;
  const inExpansion = cycle.find((id) => run.graph.displayId(id) !== id);
  const nodeId = inExpansion === undefined ? first : run.graph.displayId(inExpansion);
  const circle = [...cycle, first].map((id) => `"${id}"`).join(" -> ");
  return new NodeFailure(
    { nodeId, node: run.graph.find(nodeId), inputs: undefined },
    new CodedError("GRAPH_CYCLE", `nodes wait for each other: ${circle}`, {
      details: { exceptionType: "graph.DependencyCycleError", cycle },
    }),
  );
}
