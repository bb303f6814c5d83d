import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";

const folder = fileURLToPath(new URL("fixtures", import.meta.url));
const fixtureSchema = z.record(z.string(), z.unknown());
/** Path without `.json`, from the fixtures' folder on -> content. */
const files: Readonly<Record<string, Record<string, unknown>>> = Object.fromEntries(
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".json"))
    .sort()
    .map((path) => [
      path.slice(0, -".json".length).replaceAll("\\", "/"),
      fixtureSchema.parse(JSON.parse(readFileSync(`${folder}/${path}`, "utf8"))),
    ]),
);

/** One fixture: `job/from-a-service`. Throws where there is none of that name. */
export function fixture(name: string): Record<string, unknown> {
  const found = files[name];
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found;
}

/** The fixtures of a folder by their names, sorted. */
export function fixturesIn(folderName: string): Record<string, unknown> {
  const start = `${folderName}/`;
  return Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path.startsWith(start))
      .map(([path, content]) => [path.slice(start.length), content]),
  );
}
