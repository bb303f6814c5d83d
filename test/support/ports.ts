import { freePort, freePorts } from "../../apps/loom/src/servers/index.ts";

/** Linux takes the ports of outgoing connections from 32,768 on. */
const [LOWEST, HIGHEST] = [10_000, 32_000];

/**
 * A free port that no outgoing connection is ever given: whoever is killed has to find its port free when it comes back a
 * moment later.
 */
export async function quietPort(): Promise<number> {
  return await freePort(somewhere());
}

/** The same names, each with a quiet port in place of the one given. */
export async function quietPorts<Name extends string>(
  given: Readonly<Record<Name, number>>,
): Promise<Record<Name, number>> {
  const preferred: Record<Name, number> = { ...given };
  for (const name in preferred) preferred[name] = somewhere();
  return await freePorts(preferred);
}

function somewhere(): number {
  return LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
}
