import { connect } from "amqplib";

/** The other side of raw-rpc.ts: answers each message, then acknowledges it. */
const [url = "", queue = ""] = process.argv.slice(2);
const connection = await connect(url, { noDelay: true });
const channel = await connection.createChannel();
await channel.prefetch(1);
await channel.consume(queue, (message) => {
  if (message === null) return;
  const { replyTo, correlationId } = message.properties;
  channel.sendToQueue(String(replyTo), message.content, { correlationId: String(correlationId) });
  channel.ack(message);
});
process.send?.("ready");
