/** Stand-ins for models that are too large to ship: small files with random weights, under the names that the examples use. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  checkpointBytes,
  type Layout,
  layoutOf,
  readReference,
} from "../../packages/engine/test/support/random-checkpoint.ts";

export async function writeRandomModels(root: string): Promise<void> {
  for (const [name, bytes] of Object.entries({
    "checkpoints/sd_xl_base_1.0.safetensors": xlCheckpoint("sdxl"),
    "checkpoints/sd_xl_refiner_1.0.safetensors": xlCheckpoint("sdxl-refiner"),
    "checkpoints/v1-5-pruned-emaonly-fp16.safetensors": checkpointBytes(layoutOf("sd1")),
    "controlnet/control_v11p_sd15_canny_fp16.safetensors": checkpointBytes(
      readReference("control.json").layoutOf("control-sd1"),
    ),
    "upscale_models/RealESRGAN_x4plus.safetensors": checkpointBytes(
      readReference("upscalers.json").layoutOf("plus"),
    ),
  })) {
    const file = join(root, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

/** UNet and text encoders of the family, with the VAE of another: that one halves pictures, where real ones make an eighth of them. */
function xlCheckpoint(family: "sdxl" | "sdxl-refiner"): Buffer {
  const vae: Layout = Object.fromEntries(
    Object.entries(layoutOf("sd1")).filter(([key]) => key.startsWith("first_stage_model.")),
  );
  return checkpointBytes(
    { ...layoutOf(family), ...vae },
    { metadata: { "rabbitloom.family": family } },
  );
}
