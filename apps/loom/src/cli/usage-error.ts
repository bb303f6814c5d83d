/** The command line is wrong: exit code 2, and the text says how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
