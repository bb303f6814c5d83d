import * as z from "zod";
import type { JobStore } from "./job-store.ts";
import { forgetStreamScript, noteStreamScript, streamsScript } from "./scripts/streams.ts";
import type { StoreContext } from "./store-context.ts";

/** Which jobs have a stream on the broker, so that any gateway can remove what another one left behind. */
export function streams({
  run,
}: StoreContext): Pick<JobStore, "noteStream" | "forgetStream" | "streams"> {
  return {
    async noteStream(jobId) {
      await run(noteStreamScript, jobId);
    },
    async forgetStream(jobId) {
      await run(forgetStreamScript, jobId);
    },
    async streams() {
      return z.array(z.string()).parse(await run(streamsScript));
    },
  };
}
