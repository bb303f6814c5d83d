import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { inheritedEnvironment, repositoryRoot } from "../config.ts";
import { isPermitted, licencesPage, shippedPackages } from "./licences.ts";

/** Complains of licences that may not be shipped, and of a list that is not up to date; resolves to an exit code. */
export async function checkLicences(): Promise<number> {
  const packages = await shippedPackages();
  const refused = packages.filter((shipped) => !isPermitted(shipped));
  for (const { name, licence } of refused) {
    console.error(`${name}: expected a permitted licence (licences.ts), got ${licence}`);
  }
  const page = await readFile(join(repositoryRoot, "docs/licences.md"), "utf8");
  const isListed = page === licencesPage(packages);
  if (!isListed) console.error("docs/licences.md is not what is installed: pnpm licences");
  return refused.length === 0 && isListed ? 0 : 1;
}

const auditSchema = z.object({
  advisories: z.record(
    z.string(),
    z.object({
      module_name: z.string(),
      severity: z.string(),
      title: z.string(),
      url: z.string().optional(),
    }),
  ),
});

const SEVERE = new Set(["high", "critical"]);

export interface AuditResult {
  /** Known holes of high or critical severity in what is shipped, a line each. */
  readonly severe: readonly string[];
  readonly others: number;
}

/** @param output What `pnpm audit --json` printed; undefined where that is no list of advisories. */
export function auditOf(output: string): AuditResult | undefined {
  const parsed = auditSchema.safeParse(parseJson(output));
  if (!parsed.success) return undefined;
  const advisories = Object.values(parsed.data.advisories);
  const severe = advisories.filter(({ severity }) => SEVERE.has(severity));
  return {
    severe: severe.map(
      ({ module_name, severity, title, url }) =>
        `${module_name}: ${severity}: ${title} ${url ?? ""}`,
    ),
    others: advisories.length - severe.length,
  };
}

/**
 * Asks the registry for known holes in what is shipped. Resolves to an exit code; to undefined, having said so, where
 * the registry does not answer such questions, as mirrors often do not.
 */
export async function auditDependencies(): Promise<number | undefined> {
  const output = await new Promise<string>((resolve) => {
    const options = { cwd: repositoryRoot, env: inheritedEnvironment, timeout: 60_000 };
    // It also ends badly when there are advisories: what it printed tells the two apart.
    execFile("pnpm", ["audit", "--prod", "--json"], options, (_error, stdout) => resolve(stdout));
  });
  const result = auditOf(output);
  if (result === undefined) {
    console.log("audit: not done, the registry gave no list of advisories");
    return undefined;
  }
  for (const line of result.severe) console.error(line);
  if (result.others > 0) console.log(`audit: ${result.others} of lower severity: pnpm audit`);
  return result.severe.length === 0 ? 0 : 1;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
