import { afterAll, beforeAll, expect, test } from "vitest";
import { loadCheckpoint, loadVae } from "../../src/models/checkpoint.ts";
import type { DiffusionModel } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { tensor } from "../../src/tensor.ts";
import { openWorkbench } from "../nodes/evaluate.ts";
import {
  checkpointBytes,
  drawn,
  layoutOf,
  openFolder,
  relativeError,
} from "../support/random-checkpoint.ts";

const runtime = createRuntime();
let folder: Awaited<ReturnType<typeof openFolder>>;
let model: DiffusionModel;
beforeAll(async () => {
  folder = await openFolder();
  const file = await folder.write("sd1.safetensors", checkpointBytes(layoutOf("sd1")));
  ({ model } = await loadCheckpoint(runtime, { file }));
});
afterAll(async () => {
  await runtime[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** The decoder of the layout alone, as the files of vae_approx are: the drawn weights depend on the full key. */
function decoderLayout(channels = 4) {
  const entries = Object.entries(layoutOf("taesd")).flatMap(([key, shape]) =>
    key.startsWith("taesd_decoder.") ? [[key.slice("taesd_decoder.".length), shape] as const] : [],
  );
  const [first, second = 0, ...rest] = layoutOf("taesd")["taesd_decoder.1.weight"] ?? [];
  const layout = Object.fromEntries(entries);
  return { ...layout, "1.weight": [first ?? 0, channels === 4 ? second : channels, ...rest] };
}

/** KSampler with so many steps and the files in vae_approx; its previews and what it said. */
async function sampled(file: string) {
  await using bench = await openWorkbench();
  const previews: { width: number; height: number; bytes: Uint8Array }[] = [];
  const texts: string[] = [];
  const prompt = [{ context: drawn("prompt", 1, 77, model.network.contextWidth) }];
  const inputs = {
    model: slow(model),
    positive: prompt,
    negative: prompt,
    seed: 1,
    steps: 6,
    cfg: 1,
    denoise: 1,
  };
  const latent_image = { samples: tensor([1, 4, 8, 8]) };
  await bench.call(
    "KSampler",
    { ...inputs, sampler_name: "euler", scheduler: "normal", latent_image },
    {
      models: { list: () => ["taesd_decoder.safetensors"], path: () => file },
      progress: (_value, _max, preview) => void (preview && previews.push(preview)),
      sendText: (text) => void texts.push(text),
    },
  );
  return { previews, texts };
}

/** Leaves a step time for its picture. */
function slow(fast: DiffusionModel): DiffusionModel {
  const predict: typeof fast.network.predict = async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return await fast.network.predict(...args);
  };
  return { ...fast, network: { ...fast.network, predict } };
}

test("a file with nothing but the decoder decodes as one with both halves does", async () => {
  const both = await folder.write("both.safetensors", checkpointBytes(layoutOf("taesd")));
  const decode = await model.network.openPreviewDecoder?.(both);
  const latent = drawn("latent", 1, 4, 4, 4);
  const pixels = await decode?.(latent);
  const picture = await (await loadVae(runtime, both)).decode(latent);
  const [, height = 0, width = 0] = picture.shape;
  const rows = tensor([1, height, width, 3]);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) {
      const value = pixels?.data[c * height * width + i] ?? 0;
      rows.data[3 * i + c] = Math.min(Math.max(value, 0), 1);
    }
  }
  expect(relativeError(rows, picture)).toBeLessThan(1e-6);

  const alone = await folder.write("alone.safetensors", checkpointBytes(decoderLayout()));
  const decodeAlone = await model.network.openPreviewDecoder?.(alone);
  expect((await decodeAlone?.(latent))?.shape).toEqual(pixels?.shape);
});

test("where vae_approx has the family's decoder a sampling opens it and goes on as ever", async () => {
  const file = await folder.write("good.safetensors", checkpointBytes(decoderLayout()));
  const { previews, texts } = await sampled(file);
  expect(previews.length).toBeGreaterThan(0);
  expect(texts).toEqual([]);
});

test("a decoder that does not fit costs a remark that names it, and the linear map draws", async () => {
  const file = await folder.write("other.safetensors", checkpointBytes(decoderLayout(16)));
  const { previews, texts } = await sampled(file);
  expect(previews.length).toBeGreaterThan(0);
  expect(texts).toEqual([
    expect.stringMatching(/^Previews are rough: .*other\.safetensors.* 16 channels.* has 4$/),
  ]);
});
