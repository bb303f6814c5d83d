import type { JobRecord } from "@rabbitloom/jobs";
import { withoutSecrets } from "./extra-data.ts";

/** A job as ComfyUI's queue and history name it: number, id, graph, extra data, outputs to run. */
export function queueItem({ number, id, prompt, extraData, targets }: JobRecord): unknown[] {
  return [number, id, prompt, withoutSecrets(extraData), targets ?? []];
}
