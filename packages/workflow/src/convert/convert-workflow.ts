import type { NodeInfo, Prompt } from "@rabbitloom/protocol";
import { chooseDynamicPrompt } from "./dynamic-prompt.ts";
import { fillFilePrefix } from "./file-prefix.ts";
import { widgetFinder } from "./find-widget.ts";
import { NotConvertible, type UnconvertedNode } from "./not-convertible.ts";
import { resolveInput } from "./resolve-input.ts";
import { openScopes, type Scope } from "./scope.ts";
import { isBypassed, isMuted, isVirtual } from "./ui-graph.ts";
import type { UiNode, UiWorkflow } from "./ui-workflow.ts";
import { valueSize } from "./value-size.ts";
import { browserInput, declaredInputs, type NodeInfoLookup } from "./widget-slots.ts";
import { namedValues, widgetValues } from "./widget-values.ts";
import { writePrimitives } from "./write-primitives.ts";

export interface ConvertOptions {
  /** The definition of a node class; undefined where nobody knows it. */
  readonly nodeInfo: NodeInfoLookup;
  /** For `{a|b}` in prompt texts: 0 up to 1. @default Math.random */
  readonly random?: () => number;
  /** For `%date:...%` in file names. @default the time of the call */
  readonly now?: Date;
}

export interface ConvertedWorkflow {
  readonly prompt: Prompt;
  /** What was odd in the file and how it was taken. */
  readonly warnings: readonly string[];
}

/** Of all inputs together, through reroutes, bypassed nodes and subgraphs; the largest drawings take thousands. */
const MAX_STEPS = 2_000_000;

/** Of the prompt, each use of a subgraph's text counted: twice what a body may hold by default. */
const MAX_CHARACTERS = 33_554_432;

/**
 * Makes the prompt that the page would send for a saved workflow. Throws WORKFLOW_NOT_CONVERTIBLE naming the nodes that
 * cannot be converted without the page: classes nobody knows, values only a browser makes, links in a circle.
 */
export function convertWorkflow(workflow: UiWorkflow, options: ConvertOptions): ConvertedWorkflow {
  const { nodeInfo, random = Math.random, now = new Date() } = options;
  const prompt: Prompt = {};
  const warnings = new Set<string>();
  const problems: UnconvertedNode[] = [];
  const top = openScopes(workflow, nodeInfo);
  const findWidget = widgetFinder(top, nodeInfo);
  const stepsLeft = { count: MAX_STEPS };
  let characters = 0;
  const fillPrefix = (text: string, scope: Scope) => {
    const filled = fillFilePrefix(text, now, (node, widget) => findWidget(scope, node, widget));
    count(filled.length);
    return filled;
  };
  writePrimitives(top, fillPrefix);
  emit(top);
  if (problems.length > 0) throw new NotConvertible(problems);
  return { prompt, warnings: [...warnings] };

  /** Small files can have a text copied again and again. */
  function count(more: number): void {
    characters += more;
    if (characters <= MAX_CHARACTERS) return;
    throw new NotConvertible([], `the workflow opens into more than ${MAX_CHARACTERS} characters`);
  }

  function emit(scope: Scope): void {
    for (const node of scope.graph.nodes) {
      if (isVirtual(node) || isMuted(node) || isBypassed(node)) continue;
      const child = scope.children.get(node.id);
      if (child === undefined) emitNode(node, scope);
      else emit(child);
    }
  }

  function emitNode(node: UiNode, scope: Scope): void {
    count(scope.prefix.length + node.id.length + node.type.length + (node.title ?? "").length);
    const id = scope.prefix + node.id;
    const info = nodeInfo(node.type);
    const values = info === undefined ? namedValues(node) : widgetValues(node, info, scope);
    if (values === undefined) {
      problems.push({ id, node, reason: "no worker knows this node type" });
      return;
    }
    if (id === "__proto__") {
      problems.push({ id, node, reason: "this id cannot be used" });
      return;
    }
    const inputs: Record<string, unknown> = {};
    for (const [name, value] of values) setLiteral(name, value);
    for (const input of node.inputs) {
      const resolved = resolveInput({
        scope,
        node,
        input,
        stepsLeft,
        warn: (message) => warnings.add(message),
      });
      if (resolved.kind === "link") set(input.name, [...resolved.link]);
      else if (resolved.kind === "value") setLiteral(input.name, resolved.value);
      else if (resolved.kind === "muted") delete inputs[input.name];
    }
    const browserMade = info && browserInput(info);
    if (browserMade !== undefined && !Array.isArray(inputs[browserMade])) {
      problems.push({ id, node, reason: `its input ${browserMade} is made in the browser` });
    }
    prompt[id] = {
      inputs: finishTexts(inputs, info, scope),
      class_type: node.type,
      _meta: { title: node.title ?? info?.display_name ?? node.type },
    };

    /** A bare list would be taken for a link. */
    function setLiteral(name: string, value: unknown): void {
      set(name, Array.isArray(value) ? { __value__: value } : value);
    }

    function set(name: string, value: unknown): void {
      count(name.length + valueSize(value));
      if (name !== "__proto__" && value !== undefined) inputs[name] = value;
    }
  }

  function finishTexts(
    inputs: Record<string, unknown>,
    info: NodeInfo | undefined,
    scope: Scope,
  ): Record<string, unknown> {
    if (info === undefined) return inputs;
    for (const [name, [type, inputOptions]] of declaredInputs(info)) {
      const value = inputs[name];
      if (typeof value !== "string") continue;
      if (inputOptions?.dynamicPrompts === true) inputs[name] = chooseDynamicPrompt(value, random);
      else if (name === "filename_prefix" && type === "STRING")
        inputs[name] = fillPrefix(value, scope);
    }
    return inputs;
  }
}
