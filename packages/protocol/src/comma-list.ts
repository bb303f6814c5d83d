import * as z from "zod";

/** Names of an environment's variable, by commas; what is empty is none. */
export const commaListSchema = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);
