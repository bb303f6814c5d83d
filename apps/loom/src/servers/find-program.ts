import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MissingProgram } from "./missing-program.ts";

/** The path of the first of these programs that the shell finds. Throws MissingProgram where none is there. */
export async function findProgram(
  names: readonly string[],
  packages: readonly string[],
): Promise<string> {
  for (const name of names) {
    const found = await promisify(execFile)("/bin/sh", ["-c", 'command -v "$1"', "sh", name]).then(
      ({ stdout }) => stdout.trim(),
      () => "",
    );
    if (found !== "") return found;
  }
  throw new MissingProgram(names.join(" or "), packages);
}
