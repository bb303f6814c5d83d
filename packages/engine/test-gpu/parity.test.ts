/**
 * Wants a machine with an accelerator, `DEVICE=cuda pnpm test:gpu`, and fails without one. Until now it has not run on
 * one: what it asserts is what F16 should come to.
 */
import { expect, test } from "vitest";
import { loadCheckpoint } from "../src/models/checkpoint.ts";
import { predict } from "../src/models/model.ts";
import { chooseDevice } from "../src/ort/choose-device.ts";
import { createRuntime } from "../src/ort/runtime.ts";
import {
  checkpointBytes,
  drawn,
  layoutOf,
  openFolder,
  relativeError,
} from "../test/support/random-checkpoint.ts";

/** Eleven bits of fraction, through some sixty layers. */
const F16_ERROR = 2e-2;

test("a UNet on the accelerator agrees with the CPU to half precision", async () => {
  await using folder = await openFolder();
  const file = await folder.write("a.safetensors", checkpointBytes(layoutOf("sd1")));
  const device = await chooseDevice(process.env.DEVICE ?? "auto");
  expect(device.provider, "no accelerator works here").not.toBe("cpu");
  const inputs = {
    x: drawn("x", 1, 4, 8, 8),
    timesteps: Float32Array.of(500),
    context: drawn("context", 1, 77, 64),
  };
  await using onDevice = createRuntime({ device });
  await using onCpu = createRuntime();
  const [fast, exact] = [
    await loadCheckpoint(onDevice, { file }),
    await loadCheckpoint(onCpu, { file }),
  ];
  const difference = relativeError(
    await predict(fast.model, inputs),
    await predict(exact.model, inputs),
  );
  expect(difference).toBeLessThan(F16_ERROR);
});
