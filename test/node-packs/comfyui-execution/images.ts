import { custom, defineNode, float, image, mask, type Tensor, tensor } from "@rabbitloom/engine";
import { broadcast, isTensor, scaled } from "./pictures.ts";

const category = "Testing/Nodes";

/** Mixes two pictures by a mask, and asks only for those that the mask lets through. */
export const testLazyMixImages = defineNode({
  name: "TestLazyMixImages",
  displayName: "Lazy Mix Images",
  category,
  inputs: { image1: image({ lazy: true }), image2: image({ lazy: true }), mask: mask() },
  outputs: ["IMAGE"],
  checkLazyStatus({ image1, image2, mask }) {
    const values = mask?.data ?? new Float32Array();
    return [
      ...(image1 === null && values.some((value) => value !== 1) ? ["image1"] : []),
      ...(image2 === null && values.some((value) => value !== 0) ? ["image2"] : []),
    ];
  },
  run({ image1, image2, mask }) {
    if (mask.data.every((value) => value === 0)) return [needed(image1, "image1")];
    if (mask.data.every((value) => value === 1)) return [needed(image2, "image2")];
    const [batch = 1, height = 1, width = 1] =
      mask.shape.length === 2 ? [1, ...mask.shape] : mask.shape;
    const weights = tensor([batch, height, width, 1], mask.data);
    const pictures = [needed(image1, "image1"), needed(image2, "image2"), weights];
    return [broadcast(pictures, ([a = 0, b = 0, share = 0]) => a * (1 - share) + b * share)];
  },
});

function needed(picture: Tensor | null, name: string): Tensor {
  if (picture === null) throw new TypeError(`${name} was not computed`);
  return picture;
}

/** The mean of input1 and of as many input2, input3, ... as are linked without a gap. */
export const testVariadicAverage = defineNode({
  name: "TestVariadicAverage",
  displayName: "Variadic Average",
  category,
  inputs: { input1: image() },
  outputs: ["IMAGE"],
  run({ input1 }, { undeclared }) {
    const pictures = [input1];
    for (
      let next = undeclared.input2;
      next !== undefined;
      next = undeclared[`input${pictures.length + 1}`]
    ) {
      if (!isTensor(next)) throw new TypeError(`input${pictures.length + 1} is no picture`);
      if (next.shape.join() !== input1.shape.join()) {
        throw new Error(
          `input${pictures.length + 1} is [${next.shape.join()}], input1 is [${input1.shape.join()}]`,
        );
      }
      pictures.push(next);
    }
    const sum = new Float64Array(input1.data.length);
    for (const { data } of pictures)
      data.forEach((value, i) => {
        sum[i] = (sum[i] ?? 0) + value;
      });
    return [
      tensor(
        input1.shape,
        Float32Array.from(sum, (value) => value / pictures.length),
      ),
    ];
  },
});

/** Hands the picture on; says that it has changed whenever it is told to. */
export const testCustomIsChanged = defineNode({
  name: "TestCustomIsChanged",
  displayName: "Custom IsChanged",
  category,
  inputs: {
    image: image(),
    should_change: custom<boolean>("BOOL", { default: false, optional: true }),
  },
  outputs: ["IMAGE"],
  isChanged: ({ should_change }) => (should_change ? Number.NaN : false),
  run: ({ image }) => [image],
});

/** Its change value would be a mean of the picture; a link is never there, so it is the constant. */
export const testIsChangedWithConstants = defineNode({
  name: "TestIsChangedWithConstants",
  displayName: "IsChanged With Constants",
  category,
  inputs: { image: image(), value: float({ default: 1, min: 0, max: 10 }) },
  outputs: ["IMAGE"],
  isChanged({ image, value }) {
    if (image === null || image === undefined || typeof value !== "number") return value;
    return (image.data.reduce((sum, each) => sum + each, 0) / image.data.length) * value;
  },
  run: ({ image, value }) => [scaled(image, value)],
});

/** An output node with an output: others may depend on it. */
export const testOutputNodeWithSocketOutput = defineNode({
  name: "TestOutputNodeWithSocketOutput",
  displayName: "Test Output Node With Socket Output",
  category: "_for_testing",
  inputs: { image: image(), value: float({ default: 1, min: 0, max: 10 }) },
  outputs: ["IMAGE"],
  isOutputNode: true,
  run: ({ image, value }) => [scaled(image, value)],
});
