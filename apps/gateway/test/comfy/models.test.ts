import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
let models: string;
beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), "loom-models-"));
  const loras = join(models, "loras");
  await mkdir(join(loras, "sub"), { recursive: true });
  const header = (json: string) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
    return Buffer.concat([length, Buffer.from(json)]);
  };
  await writeFile(join(loras, "told.safetensors"), header('{"__metadata__":{"a":"ü"}}'));
  await writeFile(join(loras, "mute.safetensors"), header("{}"));
  await writeFile(join(loras, "broken.safetensors"), header("{"));
  await writeFile(join(loras, "short.safetensors"), "abc");
  await writeFile(join(loras, "huge.safetensors"), Buffer.alloc(8, 255));
  await writeFile(join(models, "secret.safetensors"), header('{"__metadata__":{"a":"secret"}}'));
  await writeFile(join(loras, "sub", "pictured.safetensors"), header("{}"));
  const picture = (background: string) =>
    sharp({ create: { width: 2, height: 2, channels: 3, background } })
      .png()
      .toBuffer();
  await writeFile(join(loras, "sub", "pictured.png"), await picture("red"));
  await writeFile(join(loras, "sub", "pictured.preview.png"), await picture("blue"));
  gateway = await testGateway({ MODELS_DIR: models });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(models, { recursive: true, force: true });
});

test.each([
  ["told.safetensors", 200],
  ["mute.safetensors", 404],
  ["broken.safetensors", 404],
  ["short.safetensors", 404],
  ["huge.safetensors", 404],
  ["told.ckpt", 404],
  ["none.safetensors", 404],
  ["../secret.safetensors", 404],
])("the metadata of %s is answered with %i", async (name, status) => {
  const answer = await gateway.app.inject(
    `/view_metadata/loras?filename=${encodeURIComponent(name)}`,
  );
  expect(answer.statusCode).toBe(status);
  if (status === 200) expect(answer.body).toBe('{"a": "\\u00fc"}');
});

test("the picture beside a model is its preview, the one called so before others", async () => {
  const preview = (name: string) =>
    gateway.app.inject(`/api/experiment/models/preview/loras/0/${name}`);
  const shown = await preview("sub/pictured.safetensors");
  expect(shown.headers["content-type"]).toBe("image/webp");
  const [red, , blue] = await sharp(shown.rawPayload).raw().toBuffer();
  expect(blue).toBeGreaterThan(red ?? 255);
  expect((await preview("told.safetensors")).statusCode).toBe(404);
  expect((await preview("..%2Fsecret.safetensors")).statusCode).toBe(404);
});

test("files of a folder are listed newest first, and folders stand for themselves", async () => {
  const { input } = gateway.folders;
  for (const [name, seconds] of [["old.png", 1_000] as const, ["new.png", 2_000] as const]) {
    await writeFile(join(input, name), "");
    await utimes(join(input, name), seconds, seconds);
  }
  const json = async (url: string) => (await gateway.app.inject(url)).json();
  expect(await json("/internal/files/input")).toEqual(["new.png", "old.png"]);
  expect(await json("/internal/files/user")).toEqual({ error: "Invalid directory type" });
  expect(await json("/internal/folder_paths")).toMatchObject({ loras: ["loras"] });
});

test.each([
  ["POST", "/users", "{", 400],
  ["POST", "/users", '{"username":"me"}', 400],
  ["PATCH", "/internal/logs/subscribe", "{}", 400],
  ["PATCH", "/internal/logs/subscribe", '{"clientId":"me","enabled":true}', 200],
  ["POST", "/settings/a", "", 400],
] as const)("%s %s with %s is answered with %i", async (method, url, payload, status) => {
  expect((await gateway.app.inject({ method, url, payload })).statusCode).toBe(status);
});
