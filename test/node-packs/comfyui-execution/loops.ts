import {
  any,
  boolean,
  custom,
  type DynamicPrompt,
  defineNode,
  ExecutionBlocker,
  int,
  isLink,
  type Link,
} from "@rabbitloom/engine";
import { variantTypes } from "./variant-types.ts";

const category = "Testing/Flow";

const optional = any({ optional: true });
const fourValues = {
  initial_value1: optional,
  initial_value2: optional,
  initial_value3: optional,
  initial_value4: optional,
};
const fiveValues = { initial_value0: optional, ...fourValues };
const flowControl = custom<Link>("FLOW_CONTROL", { rawLink: true });

/** Nothing looks at the value: the link itself says where the loop begins. */
const FLOW = "loop";

function values(count: number, first = 0) {
  return Array.from({ length: count }, (_, i) => ({ type: "*", name: `value${first + i}` }));
}

const whileOpenInputs = { condition: boolean({ default: true }), ...fiveValues };

/** Where a loop begins: hands its values on. */
export const testWhileLoopOpen = defineNode({
  name: "TestWhileLoopOpen",
  displayName: "While Loop Open",
  category,
  inputs: whileOpenInputs,
  outputs: ["FLOW_CONTROL", ...values(5)],
  validate: variantTypes(whileOpenInputs),
  run: (inputs) => [FLOW, ...initialValues(inputs, [0, 1, 2, 3, 4])],
});

const whileCloseInputs = {
  flow_control: flowControl,
  condition: boolean({ forceInput: true }),
  ...fiveValues,
};

/** Where a loop ends: as long as the condition holds, it expands to another copy of everything between the two. */
export const testWhileLoopClose = defineNode({
  name: "TestWhileLoopClose",
  displayName: "While Loop Close",
  category,
  inputs: whileCloseInputs,
  hidden: { dynprompt: "DYNPROMPT", unique_id: "UNIQUE_ID" },
  outputs: values(5),
  validate: variantTypes(whileCloseInputs),
  run(inputs, { graphBuilder }) {
    const { flow_control, condition, dynprompt, unique_id } = inputs;
    const current = initialValues(inputs, [0, 1, 2, 3, 4]);
    if (!condition) return current;

    const [openId] = flow_control;
    const body = loopBody(dynprompt, openId, unique_id);
    const graph = graphBuilder();
    const copies = new Map(
      [...body].map((id) => {
        const copy = graph.node(
          dynprompt.node(id).class_type,
          {},
          id === unique_id ? "Recurse" : id,
        );
        copy.setDisplayId(id);
        return [id, copy];
      }),
    );
    for (const [id, copy] of copies) {
      for (const [name, value] of Object.entries(dynprompt.node(id).inputs)) {
        const source = isLink(value) ? copies.get(value[0]) : undefined;
        copy.setInput(name, source === undefined || !isLink(value) ? value : source.out(value[1]));
      }
    }
    const begin = copies.get(openId);
    for (const [i, value] of current.entries()) begin?.setInput(`initial_value${i}`, value);
    const next = copies.get(unique_id);
    if (next === undefined) throw new Error(`node ${unique_id} is not part of its own loop`);
    return { result: current.map((_, i) => next.out(i)), expand: graph.finalize() };
  },
});

/** Nodes above the end that are also below the beginning, and these two. */
function loopBody(graph: DynamicPrompt, openId: string, closeId: string): Set<string> {
  const users = new Map<string, Set<string>>();
  const above = [closeId];
  for (let id = above.pop(); id !== undefined; id = above.pop()) {
    for (const value of Object.values(graph.node(id).inputs)) {
      if (!isLink(value)) continue;
      const [source] = value;
      const known = users.get(source);
      if (known === undefined) above.push(source);
      users.set(source, (known ?? new Set()).add(id));
    }
  }
  const body = new Set([closeId, openId]);
  const below = [openId];
  for (let id = below.pop(); id !== undefined; id = below.pop()) {
    for (const user of users.get(id) ?? []) {
      if (body.has(user)) continue;
      body.add(user);
      below.push(user);
    }
  }
  return body;
}

const forOpenInputs = {
  remaining: int({ default: 1, min: 0, max: 100_000, step: 1 }),
  ...fourValues,
};

/** Counts down: a copy finds what is left in the hidden `initial_value0`, which the loop's end fills in. */
export const testForLoopOpen = defineNode({
  name: "TestForLoopOpen",
  displayName: "For Loop Open",
  category,
  inputs: forOpenInputs,
  hidden: { initial_value0: ["*"] },
  outputs: [
    { type: "FLOW_CONTROL", name: "flow_control" },
    { type: "INT", name: "remaining" },
    ...values(4, 1),
  ],
  validate: variantTypes(forOpenInputs),
  run(inputs, { graphBuilder }) {
    const given = inputs.initial_value0;
    const remaining = typeof given === "number" ? given : inputs.remaining;
    const carried = initialValues(inputs, [1, 2, 3, 4]);
    const graph = graphBuilder();
    graph.node("TestWhileLoopOpen", {
      condition: remaining > 0,
      initial_value0: remaining,
      ...Object.fromEntries(carried.map((value, i) => [`initial_value${i + 1}`, value])),
    });
    return { result: [FLOW, remaining, ...carried], expand: graph.finalize() };
  },
});

const rawValue = any({ optional: true, rawLink: true });
const forCloseInputs = {
  flow_control: flowControl,
  initial_value1: rawValue,
  initial_value2: rawValue,
  initial_value3: rawValue,
  initial_value4: rawValue,
};

/** Expands to the end of a while loop that goes on until nothing is left. */
export const testForLoopClose = defineNode({
  name: "TestForLoopClose",
  displayName: "For Loop Close",
  category,
  inputs: forCloseInputs,
  outputs: values(4, 1),
  validate: variantTypes(forCloseInputs),
  run({ flow_control, ...carried }, { graphBuilder }) {
    const graph = graphBuilder();
    const left = graph.node("TestIntMathOperation", {
      operation: "subtract",
      a: [flow_control[0], 1],
      b: 1,
    });
    const condition = graph.node("TestToBoolNode", { value: left.out(0) });
    const close = graph.node("TestWhileLoopClose", {
      flow_control,
      condition: condition.out(0),
      initial_value0: left.out(0),
      ...carried,
    });
    return { result: [1, 2, 3, 4].map((slot) => close.out(slot)), expand: graph.finalize() };
  },
});

const blockerInputs = { input: any(), block: boolean(), verbose: boolean({ default: false }) };

export const testExecutionBlocker = defineNode({
  name: "TestExecutionBlocker",
  displayName: "Execution Blocker",
  category,
  inputs: blockerInputs,
  outputs: [{ type: "*", name: "output" }],
  validate: variantTypes(blockerInputs),
  run({ input, block, verbose }) {
    if (!block) return [input];
    return [new ExecutionBlocker(verbose ? "The test node blocks, as it was told to" : null)];
  },
});

function initialValues(
  inputs: Readonly<Record<string, unknown>>,
  positions: readonly number[],
): unknown[] {
  return positions.map((i) => inputs[`initial_value${i}`] ?? null);
}
