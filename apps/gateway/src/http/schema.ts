import { CodedError } from "@rabbitloom/protocol";
import type * as z from "zod";

/** Checks what a client sent. Throws INVALID_REQUEST that names each place: `where.limit: expected number`. */
export function parseWith<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  where: string,
): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 5).map(({ path, message }) => {
    const place = [where, ...path.map(String)].join(".");
    return `${place}: ${message}`;
  });
  throw new CodedError("INVALID_REQUEST", problems.join("; "), { cause: parsed.error });
}
