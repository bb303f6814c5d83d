import { createClient } from "@rabbitloom/client";
import { render } from "preact";
import { App } from "./page/app.tsx";

const root = document.getElementById("page");
if (!root) throw new Error("index.html has no #page");
const client = createClient({ baseUrl: new URL(".", document.baseURI) });
render(<App client={client} storage={localStorage} />, root);
