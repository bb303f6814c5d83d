import { topology } from "@rabbitloom/protocol";
import { fieldTable } from "./field-table.ts";
import { type JsonSchema, jsonSchemas } from "./json-schemas.ts";

export interface Example {
  /** `events/job-start` */
  readonly name: string;
  readonly content: unknown;
}

/** `docs/protocol.md`: names on the broker, and every message with its fields and an example. */
export function protocolPage(examples: readonly Example[]): string {
  const schemas = jsonSchemas();
  const example = (name: string) => examples.find((candidate) => candidate.name === name);
  const variants = (folder: string, list: Readonly<Record<string, JsonSchema>>) =>
    Object.entries(list).flatMap(([type, schema]) => [
      `### \`${type}\``,
      "",
      ...fieldTable(schema),
      "",
      ...exampleBlock(example(`${folder}/${type}`)),
    ]);
  return [
    "# Protocol",
    "",
    "What travels between gateways, workers, services and browsers. `asyncapi.yaml` says the same to machines;",
    "`packages/protocol` is the source of both.",
    "",
    "## Names on the broker",
    "",
    ...namesTable(),
    "",
    "## Job",
    "",
    "On the jobs exchange, `content-type: application/json`, `type: job`. A service needs `prompt` alone: the job's id",
    "is then the `message-id`, and its events go to the queue that `reply_to` names. Where a fleet has `AMQP_TENANTS`, that is",
    `one of the service's own, \`${topology().service("<name>")}\`, and \`gatewayId\` is left out.`,
    "",
    ...fieldTable(schemas.job),
    "",
    ...exampleBlock(example("job/from-a-service")),
    "## Events",
    "",
    "A message of `type: job-events` holds a JSON array of events of one job and attempt, in order. Its headers, all of",
    "them texts, are `seq` (the first event's), `last-seq`, `attempt` and `job-id`. `seq` counts from 1 without a gap",
    "inside an attempt; once a reader has seen an attempt, it drops what an older one still says. Events of unknown",
    "types are skipped, unknown fields too.",
    "",
    ...variants("events", schemas.events),
    "### `node-preview`",
    "",
    "The message's body is the picture. These facts are headers, as texts: `v`, `seq`, `last-seq`, `attempt`, `job-id`,",
    "`at`, `node-id`, `display-node-id`, `parent-node-id`, `real-node-id`, `width`, `height`; `content-type` is the",
    "picture's.",
    "",
    ...fieldTable(schemas.preview),
    "",
    "## Control messages",
    "",
    "To every worker, which takes what concerns it; a `nodes-check` goes to the queue of one worker.",
    "",
    ...variants("control", schemas.control),
    "## Replies to a gateway",
    "",
    "To the queue that the question names, of `type: nodes-checked`.",
    "",
    "### `nodes-checked`",
    "",
    ...fieldTable(schemas.nodesChecked),
    "",
    ...exampleBlock(example("nodes-checked")),
    "## Worker registration",
    "",
    "What a worker says of itself to the fleet's registry, again with every heartbeat.",
    "",
    ...fieldTable(schemas.workerRegistration),
    "",
    ...exampleBlock(example("worker-registration")),
    "## Watch ticket",
    "",
    "The answer of `POST /api/v1/jobs/{id}/watch`: all that a STOMP client needs to read one job's events.",
    "",
    ...fieldTable(schemas.watchTicket),
    "",
    ...exampleBlock(example("watch-ticket")),
  ].join("\n");
}

function namesTable(): string[] {
  const names = topology();
  const rows = [
    [
      names.jobs.exchange,
      "topic exchange",
      "jobs; routing key `<lane>.<pool>`, or `<lane>.<pool>.<tenant>`",
    ],
    ["loom.jobs.<pool>.<lane>", "quorum queue", "jobs that wait; lanes are high, normal, low"],
    [
      "loom.jobs.<pool>.<lane>.<tenant>",
      "quorum queue",
      "jobs of one tenant, where tenants take turns",
    ],
    [names.tenantQueues, "quorum queue", "the names of those queues"],
    [names.unroutable.queue, "fanout exchange, quorum queue", "jobs for a pool that nobody serves"],
    [names.dead.queue, "fanout exchange, quorum queue", "jobs that were given up, kept for people"],
    [names.dead.watchQueue, "quorum queue", "a copy of each, for whoever settles the record"],
    [names.streamNotes.waiting, "quorum queue", "a note about each stream, for an hour"],
    [names.streamNotes.due, "quorum queue", "notes that a gateway is to look at"],
    [names.events.exchange, "topic exchange", "events; routing key `<gateway or ->.<jobId>`"],
    ["loom.reply.<jobId>", "stream", "a watched job's events, for any number of readers"],
    [
      "loom.gateway.<gatewayId>",
      "exclusive queue",
      "events of the jobs that came in there, replies",
    ],
    [names.control.exchange, "fanout exchange", "control messages, to an exclusive queue a worker"],
  ];
  return [
    "| Name | Kind | Holds |",
    "|---|---|---|",
    ...rows.map(([name, kind, holds]) => `| \`${name}\` | ${kind} | ${holds} |`),
  ];
}

function exampleBlock(example: Example | undefined): string[] {
  if (example === undefined) return [];
  return ["```json", JSON.stringify(example.content, undefined, 2), "```", ""];
}
