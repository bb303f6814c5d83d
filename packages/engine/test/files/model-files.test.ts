import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createModelFiles, modelCatalog } from "../../src/files/model-files.ts";

let first = "";
let second = "";
beforeAll(async () => {
  const root = await mkdtemp(path.join(tmpdir(), "models-test-"));
  first = path.join(root, "first");
  second = path.join(root, "second");
  for (const file of [
    path.join(first, "checkpoints/sub/b.safetensors"),
    path.join(first, "checkpoints/a.CKPT"),
    path.join(first, "checkpoints/notes.txt"),
    path.join(first, "checkpoints/.hidden.safetensors"),
    path.join(first, "unet/flux.safetensors"),
    path.join(first, "t2i_adapter/canny.pth"),
    path.join(second, "checkpoints/a.CKPT"),
    path.join(second, "checkpoints/c.safetensors"),
  ]) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, file);
  }
  await symlink(path.join(second, "checkpoints"), path.join(first, "checkpoints/linked"));
  await symlink(first, path.join(first, "checkpoints/circle"));
});
afterAll(() => rm(path.dirname(first), { recursive: true, force: true }));

test("models are listed by their names below the folder, over all roots, links followed", () => {
  const names = createModelFiles([first, second]).list("checkpoints");
  expect(names.filter((name) => !name.startsWith("circle/"))).toEqual([
    "a.CKPT",
    "c.safetensors",
    "linked/a.CKPT",
    "linked/c.safetensors",
    "sub/b.safetensors",
  ]);
});

test("a name in two roots is the first root's", () => {
  const models = createModelFiles([first, second]);
  expect(models.path("checkpoints", "a.CKPT")).toBe(path.join(first, "checkpoints/a.CKPT"));
  expect(models.path("checkpoints", "c.safetensors")).toBe(
    path.join(second, "checkpoints/c.safetensors"),
  );
});

test("a folder that ComfyUI renamed is found under both names", () => {
  const models = createModelFiles([first]);
  expect(models.list("diffusion_models")).toEqual(["flux.safetensors"]);
  expect(modelCatalog([first], models)).toMatchObject({
    diffusion_models: ["flux.safetensors"],
    unet: ["flux.safetensors"],
  });
});

test("T2I adapters are listed among ControlNets, where no folder of those is, too", () => {
  const models = createModelFiles([first]);
  expect(modelCatalog([first], models).controlnet).toEqual(["canny.pth"]);
  expect(models.path("controlnet", "canny.pth")).toBe(path.join(first, "t2i_adapter/canny.pth"));
});

test("a model that is not there is named, with those that are", () => {
  const models = createModelFiles([second]);
  expect(() => models.path("checkpoints", "../checkpoints/a.CKPT")).toThrow(
    expect.objectContaining({
      code: "MODEL_MISSING",
      message:
        'there is no model "../checkpoints/a.CKPT" in checkpoints; there are "a.CKPT", "c.safetensors"',
    }),
  );
  expect(() => models.path("loras", "x")).toThrow("there is none");
});
