import type { Link } from "../prompt/link.ts";
import { NotConvertible } from "./not-convertible.ts";
import type { Boundary, Scope } from "./scope.ts";
import { bypassInput } from "./slot-types.ts";
import { isBypassed, isMuted, isVirtual } from "./ui-graph.ts";
import type { UiInput, UiLink, UiNode } from "./ui-workflow.ts";

/** What an input gets in the prompt. */
export type Resolved =
  | { readonly kind: "link"; readonly link: Link }
  /** A value that a node around the subgraph holds for it. */
  | { readonly kind: "value"; readonly value: unknown }
  /** The source is muted: the input is left out, widget or not. */
  | { readonly kind: "muted" }
  /** No link, or one that leads nowhere: a widget keeps its value. */
  | { readonly kind: "none" };

export interface ResolveOptions {
  readonly scope: Scope;
  readonly node: UiNode;
  readonly input: UiInput;
  /** Counted down with every link that is followed and every input and type that is looked through on the way; below 0 it is refused. */
  readonly stepsLeft: { count: number };
  readonly warn: (message: string) => void;
}

/**
 * Follows an input's link to the node that really feeds it: through reroutes and bypassed nodes, into subgraphs and out
 * of them. Where it leaves a subgraph over an input without a link, the value that the instance holds counts.
 */
export function resolveInput({
  scope: startScope,
  node,
  input: startInput,
  stepsLeft,
  warn,
}: ResolveOptions): Resolved {
  const seen = new Set<string>();
  let scope = startScope;
  let input = startInput;
  /** The type that the link must have in the end; changes where the walk goes on from another node's input. */
  let wanted = input.type;
  let held: Resolved = { kind: "none" };
  let link = linkOf(input);

  while (link !== undefined) {
    const { originId, originSlot } = link;
    const { boundary } = scope;
    pay(1);
    if (boundary !== undefined && originId === boundary.definition.inputNode) {
      pay(boundary.instance.inputs.length);
      const outer = outerInput(boundary, originSlot);
      held = heldValue(boundary, outer, originSlot) ?? held;
      if (outer === undefined) return held;
      scope = boundary.parent;
      moveTo(outer, outer.type);
      continue;
    }
    const origin = scope.graph.byId.get(originId);
    if (origin === undefined) {
      warn(
        `node ${startScope.prefix}${node.id}: the link to ${startInput.name} comes from node ${scope.prefix}${originId}, which is not in the file`,
      );
      return held;
    }
    const passed = `${scope.prefix}${originId} ${originSlot}`;
    if (seen.has(passed)) {
      const reason = `the link to ${startInput.name} runs in a circle through node ${scope.prefix}${originId}`;
      throw new NotConvertible([{ id: startScope.prefix + node.id, node, reason }]);
    }
    seen.add(passed);

    if (isVirtual(origin)) {
      const through = origin.type === "Reroute" ? origin.inputs[0] : undefined;
      if (through === undefined) return held;
      moveTo(through, wanted);
    } else if (isMuted(origin)) {
      return { kind: "muted" };
    } else if (isBypassed(origin)) {
      pay(typeSteps(origin, originSlot, wanted));
      const position = bypassInput(origin, originSlot, wanted);
      const through = position === undefined ? undefined : origin.inputs[position];
      if (through === undefined) return held;
      moveTo(through, through.type);
    } else {
      const child = scope.children.get(originId);
      if (child === undefined) return { kind: "link", link: [scope.prefix + originId, originSlot] };
      scope = child;
      link = child.outputLinks.get(originSlot);
    }
  }
  return held;

  function pay(steps: number): void {
    stepsLeft.count -= steps;
    if (stepsLeft.count < 0)
      throw new NotConvertible([], "the links run through too many reroutes and bypassed nodes");
  }

  function moveTo(next: UiInput, type: string): void {
    input = next;
    wanted = type;
    link = linkOf(input);
  }

  function linkOf({ link: id, name }: UiInput): UiLink | undefined {
    if (id === undefined) return undefined;
    const found = scope.graph.links.get(id);
    if (found === undefined)
      warn(`node ${startScope.prefix}${node.id}: link ${id} to ${name} is not in the file`);
    return found;
  }
}

/** Characters of types that are compared in about the time of one step. */
const CHARACTERS_A_STEP = 16;

/** Each input's type is compared with the output's and with the wanted one, and all of them may be lists of any length. */
function typeSteps({ inputs, outputs }: UiNode, slot: number, wanted: string): number {
  const compared = (outputs[slot]?.type.length ?? 0) + wanted.length;
  const characters = inputs.reduce((sum, { type }) => sum + type.length + compared, 0);
  return inputs.length + Math.floor(characters / CHARACTERS_A_STEP);
}

/** The instance's input for input `slot` of its definition; a subgraph's instance leaves out those without a link. */
function outerInput(
  { instance, definition, isGroup }: Boundary,
  slot: number,
): UiInput | undefined {
  if (isGroup) return instance.inputs[slot];
  const wanted = definition.inputs[slot];
  return (
    instance.inputs.find(({ name, type }) => name === wanted?.name && type === wanted.type) ??
    instance.inputs.find(({ name }) => name === wanted?.name)
  );
}

/** What a primitive around the instance, or the instance itself, holds for the input. */
function heldValue(
  { parent, instance, definition, promoted }: Boundary,
  outer: UiInput | undefined,
  slot: number,
): Resolved | undefined {
  const name = outer?.widget?.name ?? outer?.name ?? definition.inputs[slot]?.name ?? "";
  const written = parent.overrides.get(instance.id);
  if (written?.has(name)) return { kind: "value", value: written.get(name) };
  const own = definition.inputs[slot]?.name ?? "";
  return promoted.has(own) ? { kind: "value", value: promoted.get(own) } : undefined;
}
