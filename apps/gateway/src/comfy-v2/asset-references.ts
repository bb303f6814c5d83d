import { CodedError } from "@rabbitloom/protocol";
import * as z from "zod";
import { isObject } from "../http/json-body.ts";

/** Finds the name under which a node can load an asset; undefined where there is none. */
export type AssetLookup = (reference: AssetReference) => Promise<string | undefined>;

const referenceSchema = z.object({
  id: z.string().min(1),
  /** Hints: they never overrule an id that is there. */
  hash: z.string().optional(),
  file_path: z.string().optional(),
});
export type AssetReference = z.infer<typeof referenceSchema>;

const MARK = "core/ASSET";

/** Each costs a trip to the store, and an output's the whole record of its job. */
const MOST_REFERENCES = 1_000;

/**
 * Replaces every `{"__type": "core/ASSET", "info": {"id": ...}}` of a graph, at any depth, by the name that a loader
 * expects; in place, so that numbers stay as they were written. Throws ASSET_MISSING with all ids that are not there, and
 * LIMIT_EXCEEDED for more than a thousand.
 */
export async function resolveAssets(
  graph: Record<string, unknown>,
  lookup: AssetLookup,
): Promise<void> {
  const missing: string[] = [];
  let count = 0;
  const containers: (Record<string, unknown> | unknown[])[] = [graph];
  for (let container = containers.pop(); container !== undefined; container = containers.pop()) {
    for (const [key, value] of Object.entries(container)) {
      if (isObject(value) && value.__type === MARK) {
        count += 1;
        if (count > MOST_REFERENCES) {
          throw new CodedError(
            "LIMIT_EXCEEDED",
            `the workflow names more than ${MOST_REFERENCES} assets`,
          );
        }
        const name = await find(value.info, lookup);
        if (name === undefined) missing.push(nameOf(value.info));
        Reflect.set(container, key, name);
      } else if (isObject(value) || Array.isArray(value)) {
        containers.push(value);
      }
    }
  }
  if (missing.length === 0) return;
  throw new CodedError("ASSET_MISSING", `there is no asset ${missing.join(", ")}`, {
    details: { missing_ids: missing },
  });
}

async function find(info: unknown, lookup: AssetLookup): Promise<string | undefined> {
  const reference = referenceSchema.safeParse(info);
  return reference.success ? await lookup(reference.data) : undefined;
}

function nameOf(info: unknown): string {
  const reference = referenceSchema.safeParse(info);
  return reference.success ? reference.data.id : `(${MARK} without info.id)`;
}
