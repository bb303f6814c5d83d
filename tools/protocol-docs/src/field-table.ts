import type { JsonSchema } from "./json-schemas.ts";

/** A message's fields as a Markdown table. */
export function fieldTable(schema: JsonSchema): string[] {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const presence = required.has(name) ? "" : "optional";
    return `| \`${name}\` | ${typeText(asSchema(field))} | ${presence} |`;
  });
  return ["| Field | Type | |", "|---|---|---|", ...rows];
}

/** A short text for a type: constants and choices in full, objects by their fields' names. */
export function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map((one) => typeText(asSchema(one))).join(" or ");
  if (schema.type === "array") {
    const { items } = schema;
    return items === undefined || Array.isArray(items)
      ? "array"
      : `array of ${typeText(asSchema(items))}`;
  }
  if (schema.type === "object") return objectText(schema);
  if (schema.format !== undefined) return `${schema.type} (${schema.format})`;
  return schema.type === undefined ? "any" : String(schema.type);
}

function objectText({ properties = {}, additionalProperties }: JsonSchema): string {
  const names = Object.keys(properties);
  if (names.length > 0) return `object: ${names.map((name) => `\`${name}\``).join(", ")}`;
  if (typeof additionalProperties === "object") return `map of ${typeText(additionalProperties)}`;
  return "object";
}

/** JSON Schema allows `true` and `false` wherever a schema may stand. */
function asSchema(schema: JsonSchema | boolean): JsonSchema {
  return typeof schema === "boolean" ? {} : schema;
}
