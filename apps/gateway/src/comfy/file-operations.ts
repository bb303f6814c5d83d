import * as z from "zod";
import { bytes, json, type Operation } from "../openapi/operation.ts";

const folderSchema = z.enum(["input", "output", "temp"]);
const uploadedSchema = z.object({
  name: z.string(),
  subfolder: z.string(),
  type: z.string(),
});
const file = z.string().meta({ format: "binary" });
const uploaded = {
  "200": {
    description: "The name it got.",
    content: json(uploadedSchema, { name: "hills.png", subfolder: "", type: "input" }),
  },
};
const uploadFields = {
  image: file,
  type: folderSchema.optional(),
  subfolder: z.string().optional(),
  overwrite: z.enum(["true", "false", "1", "0"]).optional(),
};
const uploadErrors = ["INVALID_REQUEST", "FILE_REFUSED", "PAYLOAD_TOO_LARGE"] as const;

export const uploadImage: Operation = {
  operationId: "comfyUploadImage",
  surface: "comfy",
  summary: "Stores a file for nodes to load",
  description:
    "A name that is taken by other bytes gets a number, unless `overwrite` is `true`. Any kind of file is taken.",
  requestBody: {
    required: true,
    content: {
      "multipart/form-data": {
        schema: z.object(uploadFields),
        example: { image: "(the file)", type: "input", overwrite: "true" },
      },
    },
  },
  responses: uploaded,
  errors: uploadErrors,
};

export const uploadMask: Operation = {
  operationId: "comfyUploadMask",
  surface: "comfy",
  summary: "Stores a picture with the alpha of a mask",
  requestBody: {
    required: true,
    content: {
      "multipart/form-data": {
        schema: z.object({
          ...uploadFields,
          original_ref: z
            .string()
            .describe("JSON `{filename, subfolder, type}` of the picture that was painted on."),
        }),
        example: {
          image: "(the file)",
          original_ref: '{"filename": "hills.png", "type": "input"}',
        },
      },
    },
  },
  responses: uploaded,
  errors: [...uploadErrors, "INVALID_JSON", "IMAGE_UNREADABLE", "IMAGE_TOO_LARGE"],
};

export const viewFile: Operation = {
  operationId: "comfyView",
  surface: "comfy",
  summary: "A file that was saved or uploaded",
  description: "Whole, in part (`Range`), or as a smaller picture. Answers `ETag` and 304.",
  requestParams: {
    query: z.object({
      filename: z.string().meta({ example: "first_00001_.png" }),
      type: folderSchema.optional().meta({ example: "output" }),
      subfolder: z.string().optional().meta({ example: "" }),
      preview: z
        .string()
        .optional()
        .meta({ example: "webp;90", description: "`webp` or `jpeg`, and a quality." }),
      channel: z.enum(["rgb", "rgba", "a"]).optional().meta({ example: "rgb" }),
    }),
    header: z.object({ Range: z.string().optional().meta({ example: "bytes=0-99" }) }),
  },
  responses: {
    "200": { description: "The file.", content: bytes("image/*", "application/octet-stream") },
    "206": { description: "The range asked for.", content: bytes("application/octet-stream") },
    "304": { description: "Not changed." },
    "400": { description: "No file name, or one that leaves its folder; without a body." },
    "403": { description: "A subfolder outside; without a body." },
    "404": { description: "There is no such file; without a body." },
    "416": { description: "The range is outside of the file." },
  },
  errors: ["IMAGE_TOO_LARGE"],
};
