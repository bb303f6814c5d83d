import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { asyncapiDocument } from "./asyncapi.ts";
import { errorsPage } from "./errors-page.ts";
import { servedOpenapi } from "./openapi.ts";
import { type Example, protocolPage } from "./protocol-page.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const fixtures = join(root, "packages/protocol/test/fixtures");
const GENERATED = "generated: `pnpm --filter @rabbitloom/protocol-docs generate`";

export interface Document {
  readonly path: string;
  readonly content: string;
}

/** The documents that are made from the protocol's tables and schemas, and from the gateway's routes. */
export async function documents(): Promise<Document[]> {
  return [
    { path: join(root, "docs/errors.md"), content: withRemark(errorsPage()) },
    { path: join(root, "docs/protocol.md"), content: withRemark(protocolPage(await examples())) },
    {
      path: join(root, "docs/asyncapi.yaml"),
      content: asYaml(asyncapiDocument()),
    },
    { path: join(root, "packages/protocol/openapi.yaml"), content: asYaml(await servedOpenapi()) },
  ];
}

function asYaml(document: unknown): string {
  return `# ${GENERATED}\n${stringify(document, { aliasDuplicateObjects: false, compat: "yaml-1.1" })}`;
}

function withRemark(page: string): string {
  return `${page}\n<!-- ${GENERATED} -->\n`;
}

async function examples(): Promise<Example[]> {
  const files = await readdir(fixtures, { recursive: true });
  return await Promise.all(
    files
      .filter((file) => file.endsWith(".json"))
      .map(async (file) => ({
        name: file.slice(0, -".json".length),
        content: JSON.parse(await readFile(join(fixtures, file), "utf8")),
      })),
  );
}
