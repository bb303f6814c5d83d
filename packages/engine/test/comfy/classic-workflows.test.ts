/**
 * The workflows of ComfyUI_examples (commit f9431bb) whose models are Stable Diffusion 1, 2, XL or Zero123, as their pictures
 * carry them, through the embedded engine: 32 of the 47 are recorded. They lie beside the repository, not in it. Models are small
 * random files of the architecture that the workflow's name stands for, in files of the form that its extension says.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Prompt } from "@rabbitloom/protocol";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { Comfy } from "../../src/index.ts";
import { coreNodes } from "../../src/nodes/core-nodes.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { writeModels } from "../support/classic-models.ts";
import { smallPrompt } from "../support/small-prompt.ts";

const folder = new URL("../../../../../shared/golden/workflows/", import.meta.url);
const recorded = existsSync(folder)
  ? readdirSync(folder).filter((name) => name.endsWith(".json"))
  : [];

const recordedSchema = z.object({
  prompt: z.record(
    z.string(),
    z.object({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) }),
  ),
});

function promptIn(name: string): Prompt {
  return recordedSchema.parse(JSON.parse(readFileSync(new URL(name, folder), "utf8"))).prompt;
}

/** The sizes of the pictures that each shows, by the rule of `smallPrompt`. */
const classic: Readonly<Record<string, string>> = {
  "2_pass_txt2img__hiresfix_esrgan_workflow": "192x192 96x96",
  "2_pass_txt2img__hiresfix_latent_workflow": "160x160 96x96",
  "3d__stable_zero123_example": "32x32",
  area_composition__morning_day_evening_night: "128x256 96x160",
  area_composition__night_evening_day_morning_subject: "128x256 96x160",
  area_composition__square_area_for_2_subjects: "160x96 256x128",
  area_composition__square_area_for_subject: "160x96 256x128",
  area_composition__workflow_night_evening_day_morning: "128x256 96x160",
  controlnet__controlnet_example: "64x64",
  controlnet__depth_controlnet: "96x64",
  controlnet__mixing_controlnets: "96x96",
  gligen__gligen_textbox_example: "96x96",
  hypernetworks__hypernetwork_example: "64x64",
  hypernetworks__hypernetwork_example_output: "64x64",
  inpaint__inpain_model_cat: "128x96",
  inpaint__inpain_model_outpainting: "128x128",
  inpaint__inpaint_anythingv3_woman: "128x96",
  inpaint__inpaint_example: "128x96",
  lcm__lcm_basic_example: "128x128",
  lora__lora: "64x64",
  model_merging__model_merging_3_checkpoints: "64x64 64x64 64x64 64x64",
  model_merging__model_merging_basic: "64x64 64x64 64x64 64x64",
  model_merging__model_merging_inpaint: "128x96 128x96 128x96 128x96",
  model_merging__model_merging_lora: "64x64 64x64 64x64 64x64",
  noisy_latent_composition__noisy_latents_3_subjects_: "256x128",
  sdturbo__sdxlturbo_example: "64x64",
  sdxl__sdxl_refiner_prompt_example: "128x128",
  sdxl__sdxl_revision_zero_positive: "128x128",
  sdxl__sdxl_simple_example: "128x128",
  unclip__unclip_2pass: "160x96 256x128",
  unclip__unclip_example: "96x96",
  upscale_models__esrgan_example: "128x128",
};

/** What each of the others asks for that is not there; nothing where only its model is of a family that is not run. */
const others: Readonly<Record<string, string>> = {
  "aura_flow__aura_flow_0.2_example": "",
  chroma__chroma_example: "T5TokenizerOptions",
  chroma__fennec_girl_hug: "T5TokenizerOptions",
  chroma__fennec_girl_sing: "FreSca T5TokenizerOptions",
  cosmos_predict2__cosmos_predict2_2b_t2i_example: "",
  flux2__flux2_example: "EmptyFlux2LatentImage Flux2Scheduler FluxGuidance",
  flux__flux_canny_model_example: "FluxGuidance",
  flux__flux_controlnet_example: "FluxGuidance",
  flux__flux_dev_checkpoint_example: "FluxGuidance",
  flux__flux_dev_example: "FluxGuidance",
  flux__flux_kontext_example: "FluxGuidance ReferenceLatent",
  flux__flux_kontext_example_comic: "FluxGuidance ReferenceLatent",
  flux__flux_schnell_checkpoint_example: "",
  flux__flux_schnell_example: "",
  "hidream__hidream_e1.1_example": "QuadrupleCLIPLoader",
  hidream__hidream_e1_example: "QuadrupleCLIPLoader",
  "hunyuan_dit__hunyuan_dit_1.2_example": "",
  hunyuan_video__hunyuan_video_image_to_video_v2:
    "FluxGuidance HunyuanImageToVideo TextEncodeHunyuanVideo_ImageToVideo",
  "ltxv__ltxv_image_to_video.0.9.5":
    "LTXVAddGuide LTXVConditioning LTXVCropGuides LTXVPreprocess LTXVScheduler",
  "ltxv__ltxv_image_to_video_simple.0.9.5":
    "LTXVConditioning LTXVImgToVideo LTXVPreprocess LTXVScheduler",
  lumina2__lumina2_basic_example: "",
  mochi__mochi_simple_checkpoint: "",
  omnigen__omnigen2_example: "ReferenceLatent",
  qwen_image__qwen_image_edit_2509_basic_example: "TextEncodeQwenImageEditPlus",
  qwen_image__qwen_image_edit_basic_example: "TextEncodeQwenImageEdit",
  "sd3__sd3.5_simple_example": "",
  "sd3__sd3.5_text_encoders_example": "TripleCLIPLoader",
  sd3__sd3_controlnet_example: "",
  sd3__sd3_simple_example: "",
  stable_cascade__stable_cascade__image_remixing: "StableCascade_StageB_Conditioning",
  stable_cascade__stable_cascade__image_remixing_multiple: "StableCascade_StageB_Conditioning",
  stable_cascade__stable_cascade__inpaint_controlnet: "StableCascade_StageB_Conditioning",
  stable_cascade__stable_cascade__text_to_image: "StableCascade_StageB_Conditioning",
  video__image_to_video: "SVD_img2vid_Conditioning",
  wan22__image_to_video_wan22_14B: "SaveWEBM WanImageToVideo",
  wan22__text_to_video_wan22_14B: "SaveWEBM",
  wan__camera_image_to_video_wan_example: "WanCameraEmbedding WanCameraImageToVideo",
  wan__image_to_video_wan_720p_example: "WanImageToVideo",
  wan__text_to_video_wan: "",
  z_image__z_image_turbo_example: "",
};

if (recorded.length === 0) {
  test("NOTICE: ../shared/golden/workflows is not there, so the 32 recorded classic workflows were not run", () => {
    console.warn(`no recorded workflows in ${folder.pathname}: they were not run`);
    expect(existsSync(folder)).toBe(false);
  });
}

/** Many processes may share the machine with the tests; alone, the slowest takes some seconds. */
const SLOW_MS = 600_000;

describe.runIf(recorded.length > 0)("of the recorded workflows", () => {
  let root = "";
  let comfy: Comfy;
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), "classic-workflows-"));
    await writeModels(path.join(root, "models"));
    await mkdir(path.join(root, "input"));
    comfy = new Comfy({
      models: path.join(root, "models"),
      input: path.join(root, "input"),
      output: path.join(root, "output"),
    });
  }, SLOW_MS);
  afterAll(async () => {
    await comfy[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });

  test.each(Object.entries(classic))(
    "%s shows its pictures",
    async (name, sizes) => {
      const prompt = smallPrompt(promptIn(`${name}.json`));
      await drawInputs(prompt, path.join(root, "input"));
      const outputs = await comfy.queuePrompt(prompt);
      const files = Object.values(outputs).flatMap(({ images = [] }) => images);
      const pictures = await Promise.all(files.map(({ abs_path }) => look(abs_path)));
      expect(
        pictures
          .map(({ size }) => size)
          .sort()
          .join(" "),
      ).toBe(sizes);
      for (const { spread } of pictures) expect(spread).toBeGreaterThan(1);
    },
    SLOW_MS,
  );

  test("those that need other classes are these, and the classes are known", () => {
    const known = new Set(coreNodes({ runtime: createRuntime() }).map(({ name }) => name));
    const missing = recorded
      .map((file) => path.basename(file, ".json"))
      .filter((name) => !Object.hasOwn(classic, name))
      .map((name) => {
        const classes = Object.values(promptIn(`${name}.json`)).map((node) => node.class_type);
        return [
          name,
          [...new Set(classes)]
            .filter((used) => !known.has(used))
            .sort()
            .join(" "),
        ] as const;
      });
    expect(Object.fromEntries(missing)).toEqual(others);
  });
});

const PICTURE = { width: 128, height: 96 };

/** Colours that run into each other, with a hole in the middle where a workflow may want one filled. */
async function drawInputs(prompt: Prompt, input: string): Promise<void> {
  const { width, height } = PICTURE;
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isHole = Math.abs(x - width / 2) < width / 6 && Math.abs(y - height / 2) < height / 6;
      const color = [(255 * x) / width, (255 * y) / height, 128, isHole ? 0 : 255];
      pixels.set(color.map(Math.floor), (y * width + x) * 4);
    }
  }
  for (const { inputs, class_type } of Object.values(prompt)) {
    if (class_type !== "LoadImage" || typeof inputs.image !== "string") continue;
    const image = sharp(pixels, { raw: { width, height, channels: 4 } });
    await image.png().toFile(path.join(input, inputs.image));
  }
}

/** A picture of one colour has no spread. */
async function look(file: string): Promise<{ readonly size: string; readonly spread: number }> {
  const { channels } = await sharp(file).stats();
  const { width, height } = await sharp(file).metadata();
  return { size: `${width}x${height}`, spread: Math.max(...channels.map(({ stdev }) => stdev)) };
}
