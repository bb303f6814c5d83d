import type { Prompt } from "@rabbitloom/protocol";
import type { Random } from "./random.ts";

/** One small job, with a text that no other has. */
export interface JobPlan {
  readonly id: string;
  readonly text: string;
  readonly prompt: Prompt;
  readonly lane: "high" | "normal" | "low";
  /** Saves a picture as well. */
  readonly saves: boolean;
  readonly watch: boolean;
  /** Whom its events are for; several jobs have the same. */
  readonly clientId?: string;
  /** The client waits for the result instead of coming back for it. */
  readonly waits: boolean;
  /** Asked to be cancelled this long after it was accepted. */
  readonly cancelAfterMs?: number;
}

/** Most are over in milliseconds; some take a second, so that faults meet them in the middle. */
export function planJob(index: number, random: Random): JobPlan {
  const id = `c-${index}-${random.whole(2 ** 32).toString(36)}`;
  const text = `${id} ${random.whole(2 ** 32).toString(36)}`;
  const isLong = random.next() < 0.15;
  const [steps, ms] = isLong ? [1 + random.whole(10), 100] : [random.whole(3), 5];
  const saves = random.next() < 0.25;
  const isCancelled = random.next() < 0.05;
  return {
    id,
    text,
    prompt: {
      "1": { class_type: "ChaosSay", inputs: { text, steps, ms } },
      ...(saves && picture(id, random.whole(2 ** 24))),
    },
    lane: random.pick(["high", "normal", "normal", "low"]),
    saves,
    watch: random.next() < 0.1,
    ...(random.next() < 0.3 && { clientId: `client-${random.whole(200)}` }),
    waits: random.next() < 0.2 && !isCancelled,
    ...(isCancelled && { cancelAfterMs: random.whole(isLong ? 800 : 20) }),
  };
}

function picture(id: string, color: number): Prompt {
  return {
    "2": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color } },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: id } },
  };
}
