/** What networks beside the UNet work in counts for the memory budget: too much is refused before it runs, less runs. */
import { expect, test } from "vitest";
import { loadUnet } from "../../src/models/checkpoint.ts";
import { loadControlNet } from "../../src/models/control-net-file.ts";
import { loadGligen } from "../../src/models/gligen-file.ts";
import { loadUpscaleModel } from "../../src/models/upscale-model.ts";
import { loadVisionEncoder } from "../../src/models/vision-encoder.ts";
import { createRuntime, type Runtime } from "../../src/ort/runtime.ts";
import { tensor } from "../../src/tensor.ts";
import {
  type CheckpointOptions,
  checkpointBytes,
  type Layout,
  layoutOf,
  openFolder,
  readReference,
} from "../support/random-checkpoint.ts";
import { toyModel } from "../support/toy-model.ts";

const { layoutOf: controlLayout } = readReference("control.json");
const { layoutOf: patchLayout } = readReference("patches.json");
const { layoutOf: upscalerLayout } = readReference("upscalers.json");

const UNET = "model.diffusion_model.";
const unet: Layout = Object.fromEntries(
  Object.entries(layoutOf("sd1")).filter(([key]) => key.startsWith(UNET)),
);

interface Opened {
  readonly runtime: Runtime;
  readonly file: string;
  readonly unetFile: string;
}

/** Runs at a size: a side in latent pixels, or so many pictures. */
type Run = (size: number) => Promise<unknown>;

async function controlled({ runtime, file, unetFile }: Opened): Promise<Run> {
  const { network } = await loadUnet(runtime, unetFile);
  const net = await loadControlNet(runtime, { file });
  return (side) => {
    const image = tensor([1, 8 * side, 8 * side, 3]);
    const place = { image, batch: 1, height: side, width: side };
    return net.attach({ network, loras: [] }, place).run(
      {
        x: tensor([1, 4, side, side]),
        timesteps: Float32Array.of(1),
        context: tensor([1, 77, 64]),
      },
      1,
    );
  };
}

async function adapted({ runtime, file }: Opened): Promise<Run> {
  const model = toyModel();
  const skipChannels = [8, 8, 8, 8, 16, 16, 16, 32, 32, 32, 32, 32];
  const network = { ...model.network, skipChannels };
  const net = await loadControlNet(runtime, { file });
  return (side) => {
    const image = tensor([1, 8 * side, 8 * side, 3]);
    const inputs = {
      x: tensor([1, 4, side, side]),
      timesteps: Float32Array.of(1),
      context: tensor([1, 1, 1]),
    };
    const place = { image, batch: 1, height: side, width: side };
    return net.attach({ network, loras: [] }, place).run(inputs, 1);
  };
}

async function seen({ runtime, file }: Opened): Promise<Run> {
  const tower = await loadVisionEncoder(runtime, file);
  return (count) => tower.encode(tensor([count, 16, 16, 3]), "none");
}

async function enlarged({ runtime, file }: Opened): Promise<Run> {
  const model = await loadUpscaleModel(runtime, file);
  return (side) => model.enlarge(tensor([1, 3, side, side]));
}

const vision: CheckpointOptions = {
  metadata: { "rabbitloom.vision_tower": "OpenCLIP H", "rabbitloom.vision_heads": "4" },
};

test.each<{
  what: string;
  layout: Layout;
  options?: CheckpointOptions;
  open: (opened: Opened) => Promise<Run>;
  budget: number;
  sizes: readonly [small: number, large: number];
}>([
  {
    what: "the ControlNet",
    layout: controlLayout("control-sd1"),
    open: controlled,
    budget: 8e6,
    sizes: [8, 64],
  },
  {
    what: "the Control-LoRA",
    layout: controlLayout("control-lora"),
    open: controlled,
    budget: 8e6,
    sizes: [8, 64],
  },
  {
    what: "the T2I adapter",
    layout: patchLayout("adapter"),
    open: adapted,
    budget: 0.6e6,
    sizes: [8, 64],
  },
  {
    what: "the vision tower of",
    layout: patchLayout("vision"),
    options: vision,
    open: seen,
    budget: 1e6,
    sizes: [1, 16],
  },
  {
    what: "the upscale model of",
    layout: upscalerLayout("x4"),
    open: enlarged,
    budget: 1e6,
    sizes: [8, 64],
  },
])("$what", async ({ what, layout, options, open, budget, sizes }) => {
  await using folder = await openFolder();
  await using runtime = createRuntime({ memoryBytes: budget });
  const file = await folder.write("part.safetensors", checkpointBytes(layout, options));
  const unetFile = await folder.write("unet.safetensors", checkpointBytes(unet));
  const run = await open({ runtime, file, unetFile });
  const [small, large] = sizes;
  await expect(run(large)).rejects.toMatchObject({
    code: "DEVICE_OUT_OF_MEMORY",
    message: expect.stringMatching(
      new RegExp(`^${what} "part.safetensors" needs .* MB to work in\\), but the memory budget`),
    ),
  });
  await expect(run(small)).resolves.toBeDefined();
});

test("the position net of a GLIGEN", async () => {
  await using folder = await openFolder();
  await using runtime = createRuntime({ memoryBytes: 100e3 });
  const bytes = checkpointBytes(patchLayout("gligen"));
  const gligen = await loadGligen(runtime, await folder.write("part.safetensors", bytes));
  const box = { embedding: tensor([1, 64]), x: 0, y: 0, width: 1, height: 1 };
  await expect(gligen.place([box], { width: 8, height: 8 })).rejects.toMatchObject({
    code: "DEVICE_OUT_OF_MEMORY",
  });
});
