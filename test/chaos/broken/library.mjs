import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The classes whose methods a broken build replaces: the very ones that the programs use. */
export const { Channel, ConfirmChannel } = require(
  join(dirname(require.resolve("amqplib")), "lib/channel_model.js"),
);
export const { Redis } = require("ioredis");
