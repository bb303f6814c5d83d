import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { connect } from "amqplib";
import { closedLoop, type LoopOptions, type LoopResult } from "./closed-loop.ts";

const ECHO = fileURLToPath(new URL("./raw-rpc-echo.ts", import.meta.url));
const BODY = Buffer.alloc(400, "x");

/**
 * The least that a job over RabbitMQ costs: a persistent, confirmed message to a quorum queue, an echo process that
 * answers on an exclusive queue and acknowledges. No gateway, no store, no engine.
 */
export async function rawRpc(
  { amqpUrl, echoes }: { readonly amqpUrl: string; readonly echoes: number },
  loops: readonly LoopOptions[],
): Promise<LoopResult[]> {
  const queue = `bench.rpc.${process.pid}`;
  const connection = await connect(amqpUrl, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
  const reply = await channel.assertQueue("", { exclusive: true });
  const waiting = new Map<string, () => void>();
  await channel.consume(
    reply.queue,
    (message) => waiting.get(String(message?.properties.correlationId))?.(),
    { noAck: true },
  );
  const children = Array.from({ length: echoes }, () => fork(ECHO, [amqpUrl, queue]));
  await Promise.all(children.map((child) => once(child, "message")));

  const call = async (correlationId: string): Promise<void> => {
    const answered = new Promise<void>((resolve) => waiting.set(correlationId, resolve));
    await new Promise<void>((resolve, reject) => {
      channel.sendToQueue(
        queue,
        BODY,
        { persistent: true, mandatory: true, correlationId, replyTo: reply.queue },
        (error: unknown) => (error ? reject(error) : resolve()),
      );
    });
    await answered;
    waiting.delete(correlationId);
  };
  const results: LoopResult[] = [];
  for (const loop of loops) {
    results.push(await closedLoop(loop, (index) => call(`${loop.name} ${index}`)));
  }
  for (const child of children) child.kill();
  await channel.deleteQueue(queue);
  await connection.close();
  return results;
}
