import { topology } from "@rabbitloom/protocol";
import { jsonSchemas } from "./json-schemas.ts";

const EVENT_HEADERS = {
  type: "object",
  required: ["seq", "last-seq", "attempt", "job-id"],
  properties: {
    seq: { type: "string", description: "Number of the first event in the message." },
    "last-seq": { type: "string", description: "Number of the last event in the message." },
    attempt: { type: "string", description: "A reader drops what an older attempt still says." },
    "job-id": { type: "string" },
  },
};

const PREVIEW_HEADERS = {
  type: "object",
  required: [...EVENT_HEADERS.required, "v", "at", "node-id", "width", "height"],
  properties: {
    ...EVENT_HEADERS.properties,
    v: { type: "string" },
    at: { type: "string", format: "date-time" },
    "node-id": { type: "string" },
    "display-node-id": { type: "string" },
    "parent-node-id": { type: "string" },
    "real-node-id": { type: "string" },
    width: { type: "string", description: "Pixels; 0 where the sender did not look." },
    height: { type: "string" },
  },
};

/** What travels over the broker, as AsyncAPI 3.0 says it; made from the same schemas that the programs read with. */
export function asyncapiDocument() {
  const names = topology();
  const schemas = jsonSchemas();
  const job: object = schemas.job;
  const nodesChecked: object = schemas.nodesChecked;
  const events: object[] = Object.values(schemas.events);
  const control: object[] = Object.values(schemas.control);
  const messages = ["job-events", "node-preview"];
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Rabbitloom",
      version: "1",
      description:
        "Jobs, their events, and control messages on RabbitMQ. Every name begins with the deployment's prefix, here `loom`.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    defaultContentType: "application/json",
    servers: {
      rabbitmq: {
        host: "127.0.0.1:5672",
        protocol: "amqp",
        protocolVersion: "0.9.1",
        description: "For services, workers and gateways.",
      },
      gateway: {
        host: "127.0.0.1:8188",
        pathname: "/stomp",
        protocol: "stomp",
        protocolVersion: "1.2",
        description:
          "For browsers: Web-STOMP behind the gateway. The passcode of CONNECT is the ticket of POST /api/v1/jobs/{id}/watch.",
      },
    },
    channels: {
      jobs: {
        address: names.jobs.exchange,
        title: "Jobs",
        description:
          "Routing key `<lane>.<pool>`. Publish mandatory, persistent and with a confirm: only a confirmed job is accepted.",
        servers: [{ $ref: "#/servers/rabbitmq" }],
        messages: { job: { $ref: "#/components/messages/job" } },
        bindings: { amqp: exchangeBinding(names.jobs.exchange, "topic") },
      },
      events: {
        address: names.events.exchange,
        title: "Events of all jobs",
        description: "Routing key `<gateway or ->.<jobId>`.",
        servers: [{ $ref: "#/servers/rabbitmq" }],
        messages: messageReferences(messages),
        bindings: { amqp: exchangeBinding(names.events.exchange, "topic") },
      },
      reply: {
        address: "{replyTo}",
        title: "Events of a service's own jobs",
        description:
          "The queue that the job's `reply_to` names; events come through the default exchange.",
        servers: [{ $ref: "#/servers/rabbitmq" }],
        parameters: { replyTo: { description: "A queue of the service." } },
        messages: messageReferences(messages),
      },
      watch: {
        address: "/amq/queue/loom.reply.{jobId}",
        title: "Events of one job, from any point on",
        description:
          "A stream: many readers, each from where it wants (`x-stream-offset`). Exists for jobs that somebody watches.",
        servers: [{ $ref: "#/servers/gateway" }],
        parameters: { jobId: { description: "1 to 64 of A-Z a-z 0-9 _ -" } },
        messages: messageReferences(messages),
      },
      control: {
        address: names.control.exchange,
        title: "Control messages to every worker",
        servers: [{ $ref: "#/servers/rabbitmq" }],
        messages: messageReferences(["control"]),
        bindings: { amqp: exchangeBinding(names.control.exchange, "fanout") },
      },
      worker: {
        address: names.control.queue("{workerId}"),
        title: "Control messages to one worker",
        description: "Its own queue, through the default exchange: for a `nodes-check`.",
        servers: [{ $ref: "#/servers/rabbitmq" }],
        parameters: { workerId: { description: "As the worker has registered." } },
        messages: messageReferences(["control"]),
      },
      gateway: {
        address: names.gateway("{gatewayId}"),
        title: "Replies to a gateway",
        description:
          "The queue that a `nodes-check` names as `replyTo`, through the default exchange.",
        servers: [{ $ref: "#/servers/rabbitmq" }],
        parameters: { gatewayId: { description: "Of the gateway that asked." } },
        messages: messageReferences(["nodes-checked"]),
      },
      dead: {
        address: names.dead.exchange,
        title: "Jobs that were given up",
        description:
          "As they were sent, with RabbitMQ's `x-death`; what never was a job has the reason in the header `loom-reason`.",
        servers: [{ $ref: "#/servers/rabbitmq" }],
        messages: messageReferences(["job"]),
        bindings: { amqp: exchangeBinding(names.dead.exchange, "fanout") },
      },
    },
    operations: {
      enqueue: operation("send", "jobs", ["job"], "A service or the gateway enqueues a job."),
      say: operation("send", "events", messages, "A worker says how a job goes."),
      hear: operation("receive", "reply", messages, "A service hears about its own job."),
      watch: operation("receive", "watch", messages, "A browser watches one job."),
      control: operation("send", "control", ["control"], "A gateway speaks to every worker."),
      ask: operation("send", "worker", ["control"], "A gateway asks one worker about nodes."),
      answer: operation("send", "gateway", ["nodes-checked"], "A worker answers a `nodes-check`."),
      bury: operation("send", "dead", ["job"], "The broker or a worker gives a job up."),
    },
    components: {
      messages: {
        job: {
          name: "job",
          title: "A job",
          summary:
            "`message-id` is the job's id where the body has none; `reply_to` asks for its events.",
          contentType: "application/json",
          payload: job,
        },
        "job-events": {
          name: "job-events",
          title: "Events of one job and attempt, in order",
          contentType: "application/json",
          headers: EVENT_HEADERS,
          payload: { type: "array", minItems: 1, items: { oneOf: events } },
        },
        "node-preview": {
          name: "node-preview",
          title: "A picture in the making",
          summary: "The body is the picture; its facts are headers.",
          contentType: "image/jpeg",
          headers: PREVIEW_HEADERS,
          payload: { type: "string", format: "binary" },
        },
        control: {
          name: "control",
          title: "A control message",
          contentType: "application/json",
          payload: { oneOf: control },
        },
        "nodes-checked": {
          name: "nodes-checked",
          title: "What node classes say to the inputs of some nodes",
          contentType: "application/json",
          payload: nodesChecked,
        },
      },
    },
  };
}

function exchangeBinding(name: string, type: "topic" | "fanout") {
  return {
    is: "routingKey",
    exchange: { name, type, durable: true, autoDelete: false, vhost: "/" },
    bindingVersion: "0.3.0",
  };
}

function messageReferences(names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function operation(
  action: "send" | "receive",
  channel: string,
  messages: readonly string[],
  summary: string,
) {
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    summary,
    messages: messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
  };
}
