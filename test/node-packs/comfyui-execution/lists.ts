import { any, custom, defineNode, int } from "@rabbitloom/engine";
import { IndexError } from "./errors.ts";
import { variantTypes } from "./variant-types.ts";

const category = "Testing/Lists";

/** A list that travels as one value. Never changed, always copied. */
interface Accumulation {
  readonly accum: readonly unknown[];
}

const accumulation = custom<Accumulation>("ACCUMULATION");

const accumulateInputs = {
  to_add: any(),
  accumulation: custom<Accumulation>("ACCUMULATION", { optional: true }),
};

export const testAccumulateNode = defineNode({
  name: "TestAccumulateNode",
  displayName: "Accumulate",
  category,
  inputs: accumulateInputs,
  outputs: ["ACCUMULATION"],
  validate: variantTypes(accumulateInputs),
  run: ({ to_add, accumulation }) => [{ accum: [...(accumulation?.accum ?? []), to_add] }],
});

const oneInput = { accumulation };

export const testAccumulationHeadNode = defineNode({
  name: "TestAccumulationHeadNode",
  displayName: "Accumulation Head",
  category,
  inputs: oneInput,
  outputs: ["ACCUMULATION", "*"],
  validate: variantTypes(oneInput),
  run({ accumulation }) {
    const [first, ...rest] = accumulation.accum;
    return accumulation.accum.length === 0 ? [accumulation, null] : [{ accum: rest }, first];
  },
});

/** Of an empty accumulation the outputs come the other way round, as in the node that this one stands for. */
export const testAccumulationTailNode = defineNode({
  name: "TestAccumulationTailNode",
  displayName: "Accumulation Tail",
  category,
  inputs: oneInput,
  outputs: ["ACCUMULATION", "*"],
  run({ accumulation }) {
    const { accum } = accumulation;
    return accum.length === 0
      ? [null, accumulation]
      : [{ accum: accum.slice(0, -1) }, accum.at(-1)];
  },
});

export const testAccumulationToListNode = defineNode({
  name: "TestAccumulationToListNode",
  displayName: "Accumulation to List",
  category,
  inputs: oneInput,
  outputs: [{ type: "*", isList: true }],
  validate: variantTypes(oneInput),
  run: ({ accumulation }) => [accumulation.accum],
});

const listInputs = { list: any() };

export const testListToAccumulationNode = defineNode({
  name: "TestListToAccumulationNode",
  displayName: "List to Accumulation",
  category,
  inputs: listInputs,
  inputIsList: true,
  outputs: ["ACCUMULATION"],
  validate: variantTypes(listInputs),
  run: ({ list }) => [{ accum: [...list] }],
});

export const testAccumulationGetLengthNode = defineNode({
  name: "TestAccumulationGetLengthNode",
  displayName: "Accumulation Get Length",
  category,
  inputs: oneInput,
  outputs: ["INT"],
  validate: variantTypes(oneInput),
  run: ({ accumulation }) => [accumulation.accum.length],
});

const getInputs = { accumulation, index: int({ default: 0, step: 1 }) };

export const testAccumulationGetItemNode = defineNode({
  name: "TestAccumulationGetItemNode",
  displayName: "Accumulation Get Item",
  category,
  inputs: getInputs,
  outputs: ["*"],
  validate: variantTypes(getInputs),
  run: ({ accumulation, index }) => [accumulation.accum[position(accumulation, index)]],
});

const setInputs = { ...getInputs, value: any() };

export const testAccumulationSetItemNode = defineNode({
  name: "TestAccumulationSetItemNode",
  displayName: "Accumulation Set Item",
  category,
  inputs: setInputs,
  outputs: ["ACCUMULATION"],
  validate: variantTypes(setInputs),
  run: ({ accumulation, index, value }) => [
    { accum: accumulation.accum.with(position(accumulation, index), value) },
  ],
});

/** Negative positions count from the end. */
function position({ accum }: Accumulation, index: number): number {
  const at = index < 0 ? index + accum.length : index;
  if (at < 0 || at >= accum.length)
    throw new IndexError(`there is no item ${index} among ${accum.length}`);
  return at;
}

const item = any({ optional: true });
const makeListInputs = {
  value1: any({ showAsOptionalToo: true }),
  value2: item,
  value3: item,
  value4: item,
  value5: item,
  value6: item,
  value7: item,
  value8: item,
  value9: item,
};

/** A list of the values that are there, by their numbers; `value0` is not declared and comes first. */
export const testMakeListNode = defineNode({
  name: "TestMakeListNode",
  displayName: "Make List",
  category,
  inputs: makeListInputs,
  outputs: [{ type: "*", isList: true }],
  validate: variantTypes(makeListInputs),
  run(inputs, { undeclared }) {
    const given = new Map([...Object.entries(undeclared), ...Object.entries(inputs)]);
    const names = Array.from({ length: 10 }, (_, i) => `value${i}`);
    return [names.filter((name) => given.has(name)).map((name) => given.get(name))];
  },
});
