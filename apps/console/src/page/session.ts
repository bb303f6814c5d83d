/** Who the page is to its gateway: a browser keeps a cookie in the place of the key. */
export interface Session {
  /** `fetch` that tells when an answer is 401. */
  readonly fetch: typeof globalThis.fetch;
  /** Resolves to what is wrong with the key; undefined when it opened a session. */
  open(key: string): Promise<string | undefined>;
}

/** @param onRefused Called with each 401: there is no session, or it has ended. */
export function gatewaySession(service: URL, onRefused: () => void): Session {
  return {
    async fetch(input, init) {
      const answer = await fetch(input, init);
      if (answer.status === 401) onRefused();
      return answer;
    },
    async open(key) {
      // Letters that no header carries are in no key either.
      if (!/^[\x21-\x7e]+$/.test(key)) return "This is not a key.";
      const answer = await fetch(new URL("api/v1/session", service), {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
      }).catch(() => undefined);
      if (answer === undefined) return "The gateway does not answer.";
      if (answer.ok) return undefined;
      return answer.status === 401
        ? "The gateway does not know this key: it may have expired or been revoked."
        : `The gateway answered ${answer.status}.`;
    },
  };
}
