/** Looks up `Node.widget`: a literal input of a node of the prompt, the node given by title or class. */
import type { PromptNode } from "../context.ts";
import { isLink } from "../values.ts";

export type SubmittedGraph = {
  readonly prompt?: Readonly<Record<string, PromptNode>>;
  /** What the client sent to be kept in the file; `workflow` is the editor's own graph. */
  readonly extraPngInfo?: Readonly<Record<string, unknown>> | null;
};

/** Undefined where no such node or literal is; characters that file names cannot hold become "_". */
export function nodeValue(word: string, graph: SubmittedGraph): string | undefined {
  const dot = word.indexOf(".");
  if (dot < 0 || word.includes(".", dot + 1)) return undefined;
  const node = findNode(word.slice(0, dot), graph);
  const inputs = node?.inputs ?? {};
  const widget = word.slice(dot + 1);
  const value = Object.hasOwn(inputs, widget) ? inputs[widget] : undefined;
  if (value === undefined || value === null || typeof value === "object" || isLink(value)) {
    return undefined;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not reach a file name
  return String(value).replace(/[/?<>\\:*|"\u0000-\u001f\u007f]/g, "_");
}

/** The editor's name for search and replace comes first, then titles, then the class, which is the default name. */
function findNode(
  name: string,
  { prompt = {}, extraPngInfo }: SubmittedGraph,
): PromptNode | undefined {
  const drawn = drawnNodes(extraPngInfo?.workflow);
  const id =
    drawn.find((node) => node.searchName === name)?.id ??
    drawn.find((node) => node.title === name)?.id ??
    Object.keys(prompt).find((key) => metaTitle(prompt[key]) === name) ??
    Object.keys(prompt).find((key) => prompt[key]?.class_type === name);
  return id === undefined ? undefined : prompt[id];
}

type DrawnNode = { id: string; searchName: unknown; title: unknown };

function drawnNodes(workflow: unknown): DrawnNode[] {
  const nodes = property(workflow, "nodes");
  if (!Array.isArray(nodes)) return [];
  return nodes.map((node: unknown) => ({
    id: String(property(node, "id")),
    searchName: property(property(node, "properties"), "Node name for S&R"),
    title: property(node, "title"),
  }));
}

function metaTitle(node: unknown): unknown {
  return property(property(node, "_meta"), "title");
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}
