import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repositoryRoot } from "../config.ts";
import { licencesPage, shippedPackages } from "./licences.ts";

await writeFile(join(repositoryRoot, "docs/licences.md"), licencesPage(await shippedPackages()));
