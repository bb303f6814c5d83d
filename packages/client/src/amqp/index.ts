export type {
  AmqpClient,
  AmqpClientOptions,
  AmqpJob,
  AmqpSubmitOptions,
} from "./amqp-client.ts";
export { connectAmqpClient } from "./amqp-client.ts";
