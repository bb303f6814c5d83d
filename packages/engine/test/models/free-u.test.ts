/** FreeU in a small random UNet against PyTorch, within 1e-5 of the largest value; ../fixtures/models/make-free-u.py made the numbers. */
import { expect, test } from "vitest";
import { loadUnet } from "../../src/models/checkpoint.ts";
import { predict } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import {
  checkpointBytes,
  drawn,
  openFolder,
  readReference,
  relativeError,
} from "../support/random-checkpoint.ts";

const { layoutOf, expected } = readReference("free-u.json");

test.each([1, 2] as const)(
  "version %i changes skips and backbone as PyTorch does",
  async (version) => {
    await using folder = await openFolder();
    await using runtime = createRuntime();
    const bytes = checkpointBytes(layoutOf("unet"), { metadata: { "rabbitloom.family": "sd1" } });
    const model = await loadUnet(runtime, await folder.write("unet.safetensors", bytes));
    const freeU = { version, backbone: [1.3, 1.4], skip: [0.9, 0.2] } as const;
    const inputs = {
      x: drawn("x", 2, 4, 10, 12),
      timesteps: Float32Array.of(999, 250),
      context: drawn("context", 2, 77, 64),
    };
    const changed = await predict({ ...model, freeU }, inputs);
    expect(relativeError(changed, expected("unet", String(version)))).toBeLessThan(1e-5);
    const neutral = { version, backbone: [1, 1], skip: [1, 1] } as const;
    const plain = await predict(model, inputs);
    expect(relativeError(await predict({ ...model, freeU: neutral }, inputs), plain)).toBeLessThan(
      1e-5,
    );
  },
);
