import { type Broker, subscribe } from "@rabbitloom/broker";
import { type ControlMessage, controlMessageSchema, type Topology } from "@rabbitloom/protocol";
import type { Logger } from "pino";

export interface ControlOptions {
  readonly broker: Broker;
  readonly names: Topology;
  readonly workerId: string;
  readonly log: Logger;
  readonly onMessage: (message: ControlMessage) => void;
}

/** Listens to what is said to all workers. What this version does not know is logged and left alone. */
export function listenToControl(options: ControlOptions): Promise<AsyncDisposable> {
  const { broker, names, workerId, log, onMessage } = options;
  return subscribe(broker, {
    exchange: names.control.exchange,
    queue: names.control.queue(workerId),
    onMessage({ body }) {
      const message = read(body.toString("utf8"));
      if (message === undefined)
        log.warn({ body: body.toString("utf8", 0, 200) }, "unknown control message");
      else onMessage(message);
    },
  });
}

function read(text: string): ControlMessage | undefined {
  try {
    return controlMessageSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
