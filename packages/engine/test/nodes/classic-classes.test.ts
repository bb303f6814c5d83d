import { expect, test } from "vitest";
import { coreNodes } from "../../src/nodes/core-nodes.ts";

/** All that the 47 workflows of ComfyUI's examples for Stable Diffusion 1, 2, XL and Zero123 are made of. */
const CLASSES = [
  ["CheckpointLoaderSimple", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode"],
  ["SaveImage", "LatentUpscale", "LatentUpscaleBy", "VAELoader", "CLIPSetLastLayer"],
  ["ConditioningCombine", "ConditioningSetArea", "LoadImage", "VAEEncode", "VAEEncodeForInpaint"],
  ["ImagePadForOutpaint", "ImageScale", "PreviewImage", "LoraLoader", "ModelSamplingDiscrete"],
  ["KSamplerAdvanced", "LatentComposite", "ControlNetLoader", "ControlNetApply"],
  ["DiffControlNetLoader", "ModelMergeSimple", "ModelMergeBlocks", "ModelMergeAdd"],
  ["ModelMergeSubtract", "RepeatLatentBatch", "unCLIPCheckpointLoader", "CLIPVisionLoader"],
  ["CLIPVisionEncode", "unCLIPConditioning", "ConditioningZeroOut", "UpscaleModelLoader"],
  ["ImageUpscaleWithModel", "HypernetworkLoader", "SamplerCustom", "KSamplerSelect"],
  ["SDTurboScheduler", "SamplerCustomAdvanced", "BasicScheduler", "RandomNoise", "DualCFGGuider"],
  ["InstructPixToPixConditioning", "GLIGENLoader", "GLIGENTextBoxApply", "CLIPMergeAdd"],
  ["CLIPMergeSubtract", "ModelMergeSDXL", "ModelSamplingContinuousEDM"],
  ["ImageOnlyCheckpointLoader", "StableZero123_Conditioning"],
].flat();

test("every class of the classic example workflows is there", () => {
  const names = new Set(coreNodes().map(({ name }) => name));
  expect(CLASSES).toHaveLength(54);
  expect(CLASSES.filter((name) => !names.has(name))).toEqual([]);
});
