import type { Channel } from "amqplib";

/**
 * Resolves when the channel is gone, also where it was before. amqplib itself never answers a close whose connection is
 * lost meanwhile.
 */
export async function closeChannel(channel: Channel): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    channel.once("close", () => resolve());
  });
  // A channel that has died meanwhile refuses to be closed.
  await Promise.race([gone, channel.close().catch(() => {})]);
}
