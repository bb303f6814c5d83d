import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { inheritedEnvironment, repositoryRoot } from "../config.ts";

/** Runs a program that a package has installed, its output passed on; resolves to its exit code. */
export function runTool(
  name: string,
  args: readonly string[],
  packageFolder = repositoryRoot,
): Promise<number> {
  const bin = join(packageFolder, "node_modules/.bin");
  return new Promise((resolve, reject) => {
    const child = spawn(join(bin, name), args, {
      cwd: packageFolder,
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...inheritedEnvironment,
        PATH: [bin, inheritedEnvironment.PATH].join(delimiter),
      },
    });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
