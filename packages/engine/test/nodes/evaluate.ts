/** Runs a small prompt by calling the nodes' run functions directly, depth first, each once. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { FileAccess, NodeContext, PromptNode } from "../../src/nodes/context.ts";
import { coreNodes } from "../../src/nodes/core-nodes.ts";
import type { NodeClass } from "../../src/nodes/define-node.ts";
import { createLocalNames } from "../../src/nodes/saving/local-names.ts";
import { isLink } from "../../src/nodes/values.ts";

export type Graph = Readonly<Record<string, PromptNode>>;

export type Workbench = AsyncDisposable & {
  readonly root: string;
  readonly files: FileAccess;
  readonly sent: { bytes: Uint8Array; contentType: string }[];
  context(overrides?: Partial<NodeContext>): NodeContext;
  /** What `run` of one node returns. */
  call(
    name: string,
    inputs: Readonly<Record<string, unknown>>,
    overrides?: Partial<NodeContext>,
  ): Promise<unknown>;
  /** As `call`, for nodes that take lists: the lists themselves. */
  callWithLists(
    name: string,
    inputs: Readonly<Record<string, readonly unknown[]>>,
  ): Promise<unknown>;
  /** The value of an output. */
  evaluate(graph: Graph, id: string, slot?: number): Promise<unknown>;
};

export async function openWorkbench(nodes: readonly NodeClass[] = coreNodes()): Promise<Workbench> {
  const root = await mkdtemp(path.join(tmpdir(), "rabbitloom-nodes-"));
  for (const folder of ["input", "output", "temp"]) await mkdir(path.join(root, folder));
  const registry = new Map(nodes.map((node) => [node.name, node]));
  const files = fileAccess(root);
  const allocateNames = createLocalNames(files.folder);
  const sent: Workbench["sent"] = [];

  function context(overrides: Partial<NodeContext> = {}): NodeContext {
    return {
      nodeId: "1",
      displayNodeId: "1",
      listIndex: 0,
      signal: new AbortController().signal,
      undeclared: {},
      state: new Map(),
      progress: () => {},
      sendImage: (bytes, contentType) => sent.push({ bytes, contentType }),
      sendText: () => {},
      graphBuilder: () => unavailable("graphBuilder"),
      get dynamicPrompt() {
        return unavailable("dynamicPrompt");
      },
      allocateNames,
      files,
      models: { list: () => [], path: (folder, name) => unavailable(`${folder}/${name}`) },
      ...overrides,
    };
  }

  function find(name: string): NodeClass {
    const node = registry.get(name);
    if (node === undefined) throw new Error(`there is no node class ${name}`);
    return node;
  }

  const call: Workbench["call"] = async (name, inputs, overrides) => {
    const node = find(name);
    return await node.run(node.inputIsList ? asLists(inputs) : inputs, context(overrides));
  };

  const callWithLists: Workbench["callWithLists"] = async (name, inputs) =>
    await find(name).run(inputs, context());

  async function evaluate(graph: Graph, id: string, slot = 0): Promise<unknown> {
    const memo = new Map<string, Promise<unknown>>();
    const outputsOf = (nodeId: string): Promise<unknown> => {
      const known = memo.get(nodeId) ?? start(nodeId);
      memo.set(nodeId, known);
      return known;
    };
    const start = async (nodeId: string): Promise<unknown> => {
      const node = graph[nodeId];
      if (node === undefined) throw new Error(`the graph has no node ${nodeId}`);
      const inputs: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(node.inputs)) {
        inputs[name] = isLink(value) ? outputAt(await outputsOf(value[0]), value[1]) : value;
      }
      return await call(node.class_type, inputs, { nodeId });
    };
    return outputAt(await outputsOf(id), slot);
  }

  return {
    root,
    files,
    sent,
    context,
    call,
    callWithLists,
    evaluate,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

function asLists(inputs: Readonly<Record<string, unknown>>): Record<string, unknown[]> {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, [value]]));
}

export function outputAt(outputs: unknown, slot: number): unknown {
  if (!Array.isArray(outputs)) throw new Error("the node returned no list of outputs");
  const value: unknown = outputs[slot];
  return value;
}

function fileAccess(root: string): FileAccess {
  const folder: FileAccess["folder"] = (type) => path.join(root, type);
  const inside: FileAccess["path"] = ({ type, subfolder = "", filename }) => {
    const full = path.resolve(folder(type), subfolder, filename);
    if (!full.startsWith(folder(type) + path.sep)) throw new Error(`${filename} leaves ${type}`);
    return full;
  };
  return {
    folder,
    path: inside,
    annotatedPath: (name, defaultType = "input") => {
      const annotated = /^(.*) \[(input|output|temp)\]$/.exec(name);
      const type = annotated?.[2];
      if (type === "input" || type === "output" || type === "temp") {
        return inside({ type, filename: annotated?.[1] ?? name });
      }
      return inside({ type: defaultType, filename: name });
    },
    list: () => Promise.resolve([]),
  };
}

function unavailable(what: string): never {
  throw new Error(`${what} is not there in these tests`);
}
