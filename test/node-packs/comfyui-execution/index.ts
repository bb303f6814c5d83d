/**
 * The nodes of ComfyUI's execution suite under their very names, so that the suite can be run against this server, and so
 * that our own tests show the same behaviours.
 */
import type { NodeClass } from "@rabbitloom/engine";
import * as asyncNodes from "./async-nodes.ts";
import * as asyncValidation from "./async-validation.ts";
import * as customValidation from "./custom-validation.ts";
import * as expansion from "./expansion.ts";
import * as images from "./images.ts";
import * as lists from "./lists.ts";
import * as logic from "./logic.ts";
import * as loops from "./loops.ts";
import { testDynamicAsyncGeneration, testParallelSleep, testSleep } from "./sleeping.ts";
import * as stubs from "./stubs.ts";

export const nodes: readonly NodeClass[] = [
  ...Object.values(images),
  ...Object.values(customValidation),
  ...Object.values(expansion),
  testSleep,
  testParallelSleep,
  testDynamicAsyncGeneration,
  ...Object.values(loops),
  ...Object.values(lists),
  ...Object.values(logic),
  ...Object.values(stubs),
  ...Object.values(asyncValidation),
  ...Object.values(asyncNodes),
].map((node) => ({ ...node, module: "custom_nodes.testing-pack" }));
