import * as z from "zod";

/**
 * One input as ComfyUI's `/object_info` writes it: `[type]` or `[type, options]`, where a type is a
 * name, a comma list of names, or, for a combo, the list of its values.
 */
export const inputDeclarationSchema = z.union([
  z.tuple([z.union([z.string(), z.array(z.unknown())])]),
  z.tuple([z.union([z.string(), z.array(z.unknown())]), z.record(z.string(), z.unknown())]),
]);
export type InputDeclaration = z.infer<typeof inputDeclarationSchema>;

const inputGroupSchema = z.record(z.string(), inputDeclarationSchema);

/** What `/object_info/{class}` answers for one node class: ComfyUI's own shape and key names. */
export const nodeInfoSchema = z.looseObject({
  input: z.object({
    required: inputGroupSchema.optional(),
    optional: inputGroupSchema.optional(),
    hidden: z.record(z.string(), z.unknown()).optional(),
  }),
  input_order: z.record(z.string(), z.array(z.string())),
  output: z.array(z.union([z.string(), z.array(z.unknown())])),
  output_is_list: z.array(z.boolean()),
  output_name: z.array(z.string()),
  name: z.string(),
  /** Null for classes of ComfyUI's newer schema that give none. */
  display_name: z.string().nullable(),
  description: z.string(),
  python_module: z.string(),
  category: z.string(),
  output_node: z.boolean(),
});
export type NodeInfo = z.infer<typeof nodeInfoSchema>;

/** A combo whose values are looked up when they are asked for: model files, or files people sent. */
export const listedValuesSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("models"),
    folder: z.string(),
    extra: z.array(z.string()).optional(),
  }),
  z.object({
    kind: z.literal("files"),
    folder: z.enum(["input", "output", "temp"]),
    media: z.enum(["image", "latent", "any"]),
  }),
]);
export type ListedValues = z.infer<typeof listedValuesSchema>;

/** A node class as a worker announces it: its public face and what validation must know besides. */
export const nodeCatalogEntrySchema = z.object({
  info: nodeInfoSchema,
  /** By input name. */
  listed: z.record(z.string(), listedValuesSchema).default({}),
  /**
   * Inputs that the class's own `validate` takes: min, max and combo membership are not checked for
   * them. `"all"` where it takes every input.
   */
  validates: z.union([z.literal("all"), z.array(z.string())]).default([]),
  /** The class's `validate` looks at the types of its links itself, so the general check is off. */
  validatesTypes: z.boolean().default(false),
});
export type NodeCatalogEntry = z.infer<typeof nodeCatalogEntrySchema>;

/** Node class name -> entry. */
export const nodeCatalogSchema = z.record(z.string(), nodeCatalogEntrySchema);
export type NodeCatalog = z.infer<typeof nodeCatalogSchema>;

/** Model folder (`checkpoints`, `loras`, ...) -> file names relative to it, sorted. */
export const modelCatalogSchema = z.record(z.string(), z.array(z.string()));
export type ModelCatalog = z.infer<typeof modelCatalogSchema>;
