import { isCodedError, nodeErrorsSchema } from "@rabbitloom/protocol";
import { commands } from "./commands.ts";
import { UsageError } from "./usage-error.ts";

/** Runs `./loom ARGS` and resolves to its exit code: 0 done, 1 failed, 2 a wrong command line. */
export async function runCli(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  if (verb === undefined || verb === "help" || verb === "--help" || verb === "-h") {
    console.log(overview());
    return 0;
  }
  const command = commands.find(({ name }) => name === verb);
  try {
    if (command === undefined) {
      throw new UsageError(`loom: there is no verb ${JSON.stringify(verb)}\n\n${overview()}`);
    }
    if (rest.includes("--help") || rest.includes("-h")) {
      console.log(command.help);
      return 0;
    }
    return await command.run(rest);
  } catch (error) {
    console.error(error instanceof Error ? describe(error) : String(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

function describe(error: Error): string {
  const { message, cause } = error;
  const isSaid = !(cause instanceof Error) || message.includes(cause.message);
  return [message, ...(isSaid ? [] : [`  because: ${cause.message}`]), ...nodeLines(error)].join(
    "\n",
  );
}

/** Where a workflow was refused: which node, and why. */
function nodeLines(error: Error): string[] {
  const given =
    "nodeErrors" in error ? error.nodeErrors : isCodedError(error) && error.details.nodeErrors;
  const parsed = nodeErrorsSchema.safeParse(given);
  if (!parsed.success) return [];
  return Object.entries(parsed.data).flatMap(([id, { class_type, errors }]) =>
    errors.map((reason) => `  node ${id} (${class_type}): ${reason.message}: ${reason.details}`),
  );
}

function overview(): string {
  const listed = commands.filter(({ isInternal }) => !isInternal);
  const width = Math.max(...listed.map(({ name }) => name.length)) + 2;
  return [
    "Usage: ./loom VERB [options]      ./loom VERB --help",
    "",
    ...listed.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
  ].join("\n");
}
