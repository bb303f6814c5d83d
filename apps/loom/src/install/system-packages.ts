import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { readEnvironment } from "../config.ts";
import { findProgram, MissingProgram, rabbitmqPrograms } from "../servers/index.ts";

export type Requirement = () => Promise<unknown>;

/** What the system's package manager provides; each throws MissingProgram where it is not there. */
export const requirements = {
  rabbitmq: rabbitmqPrograms,
  redis: () => findProgram(["redis-server", "valkey-server"], ["redis-server"]),
  chromium: () => findChromium(),
  python: () => findProgram(["python3"], ["python3-minimal"]),
  pythonWebsocket: () => findPythonModule("websocket", "python3-websocket"),
  pythonRequests: () => findPythonModule("requests", "python3-requests"),
  curl: () => findProgram(["curl"], ["curl"]),
} satisfies Record<string, Requirement>;

/** CHROMIUM_PATH, or the program that Debian installs. */
export async function findChromium(): Promise<string> {
  const { CHROMIUM_PATH } = readEnvironment();
  const names = ["chromium", "chromium-browser", "google-chrome"];
  return CHROMIUM_PATH ?? (await findProgram(names, ["chromium", "fonts-liberation"]));
}

/** Debian's own interpreter is asked: another python3 on the PATH has other modules. */
async function findPythonModule(module: string, debianPackage: string): Promise<void> {
  await promisify(execFile)("/usr/bin/python3", ["-c", `import ${module}`]).catch((cause) => {
    throw new MissingProgram(`Python's module ${module}`, ["python3-minimal", debianPackage], {
      cause,
    });
  });
}

/**
 * Installs what is missing with apt-get, as root or through a sudo that asks for no password. Throws with the
 * command to run where it may not.
 */
export async function ensureInstalled(wanted: readonly Requirement[]): Promise<void> {
  const packages = await missingPackages(wanted);
  if (packages.length === 0) return;
  const command = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (!existsSync("/usr/bin/apt-get")) {
    throw new Error(`missing: ${packages.join(", ")} (Debian's names); please install them`);
  }
  const asRoot = await rootPrefix();
  if (asRoot === undefined) {
    throw new Error(
      `missing: ${packages.join(", ")}. Without root this cannot install them; run:\n  ${command}`,
    );
  }
  console.log(`installing ${packages.join(", ")} with apt-get`);
  const [program = "sh", ...args] = [...asRoot, "/bin/sh", "-c", INSTALL_SCRIPT, "sh", ...packages];
  const code = await runQuietly(program, args);
  if (code !== 0) throw new Error(`apt-get failed with exit code ${code}; by hand:\n  ${command}`);
  const still = await missingPackages(wanted);
  if (still.length > 0) throw new Error(`still missing after apt-get: ${still.join(", ")}`);
}

/**
 * Debian starts a service when its package is installed; policy-rc.d(8) forbids it for the time of the
 * installation, and what stood there before is put back however the script ends.
 */
const INSTALL_SCRIPT = `
set -e
policy=/usr/sbin/policy-rc.d
before=$policy.before-loom
restore() { if [ -e "$before" ]; then mv -f "$before" "$policy"; else rm -f "$policy"; fi; }
if [ -e "$policy" ] && [ ! -e "$before" ]; then cp -p "$policy" "$before"; fi
trap restore EXIT
trap 'exit 130' HUP INT TERM
printf '#!/bin/sh\\nexit 101\\n' > "$policy"
chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
`;

async function missingPackages(wanted: readonly Requirement[]): Promise<string[]> {
  const packages = await Promise.all(
    wanted.map((find) =>
      find().then(
        () => [],
        (error: unknown) => {
          if (error instanceof MissingProgram) return error.packages;
          throw error;
        },
      ),
    ),
  );
  return packages.flat();
}

/** What goes before a command to run it as root; undefined where that is not allowed. */
async function rootPrefix(): Promise<string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const code = await runQuietly("sudo", ["-n", "true"], "ignore").catch(() => 1);
  return code === 0 ? ["sudo", "-n"] : undefined;
}

function runQuietly(
  command: string,
  args: readonly string[],
  output: "inherit" | "ignore" = "inherit",
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", output, output] });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
