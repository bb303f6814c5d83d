import { mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../../..", import.meta.url));

/** Writes the programs of a page (code blocks with a file name) into a folder that has the engine installed. */
export async function writePrograms(page: string): Promise<{ folder: string; names: string[] }> {
  const text = await readFile(path.join(repository, "docs", page), "utf8");
  const folder = await mkdtemp(path.join(tmpdir(), "doc-programs-"));
  const names: string[] = [];
  for (const [, name = "", code = ""] of text.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), code);
    names.push(name);
  }
  await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
  await mkdir(path.join(folder, "node_modules/@rabbitloom"), { recursive: true });
  await symlink(
    path.join(repository, "packages/engine"),
    path.join(folder, "node_modules/@rabbitloom/engine"),
  );
  return { folder, names };
}
