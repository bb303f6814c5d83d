import { createClient } from "@rabbitloom/client";
import { render } from "preact";
import { jobBoard } from "./jobs/job-board.ts";
import { App } from "./page/app.tsx";

const root = document.getElementById("page");
if (!root) throw new Error("index.html has no #page");
const client = createClient({ baseUrl: new URL(".", document.baseURI) });
const board = jobBoard({ client, storage: localStorage });
render(<App client={client} board={board} storage={localStorage} />, root);
