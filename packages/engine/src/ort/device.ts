import { CodedError } from "@rabbitloom/protocol";
import { operatorChoices, type Provider } from "./operators.ts";

/** What a session runs on. */
export interface Device {
  readonly provider: Provider;
  /** Among several of the provider's kind. */
  readonly index: number;
}

/** Reads `cpu`, `cuda`, `cuda:1`. Throws INVALID_REQUEST naming the providers there are. */
export function parseDevice(text: string): Device {
  const [name = "", index = "0", ...rest] = text.split(":");
  if (!isProvider(name) || !/^\d+$/.test(index) || rest.length > 0) {
    const known = Object.keys(operatorChoices).join(", ");
    throw new CodedError(
      "INVALID_REQUEST",
      `device "${text}" is not one of ${known}, with an index behind a colon or without`,
    );
  }
  return { provider: name, index: Number(index) };
}

/** As `parseDevice` reads it. */
export function deviceName({ provider, index }: Device): string {
  return index === 0 ? provider : `${provider}:${index}`;
}

function isProvider(name: string): name is Provider {
  return Object.hasOwn(operatorChoices, name);
}
