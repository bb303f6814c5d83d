/**
 * A backend service with nothing but amqplib: publishes a job itself and reads its events on a queue of its own.
 *
 *   AMQP_URL=$(./loom status --json | node -p 'JSON.parse(fs.readFileSync(0)).amqp') node examples/05-amqp-service.mjs
 */
import { randomUUID } from "node:crypto";
import { connect } from "amqplib";

const prefix = process.env.LOOM_PREFIX ?? "loom";
const prompt = {
  1: {
    class_type: "EmptyImage",
    inputs: { width: 96, height: 64, batch_size: 1, color: 0x2f4a3c },
  },
  2: { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
  3: { class_type: "SaveImageWebsocket", inputs: { images: ["2", 0] } },
};

const connection = await connect(process.env.AMQP_URL ?? "amqp://127.0.0.1", { noDelay: true });
const channel = await connection.createConfirmChannel();
const { queue } = await channel.assertQueue("", { exclusive: true });
channel.on("return", ({ fields }) => console.error(`nobody takes ${fields.routingKey}`));

const ended = new Promise((resolve) => {
  const onMessage = ({ properties, content }) => {
    if (properties.type === "node-preview") {
      console.log(`${properties.headers.seq} picture of ${content.length} bytes`);
      return;
    }
    for (const event of JSON.parse(content.toString())) {
      console.log(`${event.seq} ${event.type} ${event.nodeId ?? event.state ?? ""}`);
      if (event.type === "job-end") resolve(event);
    }
  };
  void channel.consume(queue, onMessage, { noAck: true });
});

channel.publish(`${prefix}.jobs`, "normal.default", Buffer.from(JSON.stringify({ prompt })), {
  messageId: randomUUID(),
  contentType: "application/json",
  type: "job",
  replyTo: queue,
  persistent: true,
  mandatory: true,
});
await channel.waitForConfirms(); // from here on the broker keeps the job
const { state } = await ended;
await connection.close();
if (state !== "succeeded") process.exit(1);
