import { isIP } from "node:net";

export interface OriginFacts {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `CORS_ORIGIN`: pages that may call, or `*`. Undefined: it is not set. */
  readonly allowed: readonly string[] | undefined;
  readonly publicUrl: string | undefined;
}

/**
 * A page of another site must not drive a gateway on the visitor's own machine: where `Host` is a loopback
 * address, `Origin` has to name the same host and port, or stand in `CORS_ORIGIN`. Other hosts are the proxy's business,
 * until `CORS_ORIGIN` says who may call.
 */
export function isForeignOrigin({ host, origin, allowed, publicUrl }: OriginFacts): boolean {
  if (host === undefined || origin === undefined) return false;
  if (allowed?.includes("*") || allowed?.includes(origin)) return false;
  const own = parse(`http://${host}`);
  if (own === undefined || (allowed === undefined && !isLoopback(own.hostname))) return false;
  const other = parse(origin);
  // "null" comes from sandboxed frames and files: nobody we know.
  if (other === undefined) return true;
  const isPublic = publicUrl !== undefined && new URL(publicUrl).host === other.host;
  // A proxy may name the port that the page's address leaves out.
  return other.host !== parse(`${other.protocol}//${host}`)?.host && !isPublic;
}

/**
 * Any name of the internet can be made to lead to this machine (DNS rebinding), and its pages are then, to their browser,
 * of the gateway's own origin. A gateway that is open because only this machine reaches it answers to this machine's
 * names alone.
 */
export function isForeignHost(host: string | undefined, allowed: readonly string[]): boolean {
  if (host === undefined) return false;
  const name = parse(`http://${host}`)?.hostname;
  return name === undefined || !(isLoopback(name) || allowed.includes(name));
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** A name or address that only this machine can mean. */
export function isLoopback(hostname: string): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  const address = hostname.replace(/^\[|\]$/g, "");
  return (isIP(address) === 4 && address.startsWith("127.")) || address === "::1";
}
