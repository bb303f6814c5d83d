import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { openEngine } from "../../src/process/open-engine.ts";

test.each([{ inline: true }, { inline: false }])(
  "a class that looks at files for a gateway looks into the folders of whoever asks (inline: $inline)",
  async ({ inline }) => {
    const root = await mkdtemp(path.join(tmpdir(), "class-checks-"));
    try {
      const foldersOf = (tenant: string) => ({
        input: path.join(root, tenant, "input"),
        output: path.join(root, tenant, "output"),
        temp: path.join(root, tenant, "temp"),
      });
      const [own, others] = [foldersOf("own"), foldersOf("others")];
      await mkdir(own.input, { recursive: true });
      await writeFile(path.join(own.input, "mine.png"), "");
      await using engine = await openEngine({ ...own, inline });
      const checksJson = JSON.stringify([
        { nodeId: "1", classType: "LoadImage", inputs: { image: "mine.png" }, inputTypes: {} },
      ]);

      expect(await engine.answerChecks(checksJson)).toEqual([{ type: "fine" }]);
      expect(await engine.answerChecks(checksJson, own)).toEqual([{ type: "fine" }]);
      expect(await engine.answerChecks(checksJson, others)).toMatchObject([{ type: "refused" }]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
);
