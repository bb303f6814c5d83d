import { setTimeout as delay } from "node:timers/promises";
import { any, boolean, defineNode, ExecutionBlocker, float, int, string } from "../../src/index.ts";
import type { NodeClass } from "../../src/nodes/define-node.ts";

/** Small nodes for tests of the executor. A number flows where a real graph has pictures. */

export const number = defineNode({
  name: "Number",
  category: "toy",
  inputs: { value: float() },
  outputs: ["FLOAT"],
  run: ({ value }) => [value],
});

export const add = defineNode({
  name: "Add",
  category: "toy",
  inputs: { a: float(), b: float({ optional: true }) },
  outputs: ["FLOAT"],
  run: ({ a, b = 0 }) => [a + b],
});

/** Shows a value: an output node. */
export const show = defineNode({
  name: "Show",
  category: "toy",
  inputs: { value: any() },
  outputs: [],
  isOutputNode: true,
  run: ({ value }) => ({ ui: { values: [value] } }),
});

export const range = defineNode({
  name: "Range",
  category: "toy",
  inputs: { count: int() },
  outputs: [{ type: "FLOAT", name: "each", isList: true }, { type: "FLOATS" }],
  run: ({ count }) => {
    const numbers = Array.from({ length: count }, (_, index) => index);
    return [numbers, numbers];
  },
});

export const sum = defineNode({
  name: "Sum",
  category: "toy",
  inputs: { values: float() },
  inputIsList: true,
  outputs: ["FLOAT"],
  run: ({ values }) => [values.reduce((total, value) => total + value, 0)],
});

export const choose = defineNode({
  name: "Choose",
  category: "toy",
  inputs: { first: float({ lazy: true }), second: float({ lazy: true }), share: float() },
  outputs: ["FLOAT"],
  checkLazyStatus: ({ share, first, second }) => [
    ...(share !== 1 && first === null ? ["first"] : []),
    ...(share !== 0 && second === null ? ["second"] : []),
  ],
  run: ({ first, second, share }) => [(first ?? 0) * (1 - share) + (second ?? 0) * share],
});

export const block = defineNode({
  name: "Block",
  category: "toy",
  inputs: { value: float(), when: boolean(), message: string({ optional: true }) },
  outputs: ["FLOAT"],
  run: ({ value, when, message }) => [when ? new ExecutionBlocker(message ?? null) : value],
});

export const sleep = defineNode({
  name: "Sleep",
  category: "toy",
  inputs: { value: any(), milliseconds: float() },
  outputs: ["*"],
  run: async ({ value, milliseconds }, { signal }) => {
    await delay(milliseconds, undefined, { signal });
    return [value];
  },
});

export const fail = defineNode({
  name: "Fail",
  category: "toy",
  inputs: { value: any({ optional: true }), text: string() },
  outputs: ["*"],
  run: ({ text }) => {
    throw new RangeError(text);
  },
});

/** Expands to `Add(a, 1)` `times` times in a row. */
export const addMany = defineNode({
  name: "AddMany",
  category: "toy",
  inputs: { a: float(), times: int() },
  outputs: ["FLOAT"],
  run: ({ a, times }, context) => {
    const graph = context.graphBuilder();
    let value: unknown = a;
    let last = graph.node("Number", { value: a });
    for (let index = 0; index < times; index++) {
      last = graph.node("Add", { a: value, b: 1 });
      value = last.out(0);
    }
    return { result: [last.out(0)], expand: graph.finalize() };
  },
});

/** Expands to itself until it has counted down: a recursion. */
export const countDown = defineNode({
  name: "CountDown",
  category: "toy",
  inputs: { from: int(), total: int({ optional: true }) },
  outputs: ["INT"],
  run: ({ from, total = 0 }, context) => {
    if (from === 0) return [total];
    const graph = context.graphBuilder();
    const next = graph.node("CountDown", { from: from - 1, total: total + from });
    return { result: [next.out(0)], expand: graph.finalize() };
  },
});

export const toyNodes: readonly NodeClass[] = [
  number,
  add,
  show,
  range,
  sum,
  choose,
  block,
  sleep,
  fail,
  addMany,
  countDown,
];
