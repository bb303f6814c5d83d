import { readFileSync } from "node:fs";
import {
  type InputDeclaration,
  type NodeCatalog,
  type NodeInfo,
  nodeCatalogSchema,
} from "@rabbitloom/protocol";
import { parseJson } from "../../src/index.ts";

/** Definitions of ComfyUI 0.3.64's classes that the recordings use, without the texts. */
export function recordedCatalog(): NodeCatalog {
  const infos = parseJson(
    readFileSync(new URL("../fixtures/object-info.json", import.meta.url), "utf8"),
  );
  if (typeof infos !== "object" || infos === null)
    throw new Error("object-info.json is not an object");
  return nodeCatalogSchema.parse(
    Object.fromEntries(Object.entries(infos).map(([name, info]) => [name, { info }])),
  );
}

type Inputs = Record<string, InputDeclaration>;

/** A node class in a line. */
export function nodeInfo(
  name: string,
  declared: {
    required?: Inputs;
    optional?: Inputs;
    output?: NodeInfo["output"];
    isOutput?: boolean;
  } = {},
): NodeInfo {
  const { required = {}, optional, output = [], isOutput = false } = declared;
  const input = { required, ...(optional === undefined ? {} : { optional }) };
  return {
    input,
    input_order: Object.fromEntries(
      Object.entries(input).map(([group, inputs]) => [group, Object.keys(inputs)]),
    ),
    output,
    output_is_list: output.map(() => false),
    output_name: output.map(String),
    name,
    display_name: name,
    description: "",
    python_module: "test",
    category: "test",
    output_node: isOutput,
  };
}

/** A catalog of classes that validate nothing themselves. */
export function catalogOf(...infos: readonly NodeInfo[]): NodeCatalog {
  return nodeCatalogSchema.parse(Object.fromEntries(infos.map((info) => [info.name, { info }])));
}
