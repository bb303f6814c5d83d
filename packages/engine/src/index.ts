export { isFloatAt } from "@rabbitloom/workflow";
export type { ComfyOptions, PromptOptions } from "./comfy/comfy.ts";
export { Comfy } from "./comfy/comfy.ts";
export type { ComfyFile, ComfyOutput, ComfyOutputs } from "./comfy/outputs.ts";
export { PromptFailedError, PromptRefusedError } from "./comfy/prompt-errors.ts";
export type { ComfyEvent, ComfyPreview, PromptTask } from "./comfy/prompt-task.ts";
export type { RunOutcome } from "./execute/outcome.ts";
export type { CachePolicy } from "./execute/result-cache.ts";
export { machineMemoryBytes } from "./machine-memory.ts";
export { nodeCatalogEntry } from "./nodes/catalog-entry.ts";
export type {
  CheckContext,
  DynamicPrompt,
  FileAccess,
  FolderType,
  ModelFiles,
  NameAllocator,
  NameRequest,
  NodeContext,
  PreviewImage,
  PromptNode,
} from "./nodes/context.ts";
export type {
  HiddenInputs,
  HiddenValues,
  NodeClass,
  NodeDefinition,
  NodeInputs,
  NodeOutput,
  NodeReturn,
  NodeValidation,
} from "./nodes/define-node.ts";
export { defineNode } from "./nodes/define-node.ts";
export type { BuiltNode, ExpandGraph, GraphBuilder } from "./nodes/graph-builder.ts";
export type { NodeInput } from "./nodes/input.ts";
export {
  any,
  boolean,
  clip,
  combo,
  conditioning,
  custom,
  float,
  image,
  inputFile,
  int,
  latent,
  mask,
  model,
  modelFile,
  string,
  vae,
} from "./nodes/input.ts";
export type { LoadedPack } from "./nodes/load-pack.ts";
export { loadPack } from "./nodes/load-pack.ts";
export type { NodeRegistry } from "./nodes/registry.ts";
export { createRegistry, nodeCatalog } from "./nodes/registry.ts";
export { firstFreeNumber } from "./nodes/saving/first-free-number.ts";
export { startOfUnfinished, unfinishedStart } from "./nodes/saving/write-new.ts";
export type { Link, NodeValues, ValueOfType } from "./nodes/values.ts";
export { ExecutionBlocker, isBlocker, isLink } from "./nodes/values.ts";
export type {
  Engine,
  EngineCatalog,
  EngineJob,
  EngineOptions,
  FreeOptions,
} from "./process/engine.ts";
export { openEngine } from "./process/open-engine.ts";
export type { Latent, Tensor } from "./tensor.ts";
export { elementCount, tensor } from "./tensor.ts";
