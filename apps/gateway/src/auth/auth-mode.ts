import { isLoopback } from "../http/origin-guard.ts";

export interface AuthSettings {
  readonly host: string;
  readonly publicUrl: string | undefined;
  /** What was asked for; undefined: decide by the address. */
  readonly auth: "open" | "required" | undefined;
  readonly insecureOpen: boolean;
  readonly hasIdentityProvider: boolean;
}

/**
 * Whether requests have to show credentials. Open only where nobody else can reach the gateway, or where somebody has said
 * in so many words that everybody may. Throws, so that the gateway does not start, on anything between.
 */
export function authMode(settings: AuthSettings): "open" | "required" {
  const { host, publicUrl, auth, insecureOpen, hasIdentityProvider } = settings;
  if (auth === "required" || (auth === undefined && hasIdentityProvider)) return "required";
  if (insecureOpen) return "open";
  const reachable = [host, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])];
  const foreign = reachable.find((name) => !isLoopback(name));
  if (foreign === undefined) return "open";
  throw new Error(
    `the gateway would be open to everybody who reaches ${foreign}: set AUTH=required and make a key ` +
      "(./loom keys create), or say INSECURE_OPEN=1 if everybody may run jobs and see all of them",
  );
}
