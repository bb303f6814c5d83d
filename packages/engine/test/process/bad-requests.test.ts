/** Requests that no engine can fulfil as they are: each fails where it is wrong, with the reason, and the engine goes on. */
import type { Prompt } from "@rabbitloom/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FailingJobs, GOOD, openFailingJobs } from "../support/failing-jobs.ts";
import {
  checkpointBytes,
  type Layout,
  layoutOf,
  readReference,
} from "../support/random-checkpoint.ts";
import { promptOf, type ShortGraph } from "../support/run-graph.ts";
import { torchBytes } from "../support/torch-bytes.ts";
import { txt2img } from "../support/txt2img.ts";

let jobs: FailingJobs;
beforeAll(async () => {
  jobs = await openFailingJobs({ memoryBudgetBytes: 900e6 });
});
afterAll(() => jobs[Symbol.asyncDispose]());

/** The good prompt with more nodes, and with other inputs of its own. */
function changed(inputs: Record<string, Record<string, unknown>>, added: ShortGraph = {}): Prompt {
  const prompt = txt2img(GOOD);
  const own = Object.entries(prompt).map(([id, node]) => [
    id,
    { ...node, inputs: { ...node.inputs, ...inputs[id] } },
  ]);
  return { ...Object.fromEntries(own), ...promptOf(added) };
}

describe("a value that is not allowed is refused before anything runs:", () => {
  test.each<[string, Record<string, Record<string, unknown>>, string, RegExp]>([
    [
      "an unknown sampler",
      { sampler: { sampler_name: "eular" } },
      "sampler",
      /sampler_name.*eular/,
    ],
    ["an unknown scheduler", { sampler: { scheduler: "fast" } }, "sampler", /scheduler.*fast/],
    ["steps below 1", { sampler: { steps: -3 } }, "sampler", /steps/],
    ["a width of a million", { empty: { width: 1e6 } }, "empty", /width/],
    ["a batch of a hundred thousand", { empty: { batch_size: 1e5 } }, "empty", /batch_size/],
    ["a width that is no number", { empty: { width: "wide" } }, "empty", /width/],
    ["a file that is not there", { model: { ckpt_name: "gone.safetensors" } }, "model", /gone/],
    ["a link of another type", { sampler: { model: ["model", 2] } }, "sampler", /model.*VAE/],
  ])("%s", async (_what, inputs, node, details) => {
    const { state, error } = await jobs.run(changed(inputs));
    expect([state, error?.code]).toEqual(["failed", "VALIDATION_FAILED"]);
    expect(JSON.stringify(error?.nodeErrors?.[node]?.errors)).toMatch(details);
    expect((await jobs.run(txt2img(GOOD))).state).toBe("succeeded");
  });
});

describe("what is larger than the memory fails its node with both figures:", () => {
  test.each<[string, Prompt, string, RegExp]>([
    [
      "a batch of huge pictures",
      changed({ empty: { width: 16384, height: 16384, batch_size: 4096 } }),
      "empty",
      /shape \[4096, 4, 2048, 2048\] would take 274.9 GB; this machine has [\d.]+ GB/,
    ],
    [
      "a picture repeated too often",
      promptOf({
        picture: ["EmptyImage", { width: 4096, height: 4096, batch_size: 1, color: 0 }],
        many: ["RepeatImageBatch", { image: ["picture", 0], amount: 4096 }],
        end: ["PreviewImage", { images: ["many", 0] }],
      }),
      "many",
      /numbers would take 824.6 GB; this machine has [\d.]+ GB/,
    ],
    [
      "a sampling of a huge picture",
      changed({ empty: { width: 4096, height: 4096 } }),
      "sampler",
      /the UNet of "good.safetensors" needs \d+ MB .*to work in.*the memory budget is \d+ MB/,
    ],
  ])("%s", async (_what, prompt, node, message) => {
    await jobs.expectFailure(prompt, { node, message, code: "DEVICE_OUT_OF_MEMORY" });
  });
});

const pair = (layer: string, inputs: number, outputs: number): Layout => ({
  [`${layer}.lora_down.weight`]: [4, inputs],
  [`${layer}.lora_up.weight`]: [outputs, 4],
});
const CROSS_KEYS = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";

describe("a LoRA", () => {
  const lora = (lora_name: string): ShortGraph => ({
    lora: [
      "LoraLoader",
      {
        model: ["model", 0],
        clip: ["model", 1],
        lora_name,
        strength_model: 1,
        strength_clip: 1,
      },
    ],
  });
  const promptWith = (name: string) =>
    changed({ sampler: { model: ["lora", 0] }, prompt: { clip: ["lora", 1] } }, lora(name));

  test("for a model of other widths is refused with both", async () => {
    await jobs.write("loras/wide.safetensors", checkpointBytes(pair(CROSS_KEYS, 2048, 640)));
    const message =
      /"wide.safetensors": it is for another model: its ".*to_k" takes 2048 to 640, the layer of "good.safetensors" 64 to 32/;
    await jobs.expectFailure(promptWith("wide.safetensors"), { node: "lora", message });
  });

  test("of a family with other layers is refused with its first", async () => {
    const layout = pair("lora_unet_joint_blocks_0_x", 8, 8);
    await jobs.write("loras/foreign.safetensors", checkpointBytes(layout));
    const message =
      /"foreign.safetensors" changes no layer of Stable Diffusion 1.x or CLIP-L.*"lora_unet_joint_blocks_0_x"/;
    await jobs.expectFailure(promptWith("foreign.safetensors"), { node: "lora", message });
  });

  test("that fits in part says on its node how many of its layers are used", async () => {
    const layout = {
      ...pair(CROSS_KEYS, 64, 32),
      ...pair("lora_unet_down_blocks_7_attentions_0_proj_in", 8, 8),
      ...pair("lora_te2_text_model_encoder_layers_0_mlp_fc1", 8, 8),
    };
    await jobs.write("loras/partial.safetensors", checkpointBytes(layout));
    const { state, texts } = await jobs.run(promptWith("partial.safetensors"));
    expect(state).toBe("succeeded");
    expect(texts).toEqual([
      expect.stringMatching(
        /^LoRA "partial.safetensors": of its 3 layers, 1 used, 2 without a place in Stable Diffusion 1.x or CLIP-L/,
      ),
    ]);
  });

  test("whose numbers are none is named when they show", async () => {
    const layout = pair(CROSS_KEYS, 64, 32);
    const bad = new Float32Array(4 * 64).fill(Number.NaN);
    const weights = new Map([[`${CROSS_KEYS}.lora_down.weight`, bad]]);
    await jobs.write("loras/nan.safetensors", checkpointBytes(layout, { weights }));
    const message = /the UNet of "good.safetensors" with "nan.safetensors" put out NaN/;
    await jobs.expectFailure(promptWith("nan.safetensors"), { node: "sampler", message });
  });
});

test("a ControlNet for another family is refused with the widths of both", async () => {
  const layout = readReference("control.json").layoutOf("control-sd2");
  await jobs.write("controlnet/two.safetensors", checkpointBytes(layout));
  const prompt = changed(
    { sampler: { positive: ["applied", 0] } },
    {
      picture: ["EmptyImage", { width: 64, height: 64, batch_size: 1, color: 0 }],
      net: ["ControlNetLoader", { control_net_name: "two.safetensors" }],
      applied: [
        "ControlNetApply",
        {
          conditioning: ["prompt", 0],
          control_net: ["net", 0],
          image: ["picture", 0],
          strength: 1,
        },
      ],
      picture2: ["VAEDecode", { samples: ["sampler", 0], vae: ["model", 2] }],
      end: ["SaveImageWebsocket", { images: ["picture2", 0] }],
    },
  );
  const message =
    /"two.safetensors": this ControlNet is for another model: it reads prompts of width 128 .*Stable Diffusion 1.x has 64/;
  await jobs.expectFailure(prompt, { node: "sampler", message });
});

test("a hypernetwork for another family is refused with the widths of both", async () => {
  const layout = {
    "24.0.linear.0.weight": [24, 24],
    "24.0.linear.0.bias": [24],
    "24.1.linear.0.weight": [24, 24],
    "24.1.linear.0.bias": [24],
  };
  await jobs.write("hypernetworks/two.pt", torchBytes(layout, { wrapping: null }));
  const prompt = changed(
    { sampler: { model: ["bent", 0] } },
    {
      bent: [
        "HypernetworkLoader",
        { model: ["model", 0], hypernetwork_name: "two.pt", strength: 1 },
      ],
    },
  );
  const message =
    /"two.pt": this hypernetwork is for another model: .* at widths 24; Stable Diffusion 1.x reads at 64, 32/;
  await jobs.expectFailure(prompt, { node: "bent", message });
});

test("a prompt of another family's text encoder is refused with both widths", async () => {
  await jobs.write(
    "checkpoints/two.safetensors",
    checkpointBytes(layoutOf("sd2"), { type: "F16" }),
  );
  const other: ShortGraph = { other: ["CheckpointLoaderSimple", { ckpt_name: "two.safetensors" }] };
  await jobs.expectFailure(changed({ prompt: { clip: ["other", 1] } }, other), {
    node: "sampler",
    code: "NODE_FAILED",
    message:
      /Stable Diffusion 1.x reads prompts of width 64, got one of 128: was it made with another family's CLIP/,
  });
});

test.each<[string, Record<string, Record<string, unknown>>, ShortGraph, string, RegExp]>([
  [
    "of 16 channels for a VAE of 4",
    { picture: { samples: ["latent", 0] } },
    { latent: ["EmptySD3LatentImage", { width: 64, height: 64, batch_size: 1 }] },
    "picture",
    /the VAE decoder of "good.safetensors" wants latents of 4 channels, got 16/,
  ],
  [
    "of 8 channels for a UNet of 4",
    { sampler: { latent_image: ["latent", 0] } },
    {
      grey: ["EmptyImage", { width: 64, height: 64, batch_size: 1, color: 8421504 }],
      seen: ["VAEEncode", { pixels: ["grey", 0], vae: ["model", 2] }],
      latent: ["LatentConcat", { samples1: ["seen", 0], samples2: ["seen", 0], dim: "t" }],
    },
    "sampler",
    /Stable Diffusion 1.x works on latents of 4 channels, got one of 8/,
  ],
  [
    "of sound for a UNet",
    { sampler: { latent_image: ["latent", 0] } },
    { latent: ["EmptyLatentAudio", { seconds: 1, batch_size: 1 }] },
    "sampler",
    /a latent picture has the shape \[B,C,h,w\], got \[1,64,22\]/,
  ],
])("a latent %s is refused with both shapes", async (_what, inputs, added, node, message) => {
  await jobs.expectFailure(changed(inputs, added), { node, message, code: "NODE_FAILED" });
});

describe("what looks wrong and is not:", () => {
  test("a width that is no multiple of 8 is cut to one, as ComfyUI does", async () => {
    const { state, outputs } = await jobs.run(
      changed(
        { empty: { width: 100, height: 68 } },
        {
          sized: ["GetImageSize", { image: ["picture", 0] }],
          end: ["PreviewAny", { source: ["sized", 0] }],
        },
      ),
    );
    expect(state).toBe("succeeded");
    // Twelve latent pixels, which the small VAE enlarges twofold.
    expect(outputs.end).toEqual({ text: ["24"] });
  });

  test("a mask of another size than the picture is resized", async () => {
    const { state } = await jobs.run(
      changed(
        { sampler: { latent_image: ["masked", 0] } },
        {
          mask: ["SolidMask", { value: 1, width: 13, height: 7 }],
          masked: ["SetLatentNoiseMask", { samples: ["empty", 0], mask: ["mask", 0] }],
        },
      ),
    );
    expect(state).toBe("succeeded");
  });

  test("an inpainting model without a mask fills in the whole picture", async () => {
    const [width = 0, , ...kernel] =
      layoutOf("sd1")["model.diffusion_model.input_blocks.0.0.weight"] ?? [];
    const layout = {
      ...layoutOf("sd1"),
      "model.diffusion_model.input_blocks.0.0.weight": [width, 9, ...kernel],
    };
    await jobs.write("checkpoints/fill.safetensors", checkpointBytes(layout));
    expect((await jobs.run(txt2img("fill.safetensors"))).state).toBe("succeeded");
  });
});

describe("an embedding that cannot be used is left out, and the node says why:", () => {
  test("one of another width, one that is not there", async () => {
    await jobs.write("embeddings/wide.safetensors", checkpointBytes({ emb_params: [2, 1024] }));
    const { state, texts } = await jobs.run(
      changed({ prompt: { text: "a cat, embedding:wide, embedding:gone" } }),
    );
    expect(state).toBe("succeeded");
    expect(texts).toEqual([
      'The embedding "wide.safetensors" has vectors of width 1024; the text encoder (CLIP-L) reads 64. It is left out.\n' +
        'There is no embedding "gone".',
    ]);
  });

  test("a file that is none fails the node by its name", async () => {
    await jobs.write("embeddings/page.safetensors", Buffer.from("<html>"));
    await jobs.expectFailure(changed({ prompt: { text: "a cat, embedding:page" } }), {
      node: "prompt",
      message: /"page.safetensors".*a web page/,
    });
  });
});
