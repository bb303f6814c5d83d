import { combo, defineNode, float, int } from "@rabbitloom/engine";
import { filled, picture } from "./pictures.ts";

const category = "Testing/Stub Nodes";

const sizes = {
  height: int({ default: 512, min: 1, max: 1024 ** 3, step: 1 }),
  width: int({ default: 512, min: 1, max: 4096 ** 3, step: 1 }),
  batch_size: int({ default: 1, min: 1, max: 1024 ** 3, step: 1 }),
};

const CONTENT = { WHITE: () => 1, BLACK: () => 0, NOISE: Math.random } as const;

export const stubImage = defineNode({
  name: "StubImage",
  displayName: "Stub Image",
  category,
  inputs: { content: combo(["WHITE", "BLACK", "NOISE"]), ...sizes },
  outputs: ["IMAGE"],
  run: ({ content, height, width, batch_size }) => [
    filled([batch_size, height, width, 3], CONTENT[content]),
  ],
});

const value = float({ default: 0.5, min: 0, max: 1, step: 0.01 });

export const stubConstantImage = defineNode({
  name: "StubConstantImage",
  displayName: "Stub Constant Image",
  category,
  inputs: { value, ...sizes },
  outputs: ["IMAGE"],
  run: ({ value, height, width, batch_size }) => [picture(value, batch_size, height, width)],
});

export const stubMask = defineNode({
  name: "StubMask",
  displayName: "Stub Mask",
  category,
  inputs: { value, ...sizes },
  outputs: ["MASK"],
  run: ({ value, height, width, batch_size }) => [filled([batch_size, height, width], () => value)],
});

export const stubInt = defineNode({
  name: "StubInt",
  displayName: "Stub Int",
  category,
  inputs: { value: int({ default: 0, min: -0xffffffff, max: 0xffffffff, step: 1 }) },
  outputs: ["INT"],
  run: ({ value }) => [value],
});

export const stubFloat = defineNode({
  name: "StubFloat",
  displayName: "Stub Float",
  category,
  inputs: { value: float({ default: 0, min: -1e38, max: 1e38, step: 0.01 }) },
  outputs: ["FLOAT"],
  run: ({ value }) => [value],
});
