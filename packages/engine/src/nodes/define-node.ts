import type { CheckContext, DynamicPrompt, NodeContext, PromptNode } from "./context.ts";
import type { ExpandGraph } from "./graph-builder.ts";
import type { NodeInput } from "./input.ts";
import type { ExecutionBlocker, Link, ValueOfType } from "./values.ts";

export type NodeInputs = Readonly<Record<string, NodeInput>>;

/** Hidden inputs by name: one of ComfyUI's magic words, or another type, which the prompt may set. */
export type HiddenInputs = Readonly<Record<string, string | readonly [string]>>;

export interface HiddenValues {
  /** The graph as submitted. */
  PROMPT: Readonly<Record<string, PromptNode>>;
  DYNPROMPT: DynamicPrompt;
  EXTRA_PNGINFO: Readonly<Record<string, unknown>> | null;
  UNIQUE_ID: string;
  AUTH_TOKEN_COMFY_ORG: string | null;
  API_KEY_COMFY_ORG: string | null;
}

/** A socket type, or a declaration with a name; an output is named like its type unless it says otherwise. */
export type NodeOutput =
  | string
  | {
      readonly type: string | readonly string[];
      readonly name?: string;
      /** The returned array is a list: what follows runs once for each entry. */
      readonly isList?: boolean;
      readonly tooltip?: string;
    };

/** Everything a node is. `run` may be sync or async, and returns its outputs in order or a `NodeReturn`. */
export interface NodeDefinition<
  Inputs extends NodeInputs = NodeInputs,
  Hidden extends HiddenInputs = HiddenInputs,
  Outputs extends readonly NodeOutput[] = readonly NodeOutput[],
  InputIsList extends boolean = boolean,
> {
  readonly name: string;
  readonly displayName?: string;
  readonly category: string;
  readonly description?: string;
  /** `python_module` of `/object_info`. @default the pack's name */
  readonly module?: string;
  /** Which of ComfyUI's two forms `/object_info` shows the declaration in. @default "v1" */
  readonly schema?: "v1" | "v3";
  readonly inputs: Inputs;
  readonly hidden?: Hidden;
  readonly outputs: Outputs;
  /** One call gets the whole list of every input, instead of one call for each entry. */
  readonly inputIsList?: InputIsList;
  /** A root of execution: runs whether or not another node needs it. */
  readonly isOutputNode?: boolean;
  /** Two nodes with the same inputs do not share one result. */
  readonly notIdempotent?: boolean;
  /** It computes on the device: calls of such nodes never overlap, not even those of different prompts. */
  readonly usesDevice?: boolean;
  readonly deprecated?: boolean;
  readonly experimental?: boolean;
  readonly isApiNode?: boolean;
  readonly validate?: NodeValidation<Inputs>;
  /** Any value; the node runs again when it differs from the last one. Links arrive as null. */
  isChanged?(inputs: CheckedInputs<Inputs>, context: CheckContext): unknown;
  /** Names of the lazy inputs needed with what is known so far; inputs not computed yet are null. */
  checkLazyStatus?(
    inputs: CheckedInputs<Inputs>,
    context: CheckContext,
  ): readonly string[] | Promise<readonly string[]>;
  run(
    inputs: RunInputs<Inputs, Hidden, InputIsList>,
    context: NodeContext,
  ): NodeResult<Outputs> | Promise<NodeResult<Outputs>>;
}

/** The class's own look at its inputs before anything runs. */
export interface NodeValidation<Inputs extends NodeInputs = NodeInputs> {
  /** Inputs it takes: min, max and combo membership are not checked for these. */
  readonly takes: "all" | readonly (keyof Inputs & string)[];
  /** It looks at the types of links itself, so the general check is off. */
  readonly takesTypes?: boolean;
  /** True is fine; false or a reason is a validation error. Links arrive as null. */
  check(
    inputs: CheckedInputs<Inputs>,
    context: CheckContext & { readonly inputTypes: Readonly<Record<string, string>> },
  ): boolean | string | Promise<boolean | string>;
}

/** The long form of what `run` returns. */
export interface NodeReturn<Outputs extends readonly NodeOutput[] = readonly NodeOutput[]> {
  /** What the page shows and history keeps: lists by name. */
  readonly ui?: Readonly<Record<string, readonly unknown[]>>;
  /** Outputs in order; with `expand`, links into the expansion too. One blocker stands for all of them. */
  readonly result?: OutputValues<Outputs> | ExecutionBlocker;
  readonly expand?: ExpandGraph;
}

export type NodeResult<Outputs extends readonly NodeOutput[]> =
  | OutputValues<Outputs>
  | NodeReturn<Outputs>
  | ExecutionBlocker
  | undefined;

type OutputType<Output> = Output extends { readonly type: infer Type } ? Type : Output;

type OutputValue<Output> =
  | (Output extends { readonly isList: true }
      ? readonly ValueOfType<OutputType<Output>>[]
      : ValueOfType<OutputType<Output>>)
  | ExecutionBlocker
  | Link;

export type OutputValues<Outputs extends readonly NodeOutput[]> = {
  readonly [Index in keyof Outputs]: OutputValue<Outputs[Index]>;
};

type InputValue<Input> = Input extends NodeInput<infer Value> ? Value : never;

type DeclaredValues<Inputs extends NodeInputs> = {
  readonly [Name in keyof Inputs as Inputs[Name] extends NodeInput<unknown, true>
    ? never
    : Name]: InputValue<Inputs[Name]>;
} & {
  readonly [Name in keyof Inputs as Inputs[Name] extends NodeInput<unknown, true>
    ? Name
    : never]?: InputValue<Inputs[Name]>;
};

type HiddenValue<Word> = Word extends keyof HiddenValues ? HiddenValues[Word] : unknown;

type GivenHidden<Hidden extends HiddenInputs> = HiddenInputs extends Hidden
  ? unknown
  : { readonly [Name in keyof Hidden]: HiddenValue<Hidden[Name]> };

type ListsOf<Values> = { readonly [Name in keyof Values]: readonly Values[Name][] };

export type RunInputs<
  Inputs extends NodeInputs,
  Hidden extends HiddenInputs,
  InputIsList extends boolean,
> = InputIsList extends true
  ? ListsOf<DeclaredValues<Inputs> & GivenHidden<Hidden>>
  : DeclaredValues<Inputs> & GivenHidden<Hidden>;

export type CheckedInputs<Inputs extends NodeInputs> = {
  readonly [Name in keyof Inputs]?: InputValue<Inputs[Name]> | null;
};

/** A node class as the engine holds it: the declaration without its types. */
export interface NodeClass extends Omit<NodeDefinition, "run"> {
  run(inputs: Readonly<Record<string, unknown>>, context: NodeContext): unknown;
}

/** Declares a node class; the types of `run`'s inputs and result follow from the declaration. */
export function defineNode<
  const Inputs extends NodeInputs,
  const Outputs extends readonly NodeOutput[],
  const Hidden extends HiddenInputs = HiddenInputs,
  const InputIsList extends boolean = false,
>(definition: NodeDefinition<Inputs, Hidden, Outputs, InputIsList>): NodeClass {
  return definition;
}
