import * as z from "zod";

/** What a node class says to the inputs of one of its nodes. */
export const classCheckAnswerSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("fine") }),
  /** The class's own words; "" where it only says no. */
  z.object({ type: z.literal("refused"), why: z.string() }),
  /** The check itself broke. */
  z.object({ type: z.literal("broken"), name: z.string(), message: z.string() }),
  /** This worker has no such class. */
  z.object({ type: z.literal("unknown") }),
]);
export type ClassCheckAnswer = z.infer<typeof classCheckAnswerSchema>;

/** A worker's reply to a `nodes-check`, on the queue of the gateway that asked. */
export const classCheckReplySchema = z.object({
  v: z.literal(1),
  type: z.literal("nodes-checked"),
  requestId: z.string(),
  workerId: z.string(),
  /** One for each check, in the same order. */
  answers: z.array(classCheckAnswerSchema),
});
export type ClassCheckReply = z.infer<typeof classCheckReplySchema>;
