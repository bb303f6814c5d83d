import { expect, test } from "vitest";
import { chooseDevice } from "../../src/ort/choose-device.ts";

test("the CPU is the device unless another is asked for", async () => {
  expect(await chooseDevice()).toEqual({ provider: "cpu", index: 0 });
});

test("auto takes a device that works", async () => {
  const { provider } = await chooseDevice("auto");
  expect(["cuda", "tensorrt", "webgpu", "coreml", "dml", "cpu"]).toContain(provider);
});

test("a device that does not work here is refused with the reason", async () => {
  // CoreML and DirectML are never built into the same package: one of them is missing everywhere.
  const name = process.platform === "darwin" ? "dml" : "coreml";
  await expect(chooseDevice(name)).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    message: expect.stringContaining(`device "${name}" does not work here: `),
  });
});

test.each(["", "gpu", "cuda:x", "cuda:1:2"])(
  "device %j is refused with those there are",
  async (device) => {
    await expect(chooseDevice(device)).rejects.toThrow(/is not one of cpu, cuda/);
  },
);
