import { resolve } from "node:path";
import * as z from "zod";

/** `--data`, for every verb that speaks to a running fleet. */
export const dataOption = {
  type: "string",
  value: "DIR",
  default: ".loom",
  description: "The folder that was given to up",
} as const;

export const dataSchema = z
  .string()
  .min(1)
  .default(".loom")
  .transform((path) => resolve(path));
