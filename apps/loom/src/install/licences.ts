import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as z from "zod";
import { inheritedEnvironment, repositoryRoot } from "../config.ts";

/** What a package that we ship may be under: all let us link and pass it on with this project's own licence. */
const PERMITTED = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Unlicense",
]);

/** Under a licence that is not in the list, and why it may stay. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "@img/sharp-libvips-*": "a shared library of its own, loaded by sharp and replaceable",
};

export interface LicensedPackage {
  /** `*` stands for the platform. */
  readonly name: string;
  /** SPDX expression. */
  readonly licence: string;
}

const listSchema = z.record(z.string(), z.array(z.object({ name: z.string() })));
const PLATFORM = /-(linux|linuxmusl|darwin|win32|freebsd|wasm32)(-[a-z0-9]+)?$/;

/** What the programs and libraries need to run, without what only builds and tests them, sorted by name. */
export async function shippedPackages(): Promise<readonly LicensedPackage[]> {
  const { stdout } = await promisify(execFile)("pnpm", ["licenses", "list", "--prod", "--json"], {
    cwd: repositoryRoot,
    env: inheritedEnvironment,
    maxBuffer: 2 ** 24,
  });
  return packagesOf(listSchema.parse(JSON.parse(stdout)));
}

/** @param byLicence As `pnpm licenses list --json` prints it. */
export function packagesOf(byLicence: z.infer<typeof listSchema>): readonly LicensedPackage[] {
  return Object.entries(byLicence)
    .flatMap(([licence, packages]) =>
      packages.map(({ name }) => ({ name: name.replace(PLATFORM, "-*"), licence })),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether one side of every OR, and all sides of an AND, are in the list. */
export function isPermitted({ name, licence }: LicensedPackage): boolean {
  if (Object.hasOwn(EXCEPTIONS, name)) return true;
  const alternatives = licence.replace(/^\((.*)\)$/, "$1").split(" OR ");
  return alternatives.some((side) => side.split(" AND ").every((id) => PERMITTED.has(id)));
}

/** docs/licences.md */
export function licencesPage(packages: readonly LicensedPackage[]): string {
  const reasons = Object.entries(EXCEPTIONS).map(([name, reason]) => `\`${name}\`: ${reason}.`);
  return `# Licences of what is shipped

Rabbitloom is under Apache-2.0. Its programs and libraries need these packages to run; \`./loom test\` compares the list with
what is installed, and refuses a licence that is none of ${[...PERMITTED].join(", ")}.
${reasons.join("\n")} After a change of dependencies: \`pnpm licences\`.

| Package | Licence |
|---|---|
${packages.map(({ name, licence }) => `| ${name} | ${licence} |`).join("\n")}
`;
}
