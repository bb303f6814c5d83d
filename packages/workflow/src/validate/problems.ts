import type { NodeErrorReason, NodeErrors } from "@rabbitloom/protocol";
import { markFloat, pythonStr } from "@rabbitloom/protocol";

/** Why a prompt is refused, in the shape ComfyUI answers with status 400. */
export interface PromptFailure {
  readonly error: NodeErrorReason;
  readonly node_errors: NodeErrors;
}

/** An input as messages show it: `[type, options]`, always both. */
export type InputConfig = readonly [type: unknown, options: Readonly<Record<string, unknown>>];

/** What is said about an input. */
export interface InputFacts {
  readonly name: string;
  readonly config: InputConfig;
}

/** A literal and whether Python takes it for a float. */
export interface Received {
  readonly value: unknown;
  readonly isFloat: boolean;
}

export function promptFailure(
  type: string,
  message: string,
  { details = "", nodeErrors = {} }: { details?: string; nodeErrors?: NodeErrors } = {},
): PromptFailure {
  return { error: { type, message, details, extra_info: {} }, node_errors: nodeErrors };
}

export function noOutputs(): PromptFailure {
  return promptFailure("prompt_no_outputs", "Prompt has no outputs");
}

export function invalidPrompt(message: string, nodeId: string, more = ""): PromptFailure {
  return promptFailure("invalid_prompt", message, { details: `Node ID '#${nodeId}'${more}` });
}

export function missingInput(name: string): NodeErrorReason {
  return reason("required_input_missing", "Required input is missing", name, { input_name: name });
}

export function badLink(input: InputFacts, received: unknown): NodeErrorReason {
  const message = "Bad linked input, must be a length-2 list of [node_id, slot_index]";
  return reason("bad_linked_input", message, input.name, {
    input_name: input.name,
    input_config: input.config,
    received_value: received,
  });
}

export function typeMismatch(
  input: InputFacts,
  receivedType: unknown,
  link: unknown,
): NodeErrorReason {
  const wanted = pythonStr(input.config[0]);
  const details = `${input.name}, received_type(${pythonStr(receivedType)}) mismatch input_type(${wanted})`;
  return reason("return_type_mismatch", "Return type mismatch between linked nodes", details, {
    input_name: input.name,
    input_config: input.config,
    received_type: receivedType,
    linked_node: link,
  });
}

export function notConvertible(
  input: InputFacts,
  received: Received,
  problem: string,
): NodeErrorReason {
  const message = `Failed to convert an input value to a ${pythonStr(input.config[0])} value`;
  const details = `${input.name}, ${shownText(received)}, ${shortened(problem)}`;
  return reason("invalid_input_type", message, details, {
    ...valueFacts(input, received),
    exception_message: shortened(problem),
  });
}

export function outOfRange(
  input: InputFacts,
  received: Received,
  bound: { readonly name: "min" | "max"; readonly value: number | bigint },
): NodeErrorReason {
  const value = shownText(received);
  const limit = pythonStr(bound.value, received.isFloat);
  const isMin = bound.name === "min";
  return reason(
    isMin ? "value_smaller_than_min" : "value_bigger_than_max",
    isMin
      ? `Value ${value} smaller than min of ${limit}`
      : `Value ${value} bigger than max of ${limit}`,
    input.name,
    valueFacts(input, received),
  );
}

/** Longer lists are only counted: they would repeat thousands of file names. */
const LONGEST_LISTED = 20;

export function notInList(
  input: InputFacts,
  received: Received,
  values: readonly unknown[] | string,
): NodeErrorReason {
  const isLong = typeof values === "string" || values.length > LONGEST_LISTED;
  const list =
    typeof values === "string"
      ? values
      : isLong
        ? `(list of length ${values.length})`
        : pythonStr(values);
  const details = `${input.name}: '${shownText(received)}' not in ${list}`;
  return reason("value_not_in_list", "Value not in list", details, {
    input_name: input.name,
    input_config: isLong ? null : input.config,
    received_value: shownValue(received.value),
  });
}

export function customFailed(inputName: string, why: string): NodeErrorReason {
  const details = why === "" ? inputName : `${inputName} - ${why}`;
  return reason("custom_validation_failed", "Custom validation failed for node", details, {
    input_name: inputName,
  });
}

/** How ComfyUI reports what breaks while it looks at a node: by the name and text of a Python exception. */
export interface Breakage {
  readonly name: string;
  readonly message: string;
}

export function brokenNode({ name, message }: Breakage): NodeErrorReason {
  return reason("exception_during_validation", "Exception when validating node", message, {
    exception_type: name,
    traceback: [],
  });
}

/** The same for a node that was reached over a link; says which link. */
export function brokenInnerNode(
  { name, message }: Breakage,
  input: InputFacts,
  link: unknown,
): NodeErrorReason {
  return reason(
    "exception_during_inner_validation",
    "Exception when validating inner node",
    message,
    {
      input_name: input.name,
      input_config: input.config,
      exception_message: message,
      exception_type: name,
      traceback: [],
      linked_node: link,
    },
  );
}

/** Every node of a circle names it: longer ones are cut, so that the answer does not grow with the square of the prompt. */
const LONGEST_CIRCLE = 100;

/** Ours: ComfyUI refuses such a prompt without a word. */
export function onCycle(cycle: readonly string[]): NodeErrorReason {
  const shown =
    cycle.length <= LONGEST_CIRCLE
      ? cycle
      : [...cycle.slice(0, LONGEST_CIRCLE - 2), "...", ...cycle.slice(-1)];
  return reason("dependency_cycle", "Nodes link to each other in a circle", shown.join(" -> "), {
    cycle: [...shown],
  });
}

function valueFacts(input: InputFacts, received: Received): Record<string, unknown> {
  const facts = {
    input_name: input.name,
    input_config: input.config,
    received_value: shownValue(received.value),
  };
  if (received.isFloat) markFloat(facts, "received_value");
  return facts;
}

/** Longer ones are cut: a refusal repeats a value several times over. */
const LONGEST_VALUE = 10_000;

function shownText({ value, isFloat }: Received): string {
  return shortened(pythonStr(value, isFloat));
}

function shownValue(value: unknown): unknown {
  return typeof value === "string" ? shortened(value) : value;
}

function shortened(text: string): string {
  if (text.length <= LONGEST_VALUE) return text;
  return `${text.slice(0, LONGEST_VALUE)}... (${text.length} characters)`;
}

function reason(
  type: string,
  message: string,
  details: string,
  extraInfo: Record<string, unknown>,
): NodeErrorReason {
  return { type, message, details, extra_info: extraInfo };
}
