import type { Channel } from "amqplib";
import { closeChannel } from "./close-channel.ts";
import type { Link } from "./link.ts";

/** Channels for single operations: opening one for each would double their time. */
export interface ChannelPool {
  use<Result>(operation: (channel: Channel) => Promise<Result>): Promise<Result>;
}

const FREE_CHANNELS_KEPT = 8;

/** A refused operation closes its channel, so nobody else is ever given one that is in use. */
export function channelPool(link: Link): ChannelPool {
  const open = new Set<Channel>();
  const free: Channel[] = [];

  async function openChannel(): Promise<Channel> {
    const channel = await link.channel();
    open.add(channel);
    channel.on("error", () => {}); // the operation itself rejects with it
    channel.once("close", () => {
      open.delete(channel);
      const index = free.indexOf(channel);
      if (index >= 0) free.splice(index, 1);
    });
    return channel;
  }

  return {
    async use(operation) {
      const channel = free.pop() ?? (await openChannel());
      try {
        return await operation(channel);
      } finally {
        if (open.has(channel)) {
          if (free.length < FREE_CHANNELS_KEPT) free.push(channel);
          else await closeChannel(channel);
        }
      }
    },
  };
}
