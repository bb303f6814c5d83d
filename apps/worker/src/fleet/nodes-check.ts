import type { Publisher } from "@rabbitloom/broker";
import type { Engine } from "@rabbitloom/engine";
import type { ClassCheckReply, ControlMessage } from "@rabbitloom/protocol";
import { tenantFolders } from "../jobs/tenant-folders.ts";

export interface NodesCheckOptions {
  readonly engines: readonly Engine[];
  readonly publisher: Pick<Publisher, "publish">;
  readonly workerId: string;
}

/** Asks the node classes what a gateway wants to know. Slots know the same classes: whichever is free answers. */
export async function answerNodesCheck(
  { engines, publisher, workerId }: NodesCheckOptions,
  { requestId, replyTo, tenant, checksJson }: Extract<ControlMessage, { type: "nodes-check" }>,
): Promise<void> {
  const asked = engines.map((engine) =>
    engine.answerChecks(checksJson, tenantFolders(engine.folders, tenant)),
  );
  const answers = await Promise.any(asked);
  const reply: ClassCheckReply = { v: 1, type: "nodes-checked", requestId, workerId, answers };
  await publisher.publish({
    exchange: "",
    routingKey: replyTo,
    contentType: "application/json",
    type: reply.type,
    body: Buffer.from(JSON.stringify(reply)),
  });
}
