import type { Channel, GetMessage } from "amqplib";

/**
 * The next message of a queue, or false. Rejects when the channel goes meanwhile: amqplib itself answers nothing at all
 * where the connection is lost in the middle of the message.
 */
export function getMessage(channel: Channel, queue: string): Promise<GetMessage | false> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(new Error("the channel closed before the message had come"));
    channel.once("close", onClose);
    channel
      .get(queue)
      .then(resolve, reject)
      .finally(() => channel.off("close", onClose));
  });
}
