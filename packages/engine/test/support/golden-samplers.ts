/** What fixtures/samplers.json holds: ComfyUI 0.3.64's own schedules and samplers on torch 1.13, CPU, float32. */
import { readFileSync } from "node:fs";
import * as z from "zod";

const fileSchema = z.object({
  schedules_values: z.record(z.string(), z.array(z.number())),
  samples_values: z.record(z.string(), z.array(z.number())),
  timesteps_values: z.array(z.number()),
});

const text = readFileSync(new URL("../fixtures/samplers.json", import.meta.url), "utf8");

/** Python writes NaN as it is; nothing here is compared with one. */
export const goldenSamplers = fileSchema.parse(
  JSON.parse(text.replaceAll("[NaN, 0.0]", "[-1, 0.0]")),
);
