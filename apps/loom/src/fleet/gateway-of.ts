import { readState } from "./state.ts";

/** Address of the gateway of the fleet that is up in a folder. */
export async function gatewayOf(dataDir: string): Promise<string> {
  const state = await readState(dataDir);
  if (state?.phase === "ready") return state.gatewayUrl;
  throw new Error(
    `no fleet is up in ${dataDir}: ./loom up starts one, --url names another gateway`,
  );
}
