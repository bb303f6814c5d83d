import type { InputDeclaration, NodeInfo } from "@rabbitloom/protocol";
import * as z from "zod";

/** One position of `widgets_values`: an input's value, or something the page keeps for itself beside it. */
export interface WidgetSlot {
  /** The input; for slots of the page itself the input they belong to. */
  readonly name: string;
  readonly isValue: boolean;
  readonly declaration: InputDeclaration;
}

/** Types that the page shows as one widget. */
const WIDGET_TYPES = new Set([
  "COMBO",
  "INT",
  "FLOAT",
  "STRING",
  "BOOLEAN",
  "MARKDOWN",
  "COLOR",
  "COLORS",
  "TEXTAREA",
  "BOUNDING_BOX",
  "BOUNDING_BOXES",
  "CURVE",
  "RANGE",
  "CHART",
  "GALLERIA",
  "IMAGECOMPARE",
  "PAINTER",
  "COMPOSITOR",
  "VIDEO_EDIT",
  "RESOLUTION_PREVIEW",
]);

/** A choice that decides which inputs follow it. */
const DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3";

/** Widgets whose values the page makes in the browser: pictures of a camera, recordings, views of a model. */
const BROWSER_TYPES = new Set(["WEBCAM", "AUDIO_RECORD", "LOAD_3D", "LOAD_3D_ANIMATION"]);

const UPLOAD_OPTIONS = ["image_upload", "video_upload", "animated_image_upload"];

export type NodeInfoLookup = (classType: string) => NodeInfo | undefined;

/**
 * The positions of `widgets_values` in the order of the class's definition. `values` are needed for two reasons: a dynamic
 * choice decides what follows it, and files of old pages hold a dummy for each input that is only a socket.
 */
export function widgetSlots(info: NodeInfo, values: readonly unknown[]): WidgetSlot[] {
  const read = (_: string, position: number) => values[position];
  const slots = collectSlots(info, read, false);
  const withDummies = collectSlots(info, read, true);
  if (withDummies.length !== values.length || slots.length === values.length) return slots;
  return withDummies.map((slot) =>
    isForced(slot.declaration) ? { ...slot, isValue: false } : slot,
  );
}

/** The widgets that an object of values by name belongs to. */
export function namedWidgetSlots(
  info: NodeInfo,
  values: Readonly<Record<string, unknown>>,
): WidgetSlot[] {
  return collectSlots(info, (name) => values[name], false);
}

/** Inputs of the class in the order of their widgets and sockets, required ones first. */
export function declaredInputs(info: NodeInfo): [string, InputDeclaration][] {
  const inputs = new Map<string, InputDeclaration>();
  for (const group of ["required", "optional"] as const) {
    const declared = info.input[group] ?? {};
    const names = new Set([...(info.input_order[group] ?? []), ...Object.keys(declared)]);
    for (const name of names) {
      const declaration = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (declaration !== undefined && !inputs.has(name)) inputs.set(name, declaration);
    }
  }
  return [...inputs];
}

/** The input whose value only a browser can make, if there is one. */
export function browserInput(info: NodeInfo): string | undefined {
  return declaredInputs(info).find(
    ([, [type]]) => typeof type === "string" && BROWSER_TYPES.has(type),
  )?.[0];
}

export function isWidget(declaration: InputDeclaration): boolean {
  const [type] = declaration;
  const isShown =
    Array.isArray(type) ||
    (typeof type === "string" && (WIDGET_TYPES.has(type) || type === DYNAMIC_COMBO));
  return isShown && !isForced(declaration);
}

/** Whether the page keeps a mode (fixed, randomize, ...) beside the value. An explicit option wins over the name. */
export function hasControl(name: string, [type, options]: InputDeclaration): boolean {
  const option = options?.control_after_generate;
  if (option !== undefined) return option === true || (typeof option === "string" && option !== "");
  return type === "INT" && (name === "seed" || name === "noise_seed");
}

/** What an input starts with in the page: its default, else the first choice, else nothing of its kind. */
export function startValue([type, options]: InputDeclaration): unknown {
  if (options?.default !== undefined) return options.default;
  if (Array.isArray(type)) return type[0];
  if (type === DYNAMIC_COMBO) return dynamicOptions(options)[0]?.key;
  const choices = options?.options;
  if (Array.isArray(choices)) return choices[0];
  if (type === "INT" || type === "FLOAT") return 0;
  if (type === "BOOLEAN") return false;
  return type === "STRING" ? "" : undefined;
}

function collectSlots(
  info: NodeInfo,
  read: (name: string, position: number) => unknown,
  withDummies: boolean,
): WidgetSlot[] {
  const slots: WidgetSlot[] = [];
  let uploads: WidgetSlot[] = [];
  const required = new Set(Object.keys(info.input.required ?? {}));
  for (const [name, declaration] of declaredInputs(info)) {
    // The upload button comes after the last required input.
    if (!required.has(name)) slots.push(...uploads.splice(0));
    add(name, declaration);
    const hasUpload = UPLOAD_OPTIONS.some((option) => declaration[1]?.[option] === true);
    if (hasUpload) uploads = [...uploads, { name, isValue: false, declaration }];
  }
  return [...slots, ...uploads];

  function add(name: string, declaration: InputDeclaration): void {
    const isDummy = withDummies && isForced(declaration) && isWidget([declaration[0]]);
    if (!isDummy && !isWidget(declaration)) return;
    const value = read(name, slots.length);
    slots.push({ name, isValue: true, declaration });
    if (hasControl(name, declaration)) slots.push({ name, isValue: false, declaration });
    if (declaration[0] === DYNAMIC_COMBO) addChosen(name, declaration, value);
  }

  function addChosen(name: string, declaration: InputDeclaration, value: unknown): void {
    const options = dynamicOptions(declaration[1]);
    const chosen = options.find(({ key }) => key === (value ?? startValue(declaration)));
    for (const group of [chosen?.inputs.required, chosen?.inputs.optional]) {
      for (const [inner, innerDeclaration] of Object.entries(group ?? {}))
        add(`${name}.${inner}`, innerDeclaration);
    }
  }
}

function isForced([, options]: InputDeclaration): boolean {
  return options?.forceInput === true;
}

const innerInputSchema: z.ZodType<InputDeclaration> = z.union([
  z.tuple([z.union([z.string(), z.array(z.unknown())])]),
  z.tuple([z.union([z.string(), z.array(z.unknown())]), z.record(z.string(), z.unknown())]),
]);
const innerGroupSchema = z.record(z.string(), innerInputSchema).optional();
const dynamicOptionsSchema = z.array(
  z.object({
    key: z.string(),
    inputs: z.object({ required: innerGroupSchema, optional: innerGroupSchema }),
  }),
);

function dynamicOptions(
  options: InputDeclaration[1] | undefined,
): z.infer<typeof dynamicOptionsSchema> {
  const parsed = dynamicOptionsSchema.safeParse(options?.options);
  return parsed.success ? parsed.data : [];
}
