import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { type CommandOption, wholeNumber } from "../cli/command.ts";

/** What `up` and the supervisor behind `up --detach` take alike. */
export const fleetCliOptions = {
  workers: { type: "string", value: "N", default: "2", description: "Worker processes" },
  port: {
    type: "string",
    value: "PORT",
    default: "8188",
    description: "The gateway's port; the next free one where it is taken",
  },
  host: {
    type: "string",
    value: "HOST",
    default: "127.0.0.1",
    description: "The address the gateway listens on",
  },
  data: {
    type: "string",
    value: "DIR",
    default: ".loom",
    description: "Folder for input, output, logs, and the data of RabbitMQ and Redis",
  },
  nodes: {
    type: "string",
    value: "PATH",
    multiple: true,
    description: "A pack of nodes: folder, file or package; may be given several times",
  },
  models: {
    type: "string",
    value: "DIR",
    default: "DATA/models",
    description:
      "Your checkpoints, loras, ... in ComfyUI's layout, beside those that come with Rabbitloom",
  },
  "front-end-root": {
    type: "string",
    value: "DIR",
    description: "A built ComfyUI frontend for /; the console moves to /console/",
  },
} as const satisfies Record<string, CommandOption>;

export const fleetOptionsSchema = z.object({
  workers: wholeNumber(0, 64).default(2),
  port: wholeNumber(0, 65_535).default(8188),
  host: z.string().min(1).default("127.0.0.1"),
  data: z
    .string()
    .min(1)
    .default(".loom")
    .transform((path) => resolve(path)),
  nodes: z.array(z.string().transform(packPath)).default([]),
  models: z
    .string()
    .min(1)
    .transform((path) => resolve(path))
    .optional(),
  "front-end-root": z
    .string()
    .transform((path) => resolve(path))
    .refine((path) => existsSync(join(path, "index.html")), {
      error: "expected a folder with a built frontend, one with an index.html",
    })
    .optional(),
});
export type FleetOptions = z.infer<typeof fleetOptionsSchema>;

/** A path is taken from where the user stands; what is no path is a package's name. */
function packPath(nodes: string): string {
  const path = resolve(nodes);
  return existsSync(path) ? path : nodes;
}

/** The same options as text, for the supervisor's command line. */
export function fleetArguments({
  workers,
  port,
  host,
  data,
  nodes,
  models,
  "front-end-root": frontEndRoot,
}: FleetOptions): string[] {
  return [
    ...["--workers", String(workers), "--port", String(port), "--host", host, "--data", data],
    ...nodes.flatMap((path) => ["--nodes", path]),
    ...(models === undefined ? [] : ["--models", models]),
    ...(frontEndRoot === undefined ? [] : ["--front-end-root", frontEndRoot]),
  ];
}
