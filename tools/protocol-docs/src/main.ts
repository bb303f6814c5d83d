import { writeFile } from "node:fs/promises";
import { documents } from "./documents.ts";

for (const { path, content } of await documents()) {
  await writeFile(path, content);
  console.log(path);
}
