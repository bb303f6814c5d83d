import { isIP } from "node:net";

/**
 * A page of another site must not drive a gateway on the visitor's own machine: where `Host` is a loopback
 * address, `Origin` has to name the same host and port. Other hosts are the proxy's or CORS's business.
 */
export function isForeignOrigin(host: string | undefined, origin: string | undefined): boolean {
  if (host === undefined || origin === undefined) return false;
  const own = parse(`http://${host}`);
  if (own === undefined || !isLoopback(own.hostname)) return false;
  const other = parse(origin);
  // "null" comes from sandboxed frames and files: nobody we know.
  if (other === undefined) return true;
  return other.host !== own.host;
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
