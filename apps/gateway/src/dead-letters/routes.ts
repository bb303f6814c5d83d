import { randomUUID } from "node:crypto";
import type { JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  type DeadLetter,
  decodeJob,
  isBelieved,
  type Senders,
  tenantOfSender,
} from "@rabbitloom/protocol";
import type { FastifyInstance } from "fastify";
import type { JobPublisher, Letter, Letters } from "../amqp/ports.ts";
import { parseWith } from "../http/schema.ts";
import { jobBody } from "../submit/job-body.ts";
import { mayArrive } from "../submit/submit-job.ts";
import { letterView } from "./letter-view.ts";
import {
  dropLetter,
  letterQuerySchema,
  listLetters,
  operatorOnly,
  readLetter,
  replayLetter,
} from "./operations.ts";

export interface DeadLetterOptions {
  readonly letters: Letters;
  readonly store: Pick<JobStore, "submit" | "withdraw" | "lease">;
  readonly publisher: Pick<JobPublisher, "publishJob">;
  readonly gatewayId: string;
  /** Tenants have queues of their own. */
  readonly hasOwnQueues: boolean;
  /** Where not everybody is believed whose a job is. */
  readonly senders: Senders | undefined;
}

type ById = { Params: { id: string } };

/** Those who look at letters hold them all for a moment: others would believe that there are none. */
const TURN_MS = 30_000;
const MOST = 10_000;

/** `/api/v1/dead-letters`: what the fleet has given up, for its operators to look at, run again or throw away. */
export function deadLetterRoutes(app: FastifyInstance, options: DeadLetterOptions): void {
  const { letters, store, publisher, gatewayId, hasOwnQueues, senders } = options;
  const holder = `${gatewayId} ${randomUUID()}`;
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const mine = turn.then(async () => {
      if (!(await store.lease("dead-letters", holder, TURN_MS))) {
        throw new CodedError("CONFLICT", "somebody else looks through the dead letters just now");
      }
      try {
        return await task();
      } finally {
        await store.lease("dead-letters", holder, 1);
      }
    });
    turn = mine.catch(() => {});
    return mine;
  }

  app.get("/api/v1/dead-letters", operatorOnly(listLetters), async (request) => {
    const { limit } = parseWith(letterQuerySchema, request.query, "query");
    const found = await inTurn(() => letters.list(limit));
    return { letters: found.map(letterView) };
  });

  app.get<ById>("/api/v1/dead-letters/:id", operatorOnly(readLetter), async (request) => {
    const { id } = request.params;
    const found = (await inTurn(() => letters.list(MOST))).find((letter) => isNamed(letter, id));
    if (found === undefined) throw noLetter(id);
    return { ...letterView(found), body: found.body.toString("utf8") } satisfies DeadLetter;
  });

  app.post<ById>(
    "/api/v1/dead-letters/:id/replay",
    operatorOnly(replayLetter),
    async (request, reply) => {
      const { id } = request.params;
      const jobId = randomUUID();
      const isFound = await inTurn(() =>
        letters.take(
          (letter) => isNamed(letter, id),
          (letter) => replay(letter, jobId),
        ),
      );
      if (!isFound) throw noLetter(id);
      return reply.code(202).header("location", `/api/v1/jobs/${jobId}`).send({ jobId });
    },
  );

  app.delete<ById>("/api/v1/dead-letters/:id", operatorOnly(dropLetter), async (request, reply) => {
    const { id } = request.params;
    const isFound = await inTurn(() =>
      letters.take(
        (letter) => isNamed(letter, id),
        () => Promise.resolve(),
      ),
    );
    if (!isFound) throw noLetter(id);
    return reply.code(204).send();
  });

  /** As a new job: the old one has ended, and what has ended stays so. Throws where the message never was a job. */
  async function replay(letter: Letter, jobId: string) {
    const { body, messageId, replyTo, correlationId, userId, headers } = letter;
    const {
      deadlineAt: _,
      gatewayId,
      ...old
    } = decodeJob({ messageId, text: body.toString("utf8") });
    const sent = { userId, headers };
    const tenant = senders === undefined ? old.tenant : tenantOfSender(sent, old.tenant, senders);
    const message = {
      ...old,
      tenant,
      jobId,
      submittedAt: new Date().toISOString(),
      submission: randomUUID(),
      // From here on it is this gateway's word.
      ...((senders === undefined || isBelieved(sent, senders)) && { gatewayId }),
    };
    const { lane, pool } = message;
    const text = jobBody(message);
    const { isQueueClosing } = await store.submit({
      message,
      inOwnQueue: hasOwnQueues,
      ...(replyTo !== undefined && { reply: { to: replyTo, correlationId } }),
    });
    try {
      const ownQueueOf = hasOwnQueues && !isQueueClosing ? tenant : undefined;
      await publisher.publishJob({
        jobId,
        lane,
        pool,
        body: text,
        replyTo,
        correlationId,
        ownQueueOf,
      });
    } catch (error) {
      if (await store.withdraw(message, { mayArrive: mayArrive(error) })) throw error;
    }
  }
}

/** By its own id, or by its job's. */
function isNamed(letter: Letter, id: string): boolean {
  const view = letterView(letter);
  return view.id === id || view.jobId === id;
}

function noLetter(id: string): CodedError {
  return new CodedError("NOT_FOUND", `there is no dead letter ${JSON.stringify(id)}`);
}
