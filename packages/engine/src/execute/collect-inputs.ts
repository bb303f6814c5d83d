import type { ExtraData, Prompt } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import type { DynamicPrompt, PromptNode } from "../nodes/context.ts";
import type { HiddenValues, NodeClass } from "../nodes/define-node.ts";
import { isLink } from "../nodes/values.ts";
import type { FinishedNode } from "./result-cache.ts";

/** A node's inputs before they are dealt out to its calls: each a list, as outputs are. */
export interface InputLists {
  readonly declared: ReadonlyMap<string, readonly unknown[]>;
  /** Linked inputs that the class does not declare. */
  readonly undeclared: ReadonlyMap<string, readonly unknown[]>;
  /** Lazy inputs that the node has not asked for. They read `[null]`. */
  readonly missing: ReadonlySet<string>;
}

export interface InputSources {
  exists(id: string): boolean;
  finished(id: string): FinishedNode | undefined;
  /** Whether the node has asked for this lazy input. */
  hasAskedFor(name: string): boolean;
  readonly hidden: (word: keyof HiddenValues) => unknown;
}

/** Looks up every input that the node gets: literals, values behind links, raw links, hidden ones. */
export function collectInputs(
  node: PromptNode,
  nodeClass: NodeClass,
  sources: InputSources,
): InputLists {
  const declared = new Map<string, readonly unknown[]>();
  const undeclared = new Map<string, readonly unknown[]>();
  const missing = new Set<string>();
  for (const [name, value] of Object.entries(node.inputs)) {
    const declaration = declarationOf(nodeClass, name);
    if (isLink(value)) {
      if (!sources.exists(value[0])) {
        throw new CodedError(
          "NODE_FAILED",
          `input "${name}" links to node "${value[0]}", which is not there`,
        );
      }
      const lists = declaration === undefined ? undeclared : declared;
      if (declaration?.rawLink) {
        lists.set(name, [value]);
      } else {
        // What was not asked for reads null even where it happens to be there: results must not hang on the cache.
        const isWithheld = declaration?.isLazy === true && !sources.hasAskedFor(name);
        const list = isWithheld ? undefined : sources.finished(value[0])?.outputs.at(value[1]);
        if (isWithheld) missing.add(name);
        lists.set(name, list ?? [null]);
      }
    } else if (declaration !== undefined) {
      declared.set(name, [literal(value)]);
    }
  }
  for (const [name, word] of Object.entries(nodeClass.hidden ?? {})) {
    if (isMagic(word)) declared.set(name, [sources.hidden(word)]);
  }
  return { declared, undeclared, missing };
}

function declarationOf(
  nodeClass: NodeClass,
  name: string,
): { readonly rawLink: boolean; readonly isLazy: boolean } | undefined {
  if (Object.hasOwn(nodeClass.inputs, name)) {
    const options = nodeClass.inputs[name]?.options;
    return { rawLink: options?.rawLink === true, isLazy: options?.lazy === true };
  }
  // A hidden input of an ordinary type is one that a prompt may set.
  if (nodeClass.hidden !== undefined && Object.hasOwn(nodeClass.hidden, name)) {
    return isMagic(nodeClass.hidden[name]) ? undefined : { rawLink: false, isLazy: false };
  }
  return undefined;
}

/** A list travels as `{"__value__": [...]}`, because a bare one could be a link. */
function literal(value: unknown): unknown {
  if (typeof value === "object" && value !== null && "__value__" in value) return value.__value__;
  return value;
}

const magicWords = {
  PROMPT: true,
  DYNPROMPT: true,
  EXTRA_PNGINFO: true,
  UNIQUE_ID: true,
  AUTH_TOKEN_COMFY_ORG: true,
  API_KEY_COMFY_ORG: true,
} as const satisfies Record<keyof HiddenValues, true>;

function isMagic(word: unknown): word is keyof HiddenValues {
  return typeof word === "string" && Object.hasOwn(magicWords, word);
}

/** What the magic words of hidden inputs stand for in one call. */
export function hiddenValue(
  word: keyof HiddenValues,
  from: {
    readonly id: string;
    readonly prompt: Prompt;
    readonly dynamicPrompt: DynamicPrompt;
    readonly extraData: ExtraData;
  },
): unknown {
  switch (word) {
    case "PROMPT":
      return from.prompt;
    case "DYNPROMPT":
      return from.dynamicPrompt;
    case "EXTRA_PNGINFO":
      return from.extraData.extra_pnginfo ?? null;
    case "UNIQUE_ID":
      return from.id;
    case "AUTH_TOKEN_COMFY_ORG":
      return from.extraData.auth_token_comfy_org ?? null;
    case "API_KEY_COMFY_ORG":
      return from.extraData.api_key_comfy_org ?? null;
  }
}
