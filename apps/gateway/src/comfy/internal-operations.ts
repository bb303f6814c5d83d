import * as z from "zod";
import { bytes, json, jsonRequest, type Operation } from "../openapi/operation.ts";

const surface = "comfy" as const;
const names = z.array(z.string());

export const subscriptionSchema = z.object({ clientId: z.string(), enabled: z.boolean() });

export const readLogs: Operation = {
  operationId: "comfyLogs",
  surface,
  summary: "A terminal's text: a fleet has none",
  responses: { "200": { description: "Empty.", content: json(z.string(), "") } },
};

export const readRawLogs: Operation = {
  operationId: "comfyRawLogs",
  surface,
  summary: "A terminal's lines: a fleet has none",
  responses: {
    "200": {
      description: "No entries.",
      content: json(
        z.object({
          entries: z.array(z.unknown()),
          size: z.object({ cols: z.int(), rows: z.int() }),
        }),
        { entries: [], size: { cols: 80, rows: 24 } },
      ),
    },
  },
};

export const subscribeLogs: Operation = {
  operationId: "comfySubscribeLogs",
  surface,
  summary: "Takes a wish to hear a terminal's lines, which never come",
  requestBody: jsonRequest(subscriptionSchema, { clientId: "me", enabled: true }),
  responses: { "200": { description: "Taken; without a body." } },
  errors: ["INVALID_JSON", "INVALID_REQUEST"],
};

export const readFolderPaths: Operation = {
  operationId: "comfyFolderPaths",
  surface,
  summary: "Kinds of model files, with names in place of paths",
  responses: {
    "200": {
      description: "By kind.",
      content: json(z.record(z.string(), names), { loras: ["loras"] }),
    },
  },
};

export const readFolderFiles: Operation = {
  operationId: "comfyFolderFiles",
  surface,
  summary: "Files of the input, output or temp folder",
  requestParams: { path: z.object({ type: z.string().meta({ example: "input" }) }) },
  responses: {
    "200": { description: "Newest first.", content: json(names, ["first.png"]) },
    "400": {
      description: "There is no such folder.",
      content: json(z.object({ error: z.string() }), { error: "Invalid directory type" }),
    },
  },
};

export const readModelPreview: Operation = {
  operationId: "comfyModelPreview",
  surface,
  summary: "The picture beside a model file",
  requestParams: {
    path: z.object({
      folder: z.string().meta({ example: "loras" }),
      index: z.string().meta({ example: "0" }),
      path: z.string().meta({ example: "first.safetensors" }),
    }),
  },
  responses: {
    "200": { description: "As webp.", content: bytes("image/webp") },
    "404": { description: "There is none here; without a body." },
  },
};
