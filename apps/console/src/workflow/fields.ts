/** What of a workflow can be changed in the page: the values of its nodes, not its links. */
import {
  copyFloatMarks,
  type InputDeclaration,
  markFloat,
  type NodeInfo,
} from "@rabbitloom/protocol";
import { isObject, type Workflow } from "./workflow.ts";

export type NodeInfos = Readonly<Record<string, NodeInfo>>;

export interface Field {
  readonly name: string;
  readonly value: unknown;
  readonly control: Control;
}

export type Control =
  | {
      readonly kind: "number";
      readonly min?: number;
      readonly max?: number;
      readonly step?: number;
    }
  | { readonly kind: "text"; readonly isLong: boolean }
  | { readonly kind: "switch" }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "image"; readonly choices: readonly string[] };

export interface NodeForm {
  readonly id: string;
  readonly title: string;
  readonly classType: string;
  readonly fields: readonly Field[];
}

/** Every node in the workflow's order, with the inputs that hold a value. */
export function nodeForms(workflow: Workflow, infos: NodeInfos): readonly NodeForm[] {
  if (workflow.form === "editor") return editorForms(workflow.saved);
  return Object.entries(workflow.prompt).map(([id, node]) => {
    const info = infos[node.class_type];
    const declared = { ...info?.input.required, ...info?.input.optional };
    const meta = isObject(node._meta) ? node._meta.title : undefined;
    return {
      id,
      classType: node.class_type,
      title: typeof meta === "string" ? meta : (info?.display_name ?? node.class_type),
      fields: Object.entries(node.inputs).flatMap(([name, value]) => {
        const control = controlOf(value, declared[name], node.class_type);
        return control ? [{ name, value, control }] : [];
      }),
    };
  });
}

export interface ValueChange {
  readonly nodeId: string;
  readonly name: string;
  readonly value: unknown;
  /** A whole number that was typed as `5.0`. @default false */
  readonly isFloat?: boolean;
}

/** A copy of the workflow with one value changed. */
export function withValue(workflow: Workflow, change: ValueChange): Workflow {
  const { nodeId, name, value, isFloat = false } = change;
  if (workflow.form === "editor") return withEditorImage(workflow.saved, nodeId, value);
  const node = workflow.prompt[nodeId];
  if (!node) return workflow;
  const inputs = { ...node.inputs, [name]: value };
  copyFloatMarks(node.inputs, inputs);
  markFloat(inputs, name, isFloat);
  return { form: "api", prompt: { ...workflow.prompt, [nodeId]: { ...node, inputs } } };
}

function controlOf(
  value: unknown,
  declaration: InputDeclaration | undefined,
  classType: string,
): Control | undefined {
  if (Array.isArray(value)) return undefined; // a link
  const [type, options = {}] = declaration ?? [];
  const choices = choicesOf(type, options);
  if (options.image_upload === true || classType === "LoadImage") {
    return { kind: "image", choices: choices ?? [] };
  }
  if (type === "INT" || type === "FLOAT") return { kind: "number", ...limits(options) };
  if (choices && typeof value === "string") return { kind: "choice", choices };
  if (typeof value === "boolean") return { kind: "switch" };
  if (typeof value === "string") {
    // By the declaration alone: a control that changed with the text would lose the focus.
    return { kind: "text", isLong: declaration === undefined || options.multiline === true };
  }
  if (typeof value === "number" || typeof value === "bigint")
    return { kind: "number", ...limits(options) };
  return undefined;
}

function choicesOf(type: unknown, options: Readonly<Record<string, unknown>>) {
  const list = Array.isArray(type) ? type : type === "COMBO" ? options.options : undefined;
  return Array.isArray(list) ? list.map(String) : undefined;
}

function limits({ min, max, step }: Readonly<Record<string, unknown>>) {
  return {
    ...(typeof min === "number" && { min }),
    ...(typeof max === "number" && { max }),
    ...(typeof step === "number" && { step }),
  };
}

/**
 * In the editor's form values have no names; the gateway gives them names by the node's class. Only the picture
 * of a LoadImage node is safe to change here: it is the first value.
 */
function editorForms(saved: Readonly<Record<string, unknown>>): readonly NodeForm[] {
  return editorNodes(saved).map((node) => {
    const classType = String(node.type);
    const values = Array.isArray(node.widgets_values) ? node.widgets_values : [];
    const image = {
      name: "image",
      value: values[0],
      control: { kind: "image", choices: [] },
    } as const;
    return {
      id: String(node.id),
      classType,
      title: typeof node.title === "string" ? node.title : classType,
      fields: classType === "LoadImage" ? [image] : [],
    };
  });
}

function withEditorImage(
  saved: Readonly<Record<string, unknown>>,
  nodeId: string,
  value: unknown,
): Workflow {
  const nodes = editorNodes(saved).map((node) => {
    if (String(node.id) !== nodeId) return node;
    const rest = Array.isArray(node.widgets_values) ? node.widgets_values.slice(1) : [];
    return { ...node, widgets_values: [value, ...rest] };
  });
  return { form: "editor", saved: { ...saved, nodes } };
}

function editorNodes({ nodes }: Readonly<Record<string, unknown>>) {
  return Array.isArray(nodes) ? nodes.filter(isObject) : [];
}
