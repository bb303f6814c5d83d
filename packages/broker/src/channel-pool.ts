import type { Channel } from "amqplib";
import { closeChannel } from "./close-channel.ts";
import type { Link } from "./link.ts";

/** Channels for single operations: opening one for each would double their time. */
export interface ChannelPool {
  use<Result>(operation: (channel: Channel) => Promise<Result>): Promise<Result>;
}

const FREE_CHANNELS_KEPT = 8;

/** A connection has 2,047 channels for everything that a process does: however much is wanted of the pool, the rest is left. */
const MOST_AT_ONCE = 256;

/** A refused operation closes its channel, so nobody else is ever given one that is in use. */
export function channelPool(link: Link): ChannelPool {
  const open = new Set<Channel>();
  const free: Channel[] = [];
  const waiting: (() => void)[] = [];
  let inUse = 0;

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

  async function turn(): Promise<Disposable> {
    if (inUse < MOST_AT_ONCE) inUse += 1;
    else await new Promise<void>((go) => waiting.push(go));
    return {
      [Symbol.dispose]() {
        const next = waiting.shift();
        if (next === undefined) inUse -= 1;
        else next();
      },
    };
  }

  return {
    async use(operation) {
      using _turn = await turn();
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
