import * as z from "zod";
import { bytes, json, type Operation } from "../openapi/operation.ts";

const surface = "comfy" as const;
const file = z.string().meta({
  description: "Below the user's folder; slashes as `%2F`.",
  example: "workflows%2Fmine.json",
});
const flag = (description: string) => z.string().optional().meta({ description, example: "true" });

const stored = {
  description: "Its path, or with `full_info=true` its facts.",
  content: json(
    z.union([
      z.string(),
      z.object({ path: z.string(), size: z.int(), modified: z.int(), created: z.int() }),
    ]),
    "workflows/mine.json",
  ),
};
const text = (description: string) => ({ description, content: bytes("text/plain") });
const refused = { description: "The name leads out of the user's folder; without a body." };
const missing = { description: "There is no such file; without a body." };
const taken = text("`overwrite` was `false`, and the name is taken.");

const writing = z.object({
  overwrite: z.string().optional().meta({ description: "`false` keeps what is there." }),
  full_info: flag("Answer with facts."),
});

export const listUserData: Operation = {
  operationId: "comfyUserData",
  surface,
  summary: "Files in a folder of the user's own",
  requestParams: {
    query: z.object({
      dir: z.string().meta({ example: "workflows" }),
      recurse: flag("With everything below."),
      full_info: flag("Facts in place of names."),
      split: flag("Each name with its parts."),
    }),
  },
  responses: {
    "200": {
      description: "Sorted; names, lists of parts, or facts.",
      content: json(z.array(z.unknown()), ["mine.json"]),
    },
    "400": text("No folder was named."),
    "403": text("The name leads out of the user's folder."),
    "404": text("There is no such folder."),
  },
};

export const listUserEntries: Operation = {
  operationId: "comfyUserEntries",
  surface,
  summary: "Files and folders below a folder of the user's own",
  requestParams: {
    query: z.object({ path: z.string().optional().meta({ example: "workflows" }) }),
  },
  responses: {
    "200": {
      description: "Folders first, each kind by name.",
      content: json(
        z.array(
          z.object({
            name: z.string(),
            path: z.string(),
            type: z.enum(["directory", "file"]),
            size: z.int().optional(),
            modified: z.number().optional(),
          }),
        ),
        [{ name: "mine.json", path: "workflows/mine.json", type: "file", size: 2, modified: 1.5 }],
      ),
    },
    "400": text("It is a file, or leads out of the user's folder."),
    "404": text("There is no such folder."),
  },
};

export const readUserFile: Operation = {
  operationId: "comfyUserFile",
  surface,
  summary: "One file of the user's own",
  requestParams: { path: z.object({ file }) },
  responses: {
    "200": { description: "Its bytes.", content: bytes("application/octet-stream") },
    "403": refused,
    "404": missing,
  },
};

export const writeUserFileOperation: Operation = {
  operationId: "comfyWriteUserFile",
  surface,
  summary: "Stores a file of the user's own",
  requestParams: { path: z.object({ file }), query: writing },
  requestBody: { content: bytes("application/octet-stream") },
  responses: { "200": stored, "403": refused, "409": taken },
  errors: ["FILE_REFUSED", "PAYLOAD_TOO_LARGE"],
};

export const moveUserFileOperation: Operation = {
  operationId: "comfyMoveUserFile",
  surface,
  summary: "Gives a file of the user's own another name",
  requestParams: {
    path: z.object({ file, dest: z.string().meta({ example: "workflows%2Fyours.json" }) }),
    query: writing,
  },
  responses: { "200": stored, "403": refused, "404": missing, "409": taken },
  errors: ["FILE_REFUSED"],
};

export const deleteUserFileOperation: Operation = {
  operationId: "comfyDeleteUserFile",
  surface,
  summary: "Deletes a file of the user's own",
  requestParams: { path: z.object({ file }) },
  responses: { "204": { description: "It is gone." }, "403": refused, "404": missing },
};
