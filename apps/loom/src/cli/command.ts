import { parseArgs } from "node:util";
import * as z from "zod";
import { UsageError } from "./usage-error.ts";

export interface CommandOption {
  readonly type: "string" | "boolean";
  readonly description: string;
  /** What stands for the value in the help: `N`, `DIR`. */
  readonly value?: string;
  /** Shown in the help; the schema applies it. */
  readonly default?: string;
  readonly multiple?: boolean;
  readonly short?: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** Not among the verbs that the overview lists. */
  readonly isInternal: boolean;
  /** Resolves to the exit code. */
  run(args: readonly string[]): Promise<number>;
}

export interface CommandDeclaration<Values> {
  readonly name: string;
  readonly summary: string;
  /** What stands after the verb in the help: `WORKFLOW.json`. */
  readonly operands?: string;
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Checks and types the options, by their names as typed. */
  readonly schema: z.ZodType<Values>;
  /** Paragraphs below the options. */
  readonly notes?: string;
  /** Called by another verb, not by people. @default false */
  readonly isInternal?: boolean;
  /** How many operands may stand there. @default none */
  readonly operandCount?: readonly [min: number, max: number];
  run(values: Values, operands: readonly string[]): Promise<number>;
}

/** One verb of `./loom`: its options are declared once, for parsing, checking and `--help`. */
export function defineCommand<Values>(declaration: CommandDeclaration<Values>): Command {
  const { name, summary, options, schema, operandCount = [0, 0], isInternal = false } = declaration;
  return {
    name,
    summary,
    help: helpText(declaration),
    isInternal,
    async run(args) {
      const { values, positionals } = parse(name, args, options);
      const [min, max] = operandCount;
      if (positionals.length < min || positionals.length > max) {
        const wanted = declaration.operands ?? "no operand";
        const got = positionals.length === 0 ? "none" : positionals.join(" ");
        throw new UsageError(`loom ${name}: expected ${wanted}, got ${got}`);
      }
      const parsed = schema.safeParse(values);
      if (!parsed.success) throw new UsageError(complaints(name, values, parsed.error));
      return await declaration.run(parsed.data, positionals);
    },
  };
}

function parse(
  name: string,
  args: readonly string[],
  options: Readonly<Record<string, CommandOption>>,
) {
  const declared = Object.fromEntries(
    Object.entries(options).map(([option, { type, multiple = false, short }]) => [
      option,
      { type, multiple, ...(short !== undefined && { short }) },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options: declared, allowPositionals: true, strict: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`loom ${name}: ${reason}`, { cause });
  }
}

function complaints(
  name: string,
  values: Readonly<Record<string, unknown>>,
  error: z.ZodError,
): string {
  const lines = error.issues.map(({ path, message }) => {
    const option = String(path[0]);
    return `loom ${name}: --${option}: ${message}, got ${JSON.stringify(values[option])}`;
  });
  return lines.join("\n");
}

function helpText<Values>(declaration: CommandDeclaration<Values>): string {
  const { name, summary, operands, options, notes } = declaration;
  const rows = Object.entries(options).map(([option, facts]) => {
    const value = facts.value === undefined ? "" : ` ${facts.value}`;
    const suffix = facts.default === undefined ? "" : ` [${facts.default}]`;
    return [`  --${option}${value}`, `${facts.description}${suffix}`] as const;
  });
  const all = [...rows, ["  --help", "This text"] as const];
  const width = Math.max(...all.map(([left]) => left.length)) + 2;
  return [
    `Usage: ./loom ${name}${operands === undefined ? "" : ` ${operands}`} [options]`,
    "",
    summary,
    "",
    ...all.map(([left, right]) => left.padEnd(width) + right),
    ...(notes === undefined ? [] : ["", notes]),
  ].join("\n");
}

/** A whole number given as text. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d+$/, `expected a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((number) => number >= min && number <= max, {
      error: `expected a whole number from ${min} to ${max}`,
    });
}
