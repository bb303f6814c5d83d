import { CodedError } from "@rabbitloom/protocol";

/** What a client asked for in `Prefer` (RFC 7240), in `?prefer=`, or by `+respond-async` in `Accept`. */
export interface Preferences {
  readonly respondAsync: boolean;
  /** Seconds to wait at most. */
  readonly waitSeconds: number | undefined;
  /** End the job when the client goes away before the answer. */
  readonly cancelOnDisconnect: boolean;
}

export interface PreferenceSources {
  readonly prefer: string | undefined;
  readonly query: string | undefined;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
}

/** Reads all four places. Unknown preferences are ignored, as RFC 7240 wants it; a wait that is no number is refused. */
export function readPreferences(sources: PreferenceSources): Preferences {
  const tokens = `${sources.prefer ?? ""},${sources.query ?? ""}`
    .split(",")
    .map((part) => part.split(";", 1)[0]?.trim().toLowerCase() ?? "");
  const hasSuffix = [sources.accept, sources.contentType].some((text) =>
    text?.toLowerCase().includes("+respond-async"),
  );
  return {
    respondAsync: hasSuffix || tokens.includes("respond-async"),
    waitSeconds: waitSeconds(tokens),
    cancelOnDisconnect: tokens.includes("cancel-on-disconnect"),
  };
}

/** The `Preference-Applied` header for what was honoured. */
export function preferenceApplied({
  respondAsync,
  waitSeconds: wait,
  cancelOnDisconnect,
}: Preferences): string {
  const applied = [
    ...(respondAsync ? ["respond-async"] : []),
    ...(wait === undefined ? [] : [`wait=${wait}`]),
    ...(cancelOnDisconnect ? ["cancel-on-disconnect"] : []),
  ];
  return applied.join(", ");
}

function waitSeconds(tokens: readonly string[]): number | undefined {
  const token = tokens.find((name) => /^wait\s*=/.test(name));
  if (token === undefined) return undefined;
  const value = token.replace(/^wait\s*=\s*/, "").replace(/^"(.*)"$/, "$1");
  if (!/^\d{1,6}$/.test(value)) {
    throw new CodedError(
      "INVALID_REQUEST",
      `Prefer: expected wait=<seconds>, got ${JSON.stringify(token)}`,
    );
  }
  return Number(value);
}
