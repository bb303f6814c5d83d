/**
 * Every workflow of examples/workflows, through gateway, broker and worker. Those of the model in the box are judged by
 * what the pictures show; those of models that are too large to ship run on small random files in the same layout.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { writeRandomModels } from "./support/random-models.ts";
import { openService, type TestService } from "./support/service.ts";
import { type SeenPicture, seePicture } from "./support/shapes.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const examples = join(repository, "examples");
const promptSchema = z.record(
  z.string(),
  z.object({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) }),
);
let service: TestService;
let models: string;
beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), "loom-models-"));
  await writeRandomModels(models);
  service = await openService({
    worker: { MODELS_DIR: [models, join(repository, "models")].join(",") },
  });
}, 120_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(models, { recursive: true });
});

interface Finished extends SeenPicture {
  readonly bytes: Uint8Array;
  /** What each node counted up to. */
  readonly steps: Readonly<Record<string, number>>;
}

/** Runs examples/workflows/NAME.json; inputs in `changed` replace those of the same name, in every node. */
async function pictureOf(
  name: string,
  changed: Readonly<Record<string, unknown>> = {},
): Promise<Finished> {
  const text = await readFile(join(examples, "workflows", `${name}.json`), "utf8");
  const prompt = promptSchema.parse(JSON.parse(text));
  for (const { inputs } of Object.values(prompt)) {
    for (const [key, value] of Object.entries(changed)) {
      if (key in inputs && !Array.isArray(inputs[key])) inputs[key] = value;
    }
    if (typeof inputs.image === "string") await upload(inputs.image);
  }
  const job = await service.client.submit(prompt);
  const steps: Record<string, number> = {};
  for await (const event of job.events()) {
    if (event.type === "node-progress") steps[event.nodeId] = event.value;
  }
  const { files } = await job.result();
  const [file] = files;
  if (file === undefined || files.length > 1) throw new Error(`${files.length} files came`);
  const bytes = new Uint8Array(await file.bytes());
  return { ...(await seePicture(bytes)), bytes, steps };
}

async function upload(filename: string): Promise<void> {
  const bytes = await readFile(join(examples, "input", filename));
  await service.client.upload(new Blob([bytes]), { filename, overwrite: true });
}

const tested = new Map<string, () => Promise<void>>([
  [
    "text-to-image: a large red circle is left of a small blue square, on yellow",
    async () => {
      const { background, shapes } = await pictureOf("text-to-image");
      expect(background).toBe("yellow");
      expect(shapes).toMatchObject([
        { colour: "red", shape: "circle" },
        { colour: "blue", shape: "square" },
      ]);
      const [circle, square] = shapes;
      expect(circle?.x).toBeLessThan(0.4);
      expect(square?.x).toBeGreaterThan(0.6);
      expect(circle?.area).toBeGreaterThan(2 * (square?.area ?? 0));
    },
  ],
  [
    "image-to-image: the circle in the middle becomes a green square, its background stays blue",
    async () => {
      const { background, shapes } = await pictureOf("image-to-image");
      expect(background).toBe("blue");
      expect(shapes).toMatchObject([{ colour: "green", shape: "square" }]);
      expect(shapes[0]?.x).toBeCloseTo(0.5, 1);
    },
  ],
  [
    "inpaint: a blue square fills the half that was empty, and the red circle beside it is kept",
    async () => {
      const { background, shapes } = await pictureOf("inpaint");
      expect(background).toBe("white");
      expect(shapes).toMatchObject([
        { colour: "red", shape: "circle" },
        { colour: "blue", shape: "square" },
      ]);
      expect(shapes[0]?.x).toBeCloseTo(34 / 128, 1);
      expect(shapes[1]?.x).toBeGreaterThan(0.6);
    },
  ],
  [
    "hires-fix: the second pass keeps the purple triangle and is half as large again",
    async () => {
      const { width, height, background, shapes } = await pictureOf("hires-fix");
      expect([width, height]).toEqual([192, 192]);
      expect(background).toBe("white");
      expect(shapes).toMatchObject([{ colour: "purple", shape: "triangle" }]);
    },
  ],
  [
    "lora: the circle is a ring, and a disc at strength 0",
    async () => {
      const ring = await pictureOf("lora");
      expect([ring.colourAt(0.5, 0.5), ring.colourAt(0.27, 0.5)]).toEqual(["white", "red"]);
      const disc = await pictureOf("lora", { strength_model: 0, strength_clip: 0 });
      expect([disc.colourAt(0.5, 0.5), disc.colourAt(0.27, 0.5)]).toEqual(["red", "red"]);
    },
  ],
  [
    "area-composition: each half shows its own prompt",
    async () => {
      const { width, background, shapes } = await pictureOf("area-composition");
      expect(width).toBe(224);
      expect(background).toBe("white");
      expect(shapes).toMatchObject([
        { colour: "red", shape: "circle" },
        { colour: "blue", shape: "square" },
      ]);
      expect(shapes[0]?.x).toBeCloseTo(64 / 224, 1);
      expect(shapes[1]?.x).toBeCloseTo(160 / 224, 1);
    },
  ],
  [
    "controlnet: the picture's edges steer every step, and at strength 0 none",
    async () => {
      const small = { width: 64, height: 64 };
      const pixels = async (changed: Readonly<Record<string, unknown>>) => {
        const { bytes, steps } = await pictureOf("controlnet", { ...small, ...changed });
        expect(steps).toMatchObject({ "9": 20 });
        return sharp(bytes).raw().toBuffer();
      };
      const [steered, free] = [await pixels({}), await pixels({ strength: 0 })];
      expect(steered.equals(free)).toBe(false);
      expect((await pixels({ strength: 0, image: "circle.png" })).equals(free)).toBe(true);
      expect((await pixels({ image: "circle.png" })).equals(steered)).toBe(false);
    },
  ],
  [
    "upscale: the picture comes out four times as wide and high",
    async () => {
      const { width, height } = await pictureOf("upscale", { image: "circle.png" });
      expect([width, height]).toEqual([512, 512]);
    },
  ],
  [
    "sdxl-base-and-refiner: the refiner ends what the base began",
    async () => {
      // The random VAE halves pictures, so that 8 x 8 latents of 64 x 64 pixels come out as 16 x 16.
      const small = { width: 64, height: 64 };
      const { width, height, steps } = await pictureOf("sdxl-base-and-refiner", small);
      expect([width, height]).toEqual([16, 16]);
      expect(steps).toMatchObject({ "8": 20, "9": 5 });
    },
  ],
]);

test.each([...tested])("%s", async (_title, check) => {
  await check();
});

test("every workflow is tested here", async () => {
  const names = (await readdir(join(examples, "workflows"))).map((name) => name.slice(0, -5));
  const titles = [...tested.keys()].map((title) => title.split(":")[0]);
  expect(new Set(titles)).toEqual(new Set(names));
});
