import * as z from "zod";

/** What a browser needs to read one job's stream over Web-STOMP. Valid for minutes, for one CONNECT. */
export const watchTicketSchema = z.object({
  /** WebSocket address of the STOMP endpoint. */
  url: z.string(),
  /** Virtual host for the CONNECT frame. */
  host: z.string(),
  login: z.string(),
  /** A signed token that allows reading this one stream. */
  passcode: z.string(),
  destination: z.string(),
  /** Headers of the SUBSCRIBE frame: acknowledgement mode, prefetch and offset. */
  headers: z.record(z.string(), z.string()),
  expiresAt: z.iso.datetime(),
  /** Last event's number when the ticket was made. */
  lastSeq: z.int().nonnegative(),
});
export type WatchTicket = z.infer<typeof watchTicketSchema>;
