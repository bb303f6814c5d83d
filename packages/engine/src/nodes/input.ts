import type { ListedValues } from "@rabbitloom/protocol";
import type { Link, ValueOfType } from "./values.ts";

/** One declared input: what `/object_info` shows of it, and (in the type only) what `run` gets. */
export interface NodeInput<Value = unknown, Optional extends boolean = boolean> {
  /** Socket type, comma list of types, or the values of a combo. */
  readonly type: string | readonly ComboValue[];
  /** Exactly the options object of the declaration; absent where the declaration has none. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly optional: Optional;
  /** The combo's values are looked up when they are asked for. */
  readonly listed?: ListedValues;
  /** A required input that `/object_info` lists among the optional ones once more. */
  readonly showAsOptionalToo?: boolean;
  /** Only for inference; never set. */
  readonly value?: Value;
}

export type ComboValue = string | number | boolean;

/** Options that every input takes, under ComfyUI's own names: they go to `/object_info` as they are. */
export interface InputOptions {
  /** The prompt may leave it out; `run` then finds it `undefined`. Not shown as an option. */
  readonly optional?: boolean;
  /** List a required input among the optional ones too, as a few of ComfyUI's classes do. Not shown as an option. */
  readonly showAsOptionalToo?: boolean;
  readonly tooltip?: string;
  readonly display_name?: string;
  readonly advanced?: boolean;
  readonly hidden?: boolean;
  /** Show a socket instead of a widget. */
  readonly forceInput?: boolean;
  readonly defaultInput?: boolean;
  readonly socketless?: boolean;
  readonly widgetType?: string;
  /** Not computed until `checkLazyStatus` asks for it; `run` finds `null` where it was never asked for. */
  readonly lazy?: boolean;
  /** `run` gets the link `[id, slot]` itself instead of the value behind it. */
  readonly rawLink?: boolean;
}

export interface NumberOptions extends InputOptions {
  readonly default?: number;
  /** A bigint where a double would round it: seeds go up to 2^64 - 1. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  readonly step?: number;
  readonly round?: number | false;
  readonly display?: "number" | "slider" | "color" | "knob";
  readonly control_after_generate?: boolean | string;
}

export interface StringOptions extends InputOptions {
  readonly default?: string;
  readonly multiline?: boolean;
  readonly placeholder?: string;
  readonly dynamicPrompts?: boolean;
}

export interface BooleanOptions extends InputOptions {
  readonly default?: boolean;
  readonly label_on?: string;
  readonly label_off?: string;
}

export interface ComboOptions extends InputOptions {
  readonly default?: ComboValue;
  readonly control_after_generate?: boolean | string;
  readonly multiselect?: boolean;
  readonly image_upload?: boolean;
  readonly image_folder?: "input" | "output" | "temp";
  readonly audio_upload?: boolean;
  readonly video_upload?: boolean;
  readonly file_upload?: boolean;
  readonly remote?: Readonly<Record<string, unknown>>;
}

/** Refuses option names that the kind of input does not have. */
type Known<Given, All> = Given & Record<Exclude<keyof Given, keyof All>, never>;

type Received<Value, Options> = Options extends { readonly rawLink: true }
  ? Link
  : Options extends { readonly lazy: true }
    ? Value | null
    : Value;

type IsOptional<Options> = Options extends { readonly optional: true } ? true : false;

type Declared<Value, Options> = NodeInput<Received<Value, Options>, IsOptional<Options>>;

/** A whole number: links of INT, or a literal, which the server coerces and checks against min and max. */
export function int<const O extends NumberOptions = NumberOptions>(
  options?: Known<O, NumberOptions>,
): Declared<number, O> {
  return declare("INT", options);
}

export function float<const O extends NumberOptions = NumberOptions>(
  options?: Known<O, NumberOptions>,
): Declared<number, O> {
  return declare("FLOAT", options);
}

export function string<const O extends StringOptions = StringOptions>(
  options?: Known<O, StringOptions>,
): Declared<string, O> {
  return declare("STRING", options);
}

export function boolean<const O extends BooleanOptions = BooleanOptions>(
  options?: Known<O, BooleanOptions>,
): Declared<boolean, O> {
  return declare("BOOLEAN", options);
}

/** One of the values; shown as `[[...]]` or, in a node of schema "v3", as `["COMBO", {options}]`. */
export function combo<
  const V extends readonly ComboValue[],
  const O extends ComboOptions = ComboOptions,
>(
  values: V,
  options?: Known<O, ComboOptions>,
): Declared<O extends { readonly multiselect: true } ? readonly V[number][] : V[number], O> {
  return declare(values, options);
}

/** A file of a model folder (`checkpoints`, `loras`, ...), by its name relative to it; `extra` names come after the files. */
export function modelFile<const O extends ComboOptions = ComboOptions>(
  folder: string | { readonly folder: string; readonly extra: readonly string[] },
  options?: Known<O, ComboOptions>,
): Declared<string, O> {
  const listed: ListedValues =
    typeof folder === "string"
      ? { kind: "models", folder }
      : { kind: "models", folder: folder.folder, extra: [...folder.extra] };
  return declare([], options, listed);
}

/** A file that people sent or that a run made, by its name relative to that folder. */
export function inputFile<const O extends ComboOptions = ComboOptions>(
  from: {
    readonly folder?: "input" | "output" | "temp";
    readonly media?: "image" | "latent" | "any";
  } = {},
  options?: Known<O, ComboOptions>,
): Declared<string, O> {
  const { folder = "input", media = "any" } = from;
  return declare([], options, { kind: "files", folder, media });
}

export function image<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"IMAGE">, O> {
  return declare("IMAGE", options);
}

export function mask<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"MASK">, O> {
  return declare("MASK", options);
}

export function latent<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"LATENT">, O> {
  return declare("LATENT", options);
}

export function conditioning<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"CONDITIONING">, O> {
  return declare("CONDITIONING", options);
}

export function model<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"MODEL">, O> {
  return declare("MODEL", options);
}

export function clip<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"CLIP">, O> {
  return declare("CLIP", options);
}

export function vae<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"VAE">, O> {
  return declare("VAE", options);
}

export function controlNet<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"CONTROL_NET">, O> {
  return declare("CONTROL_NET", options);
}

export function clipVision<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"CLIP_VISION">, O> {
  return declare("CLIP_VISION", options);
}

export function clipVisionOutput<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"CLIP_VISION_OUTPUT">, O> {
  return declare("CLIP_VISION_OUTPUT", options);
}

export function gligen<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"GLIGEN">, O> {
  return declare("GLIGEN", options);
}

export function styleModel<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<ValueOfType<"STYLE_MODEL">, O> {
  return declare("STYLE_MODEL", options);
}

/** A socket that takes a link of every type. */
export function any<const O extends InputOptions = InputOptions>(
  options?: Known<O, InputOptions>,
): Declared<unknown, O> {
  return declare("*", options);
}

/** A type of the pack's own, or a comma list of types: `custom<Palette>("PALETTE")`. */
export function custom<Value = unknown>(
  type: string,
  options: CustomOptions & { readonly lazy: true; readonly optional: true },
): NodeInput<Value | null, true>;
export function custom<Value = unknown>(
  type: string,
  options: CustomOptions & { readonly lazy: true },
): NodeInput<Value | null, false>;
export function custom<Value = unknown>(
  type: string,
  options: CustomOptions & { readonly optional: true },
): NodeInput<Value, true>;
export function custom<Value = unknown>(
  type: string,
  options?: CustomOptions,
): NodeInput<Value, false>;
export function custom(type: string, options?: CustomOptions): NodeInput {
  return declare(type, options);
}

/** For the link itself behind a socket of the pack's own, declare `custom<Link>("TYPE", { rawLink: true })`. */
export interface CustomOptions extends InputOptions {
  readonly default?: unknown;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
}

function declare<Value, O>(
  type: NodeInput["type"],
  given: InputOptions | undefined,
  listed?: ListedValues,
): NodeInput<Value, IsOptional<O>>;
function declare(
  type: NodeInput["type"],
  given: InputOptions | undefined,
  listed?: ListedValues,
): NodeInput {
  const { optional = false, showAsOptionalToo = false, ...options } = given ?? {};
  const isMarked = optional || showAsOptionalToo;
  const shown = given === undefined || (isMarked && Object.keys(options).length === 0);
  return {
    type,
    optional,
    ...(shown ? {} : { options }),
    ...(listed === undefined ? {} : { listed }),
    ...(showAsOptionalToo ? { showAsOptionalToo } : {}),
  };
}
