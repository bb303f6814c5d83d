import * as z from "zod";

/**
 * What the ComfyUI page saves, read laxly: ids are numbers or texts, links are arrays (schema 0.4) or objects
 * (schema 1 and every subgraph), slots may be texts, and nearly everything may be absent or null.
 */

const idSchema = z.union([z.number(), z.string()]).transform(String);

const slotSchema = z
  .union([z.number(), z.string(), z.null(), z.undefined()])
  .transform((slot) => Number(slot ?? 0));

/** A name, a comma list of names, or "*"; choices of a combo are joined. */
const typeSchema = z
  .union([z.string(), z.number(), z.array(z.unknown()), z.null(), z.undefined()])
  .transform((type) => {
    if (Array.isArray(type)) return type.map(String).join(",");
    return type === null || type === undefined || type === 0 || type === "" || type === -1
      ? "*"
      : String(type);
  });

/** Null stands where there is nothing, and so does its absence. */
function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .array(z.union([z.null(), item]))
    .nullish()
    .transform((items) => (items ?? []).filter((entry) => entry !== null));
}

const linkSchema = z.union([
  z
    .tuple([idSchema, idSchema, slotSchema, idSchema, slotSchema], z.unknown())
    .transform(([id, originId, originSlot, targetId, targetSlot]) => ({
      id,
      originId,
      originSlot,
      targetId,
      targetSlot,
    })),
  z
    .object({
      id: idSchema,
      origin_id: idSchema,
      origin_slot: slotSchema,
      target_id: idSchema,
      target_slot: slotSchema,
    })
    .transform((link) => ({
      id: link.id,
      originId: link.origin_id,
      originSlot: link.origin_slot,
      targetId: link.target_id,
      targetSlot: link.target_slot,
    })),
]);
/** From output `originSlot` of one node to input `targetSlot` of another. */
export type UiLink = z.infer<typeof linkSchema>;

const widgetReferenceSchema = z.object({ name: z.string() }).nullish().catch(undefined);

const inputSchema = z.object({
  name: z
    .string()
    .nullish()
    .transform((name) => name ?? ""),
  type: typeSchema,
  link: idSchema.nullish().transform((link) => link ?? undefined),
  /** The input is a socket on this widget. */
  widget: widgetReferenceSchema,
});
export type UiInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({ name: z.string().nullish(), type: typeSchema });

const nodeSchema = z.object({
  id: idSchema,
  type: z.string(),
  /** 2 is muted, 4 bypassed; the others run. */
  mode: z.number().nullish(),
  title: z.string().nullish().catch(undefined),
  inputs: listOf(inputSchema),
  outputs: listOf(outputSchema),
  /** Values by position, or by widget name. */
  widgets_values: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish(),
  widgets_values_named: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  properties: z.record(z.string(), z.unknown()).nullish().catch(undefined),
});
export type UiNode = z.infer<typeof nodeSchema>;

const boundarySchema = z.object({ id: idSchema }).nullish();
const boundarySlotSchema = z.object({ name: z.string(), type: typeSchema });

const subgraphSchema = z.object({
  id: z.string(),
  name: z.string().nullish(),
  inputNode: boundarySchema.transform((node) => node?.id ?? "-10"),
  outputNode: boundarySchema.transform((node) => node?.id ?? "-20"),
  inputs: listOf(boundarySlotSchema),
  outputs: listOf(boundarySlotSchema),
  nodes: listOf(nodeSchema),
  links: listOf(linkSchema),
  get definitions() {
    return definitionsSchema;
  },
});
/** A graph that stands as one node in others. Links that cross its edge start at `inputNode` or end at `outputNode`. */
export type UiSubgraph = z.infer<typeof subgraphSchema>;

const definitionsSchema: z.ZodType<{ subgraphs: UiSubgraph[] } | undefined> = z
  .object({
    get subgraphs() {
      return z
        .array(subgraphSchema)
        .nullish()
        .transform((subgraphs) => subgraphs ?? []);
    },
  })
  .nullish()
  .transform((definitions) => definitions ?? undefined);

const groupPartSchema = z.object({ visible: z.boolean().nullish() }).nullish().catch(undefined);
const groupConfigSchema = z
  .record(
    z.string(),
    z.object({
      input: z.record(z.string(), groupPartSchema).nullish(),
      output: z.record(z.string(), groupPartSchema).nullish(),
    }),
  )
  .nullish()
  .catch(undefined);

const groupSchema = z.object({
  /** Inner nodes go by their position in this list. */
  nodes: z.array(nodeSchema.extend({ id: idSchema.nullish().transform((id) => id ?? "") })),
  /** `[from, slot, to, slot, ...]`; from null is outside. */
  links: listOf(
    z.tuple([z.number().nullable(), slotSchema, z.number().nullable(), slotSchema], z.unknown()),
  ),
  /** `[node, slot, type]`: outputs that show although they are used inside. The node is its position, or the whole node. */
  external: listOf(
    z
      .tuple([z.union([z.number(), z.object({ index: z.number() })]), slotSchema], z.unknown())
      .transform(([node, slot]) => ({ index: typeof node === "number" ? node : node.index, slot })),
  ),
  config: groupConfigSchema,
});
/** A group node's definition: what stood for several nodes in one before there were subgraphs. */
export type UiGroup = z.infer<typeof groupSchema>;

export const uiWorkflowSchema = z.object({
  nodes: listOf(nodeSchema),
  links: listOf(linkSchema),
  definitions: definitionsSchema,
  extra: z
    .object({ groupNodes: z.record(z.string(), groupSchema).nullish() })
    .nullish()
    .transform((extra) => ({ groupNodes: extra?.groupNodes ?? {} })),
});
/** A workflow as the page saves it, as far as a prompt can be made of it. */
export type UiWorkflow = z.infer<typeof uiWorkflowSchema>;
