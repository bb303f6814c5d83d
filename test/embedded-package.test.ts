import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("..", import.meta.url));
let folder = "";

const program = `
import { Comfy } from "@rabbitloom/engine";

const comfy = new Comfy();
const outputs = await comfy.queuePrompt({
  "1": { class_type: "EmptyImage", inputs: { width: 64, height: 32, batch_size: 1, color: 255 } },
  "9": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "packed" } },
});
console.log(outputs["9"].images[0].abs_path);
await comfy[Symbol.asyncDispose]();
`;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "packed-engine-")));
  await run("pnpm", ["exec", "tsc", "-b", "packages/engine"], { cwd: repository });
  for (const name of ["protocol", "workflow", "engine"]) await install(name);
  // What a package manager would fetch, taken from here.
  for (const name of ["zod", "sharp", "onnxruntime-node"]) {
    const installed = path.join(repository, "packages/engine/node_modules", name);
    await symlink(await realpath(installed), path.join(folder, "node_modules", name));
  }
  await writeFile(path.join(folder, "program.mjs"), program);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Packs a package as it would be published and unpacks it where the program looks. */
async function install(name: string): Promise<void> {
  const source = path.join(repository, "packages", name);
  await run("pnpm", ["pack", "--pack-destination", folder], { cwd: source });
  const tarball = (await readdir(folder)).find((file) => file.startsWith(`rabbitloom-${name}-`));
  const target = path.join(folder, "node_modules/@rabbitloom", name);
  await mkdir(target, { recursive: true });
  await run("tar", ["xzf", path.join(folder, tarball ?? ""), "--strip-components=1", "-C", target]);
}

test("a program of ten lines saves a picture with the packed engine and nothing else", async () => {
  const { stdout, stderr } = await run(process.execPath, ["program.mjs"], {
    cwd: folder,
    env: { PATH: process.env.PATH },
  });
  expect(stderr).toBe("");
  expect(stdout.trim()).toBe(path.join(folder, "output/packed_00001_.png"));
  expect(existsSync(stdout.trim())).toBe(true);
});
