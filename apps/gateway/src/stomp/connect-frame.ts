import { decodeJwt } from "jose";

/** What a STOMP client has to say before anything else. */
export interface ConnectFrame {
  readonly login: string;
  readonly passcode: string;
}

/**
 * Reads a whole CONNECT or STOMP frame (STOMP 1.2). Undefined for anything else, also for half a frame: the proxy
 * passes nothing on that it has not understood.
 */
export function readConnectFrame(text: string): ConnectFrame | undefined {
  const end = text.indexOf("\0");
  if (end === -1) return undefined;
  const head =
    text
      .slice(0, end)
      .replace(/^[\r\n]+/, "")
      .split(/\r?\n\r?\n/, 1)[0] ?? "";
  const [command, ...lines] = head.split(/\r?\n/);
  if (command !== "CONNECT" && command !== "STOMP") return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon === -1) return undefined;
    const name = line.slice(0, colon);
    // The first of repeated headers counts (STOMP 1.2, "Repeated Header Entries").
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1));
  }
  return { login: headers.get("login") ?? "", passcode: headers.get("passcode") ?? "" };
}

/** What a ticket says it was given for. Only the broker checks that it says the truth: it reads the passcode alone. */
export interface TicketFacts {
  readonly jobId: string;
  readonly keyId: string | undefined;
  /** When the credentials end that it was given for. */
  readonly endsAt: Date | undefined;
}

/** Undefined for what is no ticket, or another job's than its login says: the login is what anybody may write. */
export function ticketFacts({ login, passcode }: ConnectFrame): TicketFacts | undefined {
  try {
    const { sub, key, end } = decodeJwt<{ key?: unknown; end?: unknown }>(passcode);
    if (sub !== login) return undefined;
    return {
      jobId: login.replace(/^job\./, ""),
      keyId: typeof key === "string" ? key : undefined,
      endsAt: typeof end === "number" ? new Date(end * 1000) : undefined,
    };
  } catch {
    return undefined;
  }
}

/** A ticket's login and its token. Users of the broker itself have no business here. */
export function isTicket({ login, passcode }: ConnectFrame): boolean {
  return /^job\.[A-Za-z0-9_-]{1,64}$/.test(login) && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(passcode);
}
