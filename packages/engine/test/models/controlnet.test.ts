/**
 * Small random ControlNets beside small random UNets against PyTorch: the largest difference is at most 1e-5 of the largest
 * value. ../fixtures/models/make-control.py made the numbers.
 */
import { expect, test } from "vitest";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { loadControlNet } from "../../src/models/control-net-file.ts";
import { channelsLast } from "../../src/models/layout.ts";
import { loadLora } from "../../src/models/lora-file.ts";
import { type DiffusionModel, predict } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import {
  type CheckpointOptions,
  checkpointBytes,
  drawn,
  type Layout,
  layoutOf,
  openFolder,
  readReference,
  relativeError,
} from "../support/random-checkpoint.ts";

const TOLERANCE = 1e-5;
const control = readReference("control.json");
const STRENGTH = 0.75;
const UNET = "model.diffusion_model.";

interface NetFile {
  readonly layout: Layout;
  readonly options?: CheckpointOptions;
  /** @default net.safetensors */
  readonly name?: string;
}

async function open(
  family: string,
  { layout, options, name = "net.safetensors" }: NetFile,
  weights?: ReadonlyMap<string, Float32Array>,
) {
  const folder = await openFolder();
  const runtime = createRuntime();
  const unet = Object.entries(layoutOf(family)).filter(([key]) => key.startsWith(UNET));
  const metadata = family === "sdxl" ? { "rabbitloom.family": family } : {};
  const bytes = checkpointBytes(Object.fromEntries(unet), {
    metadata,
    ...(weights === undefined ? {} : { weights }),
  });
  const { model } = await loadCheckpoint(runtime, {
    file: await folder.write("model.safetensors", bytes),
  });
  const file = await folder.write(name, checkpointBytes(layout, options));
  return {
    model,
    runtime,
    load: (base?: DiffusionModel) =>
      loadControlNet(runtime, { file, ...(base === undefined ? {} : { base }) }),
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** IMAGE [1,48,80,3] */
const picture = channelsLast(drawn("hint", 1, 3, 48, 80), (value) => (value + 1) / 2);

/** What the model says with the net's residuals, and the residual for the middle before its strength. */
async function controlled(
  { model, load }: Pick<Awaited<ReturnType<typeof open>>, "model" | "load">,
  kind: number | null = null,
) {
  const { contextWidth, vectorWidth } = model.network;
  const inputs = {
    x: drawn("x", 1, 4, 6, 10),
    timesteps: Float32Array.of(500),
    context: drawn("context", 1, 77, contextWidth),
    ...(vectorWidth > 0 ? { y: drawn("y", 1, vectorWidth) } : {}),
  };
  const net = (await load()).ofKind(kind);
  const residuals = await net
    .attach(model, { image: picture, batch: 1, height: 6, width: 10 })
    .run(inputs, STRENGTH);
  const middle = tensor(
    residuals.middle?.shape ?? [],
    residuals.middle?.data.map((value) => value / STRENGTH),
  );
  return { unet: await predict(model, { ...inputs, control: residuals }), middle };
}

function expectClose(actual: { unet: Tensor; middle: Tensor }, output: string): void {
  expect(relativeError(actual.middle, control.expected(output, "middle"))).toBeLessThan(TOLERANCE);
  expect(relativeError(actual.unet, control.expected(output, "unet"))).toBeLessThan(TOLERANCE);
}

test.each(["sd1", "sd2", "sdxl"])("a ControlNet of %s adds what PyTorch adds", async (family) => {
  await using opened = await open(family, { layout: control.layoutOf(`control-${family}`) });
  expectClose(await controlled(opened), `control-${family}`);
});

test("a file for shuffled pictures adds the same all over the map", async () => {
  const layout = control.layoutOf("control-sd1");
  await using opened = await open("sd1", { layout, name: "control_shuffle.safetensors" });
  expectClose(await controlled(opened), "control-shuffle");
});

test("a Control-LoRA adds what its model with the narrow matrices adds", async () => {
  await using opened = await open("sd1", { layout: control.layoutOf("control-lora") });
  expectClose(await controlled(opened), "control-lora");
});

test("a net for several kinds of pictures is told the kind, or finds it out", async () => {
  await using opened = await open("sdxl", { layout: control.layoutOf("control-union") });
  expect((await opened.load()).kinds).toBe(6);
  expectClose(await controlled(opened), "control-union");
  expectClose(await controlled(opened, 3), "control-union-kind");
});

test("a net under diffusers' names is the same net", async () => {
  const own = control.layoutOf("control-union");
  const layout = Object.fromEntries(
    Object.entries(own).map(([key, shape]) => [diffusersName(key), shape]),
  );
  expect(layout).toHaveProperty(["down_blocks.0.resnets.0.norm1.weight"]);
  await using first = await open("sdxl", { layout: own });
  const weights = new Map(
    Object.entries(own).map(([key, shape]) => [diffusersName(key), drawn(key, ...shape).data]),
  );
  const plain = new Map(
    Object.entries(own).map(([key, shape]) => [key, drawn(key, ...shape).data]),
  );
  await using second = await open("sdxl", { layout, options: { weights } });
  await using third = await open("sdxl", { layout: own, options: { weights: plain } });
  expect(await controlled(second, 3)).toEqual(await controlled(third, 3));
  expect(await controlled(second, 3)).not.toEqual(await controlled(first, 3));
});

/** The other way round than the reader; of two levels with one residual block each. */
function diffusersName(key: string): string {
  return key
    .replace("time_embed.0", "time_embedding.linear_1")
    .replace("time_embed.2", "time_embedding.linear_2")
    .replace("label_emb.0.0", "add_embedding.linear_1")
    .replace("label_emb.0.2", "add_embedding.linear_2")
    .replace("input_blocks.0.0", "conv_in")
    .replace("input_blocks.1.0", "down_blocks.0.resnets.0")
    .replace("input_blocks.1.1", "down_blocks.0.attentions.0")
    .replace("input_blocks.2.0.op", "down_blocks.0.downsamplers.0.conv")
    .replace("input_blocks.3.0", "down_blocks.1.resnets.0")
    .replace("input_blocks.3.1", "down_blocks.1.attentions.0")
    .replace("middle_block.0", "mid_block.resnets.0")
    .replace("middle_block.1", "mid_block.attentions.0")
    .replace("middle_block.2", "mid_block.resnets.1")
    .replace("middle_block_out.0", "controlnet_mid_block")
    .replace(/zero_convs\.(\d)\.0/, "controlnet_down_blocks.$1")
    .replace(/input_hint_block\.0\./, "controlnet_cond_embedding.conv_in.")
    .replace(/input_hint_block\.14/, "controlnet_cond_embedding.conv_out")
    .replace(
      /input_hint_block\.(\d+)/,
      (_, index: string) => `controlnet_cond_embedding.blocks.${Number(index) / 2 - 1}`,
    )
    .replace(/resnets\.(\d)\.in_layers\.0/, "resnets.$1.norm1")
    .replace(/resnets\.(\d)\.in_layers\.2/, "resnets.$1.conv1")
    .replace("emb_layers.1", "time_emb_proj")
    .replace(/resnets\.(\d)\.out_layers\.0/, "resnets.$1.norm2")
    .replace(/resnets\.(\d)\.out_layers\.3/, "resnets.$1.conv2")
    .replace("skip_connection", "conv_shortcut");
}

test("a file of differences is added to its model's weights", async () => {
  const layout = { ...control.layoutOf("control-sd1"), difference: [0] };
  const whole = control.layoutOf("control-sd1");
  const numbers = (key: string, shape: readonly number[]) =>
    drawn(key, ...shape).data.map((value) => value / 8);
  const own = new Map(Object.entries(whole).map(([key, shape]) => [key, numbers(key, shape)]));
  const sums = new Map(own);
  for (const [key, shape] of Object.entries(layoutOf("sd1"))) {
    const data = own.get(key.replace(UNET, "control_model."));
    const base = numbers(key, shape);
    if (data !== undefined) {
      sums.set(
        key.replace(UNET, "control_model."),
        data.map((value, i) => value + (base[i] ?? 0)),
      );
    }
  }
  const model = new Map(
    Object.entries(layoutOf("sd1")).map(([key, shape]) => [key, numbers(key, shape)]),
  );
  await using split = await open("sd1", { layout, options: { weights: own } }, model);
  await using summed = await open("sd1", { layout: whole, options: { weights: sums } }, model);
  const [actual, wanted] = [
    await controlled({ ...split, load: () => split.load(split.model) }),
    await controlled(summed),
  ];
  expect(relativeError(actual.middle, wanted.middle)).toBeLessThan(TOLERANCE);
  await expect(split.load()).rejects.toThrow(/load it with DiffControlNetLoader/);
});

test("a Control-LoRA is of its model with the LoRAs that are applied to that", async () => {
  await using opened = await open("sd1", { layout: control.layoutOf("control-lora") });
  await using folder = await openFolder();
  const layer = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q";
  const layout = { [`${layer}.lora_A.weight`]: [4, 32], [`${layer}.lora_B.weight`]: [32, 4] };
  const lora = await loadLora(await folder.write("lora.safetensors", checkpointBytes(layout)));
  const { source } = opened.model.network;
  if (source === undefined) throw new Error("the model is not of a file");
  const loras = [{ lora, strength: 0.7 }];
  const computed = { ...opened.model, network: source.with(source.weights(loras)) };
  const plain = await controlled(opened);
  const beside = await controlled({ ...opened, model: { ...opened.model, loras } });
  const within = await controlled({ ...opened, model: computed });
  expect(relativeError(beside.middle, within.middle)).toBeLessThan(TOLERANCE);
  expect(relativeError(beside.middle, plain.middle)).toBeGreaterThan(0.001);
});

test("a UNet with and without a net is one session", async () => {
  await using opened = await open("sd1", { layout: control.layoutOf("control-sd1") });
  await controlled(opened);
  const used = opened.runtime.usedBytes;
  const { model } = opened;
  const inputs = { x: drawn("x", 1, 4, 6, 10), timesteps: Float32Array.of(500) };
  await predict(model, { ...inputs, context: drawn("context", 1, 77, 64) });
  expect(opened.runtime.usedBytes).toBe(used);
});

test.each(["control-sdxl", "control-lora"])(
  "%s is refused for a model of another family, with both sides' sizes",
  async (name) => {
    await using opened = await open("sd2", { layout: control.layoutOf(name) });
    await expect(controlled(opened)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringMatching(
        /"net.safetensors": this Control.* is for another model: .*Stable Diffusion 2.x has/,
      ),
    });
  },
);

test.each([
  "zero_convs.2.0.weight",
  "input_blocks.1.0.emb_layers.1.bias",
  "middle_block_out.0.bias",
])("a ControlNet that lacks %s is refused by the tensor's name", async (key) => {
  const { [`control_model.${key}`]: _, ...layout } = control.layoutOf("control-sd1");
  await using opened = await open("sd1", { layout });
  await expect(opened.load()).rejects.toThrow(`it lacks the tensor "control_model.${key}"`);
});

test.each<[string, Layout, string]>([
  ["a VAE", { "decoder.conv_in.weight": [8, 4, 3, 3] }, "look like a VAE"],
  ["a net of Flux", { "controlnet_blocks.0.weight": [8, 8] }, "which is not supported"],
  ["nothing", {}, "no tensors"],
])("a file that holds %s says so where a ControlNet was wanted", async (_, layout, words) => {
  await using opened = await open("sd1", { layout });
  await expect(opened.load()).rejects.toMatchObject({ code: "MODEL_INVALID" });
  await expect(opened.load()).rejects.toThrow(words);
});
