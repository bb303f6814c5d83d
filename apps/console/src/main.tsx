import { createClient } from "@rabbitloom/client";
import { render } from "preact";
import { jobBoard } from "./jobs/job-board.ts";
import { App, Entrance } from "./page/app.tsx";
import { gatewaySession } from "./page/session.ts";

const root = document.getElementById("page");
if (!root) throw new Error("index.html has no #page");
// The page is at /, or at /console/ where somebody's frontend has its place.
const service = new URL(document.baseURI.includes("/console/") ? ".." : ".", document.baseURI);
const session = gatewaySession(service, askForKey);
const client = createClient({ baseUrl: service, fetch: session.fetch });
const board = jobBoard({ client, storage: localStorage });
render(<App client={client} board={board} storage={localStorage} />, root);

/** Drafts and jobs are kept by the browser: the page begins anew with the session and has them all. */
function askForKey(): void {
  if (root) render(<Entrance session={session} onOpen={() => location.reload()} />, root);
}
