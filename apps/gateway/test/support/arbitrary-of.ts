import fc from "fast-check";

/** As much of JSON Schema as the document uses. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
}

/** What clients send that nobody planned for. */
const oddValues = fc.oneof(
  fc.constantFrom<unknown>(null, "", 0, -1, 1e308, [], {}, true, "\u0000", "../../etc/passwd", "%"),
  fc.constantFrom<unknown>("__proto__", "constructor", "\ud800", "x".repeat(5_000), [[[[[]]]]]),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values of a schema, with odd ones here and there at any depth. */
export function arbitraryOf(
  schema: JsonSchema,
  schemas: Readonly<Record<string, JsonSchema>>,
  depth = 0,
): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 6, arbitrary: fitting(schema, schemas, depth) }, oddValues);
}

function fitting(
  schema: JsonSchema,
  schemas: Readonly<Record<string, JsonSchema>>,
  depth: number,
): fc.Arbitrary<unknown> {
  const of = (inner: JsonSchema) => arbitraryOf(inner, schemas, depth + 1);
  if (depth > 5) return oddValues;
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return fitting(schemas[name] ?? {}, schemas, depth + 1);
  }
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(of));
  switch ([schema.type].flat()[0]) {
    case "string":
      return fc.oneof(fc.string(), fc.string({ unit: "binary" }));
    case "integer":
      return fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer());
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(of(schema.items ?? {}), { maxLength: 3 });
    case "object":
      return objectOf(schema, of);
    default:
      return oddValues;
  }
}

function objectOf(
  { properties = {}, required = [], additionalProperties }: JsonSchema,
  of: (schema: JsonSchema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const known = recordOf(
    Object.entries(properties).map(([name, inner]) => ({
      name,
      value: of(inner),
      isRequired: required.includes(name),
    })),
  );
  const other = typeof additionalProperties === "object" ? additionalProperties : {};
  const more = fc.dictionary(fc.string({ maxLength: 12 }), of(other), { maxKeys: 2 });
  return fc.tuple(known, more).map(([a, b]) => ({ ...b, ...a }));
}

interface Member<Value> {
  readonly name: string;
  readonly value: fc.Arbitrary<Value>;
  readonly isRequired: boolean;
}

/** Objects with these members; those that are not required are there or not. */
export function recordOf<Value>(
  members: readonly Member<Value>[],
): fc.Arbitrary<Record<string, Value>> {
  const parts = members.map(({ name, value, isRequired }) => {
    const there = value.map((given) => [[name, given] as const]);
    return isRequired ? there : fc.oneof(there, fc.constant([]));
  });
  return fc.tuple(...parts).map((given) => Object.fromEntries(given.flat()));
}
