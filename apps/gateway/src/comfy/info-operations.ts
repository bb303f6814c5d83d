import { nodeInfoSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { json, jsonRequest, type Operation } from "../openapi/operation.ts";

const names = z.array(z.string());
const anything = z.record(z.string(), z.unknown());
const nothing = { description: "There is none; without a body." };
const folder = z.object({ folder: z.string().meta({ example: "checkpoints" }) });
const exampleInfo = {
  EmptyImage: {
    input: { required: { width: ["INT", { default: 512, min: 1, max: 16384, step: 1 }] } },
    input_order: { required: ["width"] },
    output: ["IMAGE"],
    output_is_list: [false],
    output_name: ["IMAGE"],
    name: "EmptyImage",
    display_name: "EmptyImage",
    description: "",
    category: "image",
    output_node: false,
    python_module: "nodes",
  },
};

export const readObjectInfo: Operation = {
  operationId: "comfyObjectInfo",
  surface: "comfy",
  summary: "Every node class that the fleet has",
  responses: {
    "200": {
      description: "By class. Compressed where the client takes gzip.",
      headers: { ETag: { description: "Of this state of the fleet.", schema: { type: "string" } } },
      content: json(z.record(z.string(), nodeInfoSchema), exampleInfo),
    },
    "304": { description: "Not changed since `If-None-Match`." },
  },
  errors: ["NO_WORKER"],
};

export const readOneObjectInfo: Operation = {
  operationId: "comfyOneObjectInfo",
  surface: "comfy",
  summary: "One node class",
  requestParams: { path: z.object({ name: z.string().meta({ example: "EmptyImage" }) }) },
  responses: {
    "200": {
      description: "Empty where the fleet does not have it.",
      content: json(z.record(z.string(), nodeInfoSchema), exampleInfo),
    },
  },
  errors: ["NO_WORKER"],
};

export const readModelFolders = list("comfyModelFolders", "Kinds of model files", [
  "checkpoints",
  "loras",
]);
export const readEmbeddings = list("comfyEmbeddings", "Embeddings, without their endings", [
  "easy",
]);
export const readExtensions = list("comfyExtensions", "Scripts of extensions: none", []);

export const readModelFiles: Operation = {
  ...list("comfyModelFiles", "Model files of one kind", ["first.safetensors"]),
  requestParams: { path: folder },
  responses: {
    "200": { description: "Sorted names.", content: json(names, ["first.safetensors"]) },
    "404": nothing,
  },
};

export const readModelFoldersInDetail: Operation = {
  operationId: "comfyModelFoldersInDetail",
  surface: "comfy",
  summary: "Kinds of model files, with their folders",
  responses: {
    "200": {
      description: "Names in place of paths.",
      content: json(z.array(z.object({ name: z.string(), folders: names })), [
        { name: "checkpoints", folders: ["checkpoints"] },
      ]),
    },
  },
};

export const readModelFilesInDetail: Operation = {
  operationId: "comfyModelFilesInDetail",
  surface: "comfy",
  summary: "Model files of one kind, with their folder's place",
  requestParams: { path: folder },
  responses: {
    "200": {
      description: "Sorted names.",
      content: json(z.array(z.looseObject({ name: z.string(), pathIndex: z.int() })), [
        { name: "first.safetensors", pathIndex: 0 },
      ]),
    },
    "404": nothing,
  },
};

export const readMetadata: Operation = {
  operationId: "comfyViewMetadata",
  surface: "comfy",
  summary: "What a model file says about itself",
  requestParams: {
    path: folder,
    query: z.object({ filename: z.string().optional().meta({ example: "first.safetensors" }) }),
  },
  responses: {
    "200": {
      description: "Facts by name, as the file has them.",
      content: json(anything, { ss_base_model_version: "sd_v1" }),
    },
    "404": nothing,
  },
};

export const readFeatures = facts("comfyFeatures", "What this server can do", {
  supports_preview_metadata: true,
  max_upload_size: 104857600,
});
export const readTranslations = facts("comfyTranslations", "Translations of extensions: none", {});
export const readTemplates = facts("comfyTemplates", "Workflow templates of extensions: none", {});
export const readSubgraphs = facts("comfySubgraphs", "Subgraphs of extensions: none", {});
export const readNodeReplacements = facts(
  "comfyReplacements",
  "Classes that took others' place: none",
  {},
);
export const readSubgraph: Operation = {
  operationId: "comfySubgraph",
  surface: "comfy",
  summary: "One subgraph of an extension",
  requestParams: { path: z.object({ id: z.string().meta({ example: "x" }) }) },
  responses: { "404": nothing },
};
export const readSystemStats = facts(
  "comfySystemStats",
  "The gateway's machine and the workers' devices",
  {
    system: { os: "posix", comfyui_version: "0.3.64" },
    devices: [{ name: "CPU", type: "cpu", index: 0 }],
  },
);

export const freeMemory: Operation = {
  operationId: "comfyFree",
  surface: "comfy",
  summary: "Asks workers to give memory back",
  requestBody: jsonRequest(
    z.object({ unload_models: z.boolean().optional(), free_memory: z.boolean().optional() }),
    { unload_models: true },
  ),
  responses: { "200": { description: "Told to every worker; without a body." } },
  errors: ["INVALID_JSON", "INVALID_REQUEST", "BROKER_UNAVAILABLE"],
};

export const readUsers = facts("comfyUsers", "Who there is: one user", {
  storage: "server",
  migrated: true,
});
export const newUserSchema = z.object({ username: z.string() });
export const addUser: Operation = {
  operationId: "comfyAddUser",
  surface: "comfy",
  summary: "Refused: there is one user",
  requestBody: jsonRequest(newUserSchema, { username: "me" }),
  responses: {
    "400": {
      description: "Nobody is added.",
      content: json(z.looseObject({ error: z.unknown() }), { error: "this server keeps one user" }),
    },
  },
};
export const readSettings = facts("comfySettings", "All settings", {
  "Comfy.ColorPalette": "dark",
});

const setting = z.object({ id: z.string().meta({ example: "Comfy.ColorPalette" }) });
const anyValue = z.unknown().meta({ description: "Any JSON." });

export const readSetting: Operation = {
  operationId: "comfySetting",
  surface: "comfy",
  summary: "One setting",
  requestParams: { path: setting },
  responses: {
    "200": { description: "Null where it is not set.", content: json(anyValue, "dark") },
  },
};

export const changeSettings: Operation = {
  operationId: "comfyChangeSettings",
  surface: "comfy",
  summary: "Sets several settings",
  requestBody: jsonRequest(anything, { "Comfy.ColorPalette": "dark" }),
  responses: { "200": { description: "Kept; without a body." } },
  errors: ["INVALID_JSON", "INVALID_REQUEST"],
};

export const changeSetting: Operation = {
  operationId: "comfyChangeSetting",
  surface: "comfy",
  summary: "Sets one setting",
  requestParams: { path: setting },
  requestBody: jsonRequest(anyValue, "dark"),
  responses: { "200": { description: "Kept; without a body." } },
  errors: ["INVALID_JSON"],
};

export const openSocket: Operation = {
  operationId: "comfySocket",
  surface: "comfy",
  summary: "Events in ComfyUI's words, over a WebSocket",
  requestParams: {
    query: z.object({ clientId: z.string().optional().meta({ example: "me" }) }),
  },
  responses: { "101": { description: "JSON messages `{type, data}`, and binary previews." } },
};

function list(operationId: string, summary: string, example: readonly string[]): Operation {
  return {
    operationId,
    surface: "comfy",
    summary,
    responses: { "200": { description: "Names.", content: json(names, example) } },
  };
}

function facts(operationId: string, summary: string, example: object): Operation {
  return {
    operationId,
    surface: "comfy",
    summary,
    responses: { "200": { description: "Facts by name.", content: json(anything, example) } },
  };
}
