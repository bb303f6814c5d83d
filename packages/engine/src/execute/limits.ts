/** What one node may hand on, and a whole prompt show: far above use, far below what hurts a process, a broker or a page. */
import { CodedError } from "@rabbitloom/protocol";
import { sizeOfValues } from "./value-size.ts";

/** Characters of a text. */
const LONGEST_TEXT = 4_194_304;
/** Values of one output; each is a call of the node behind it. */
const LONGEST_LIST = 100_000;
/** Of a text that is sent while a node runs. */
const LONGEST_SENT_TEXT = 1_048_576;
/** Of a picture that is sent while a node runs: half of what RabbitMQ takes in one message. */
const MOST_PICTURE_BYTES = 67_108_864;
/** Of all that a prompt shows, which travels in its last event once more and stays in its record. */
const MOST_SHOWN_BYTES = 16_777_216;

export function checkTextLength(length: number): void {
  check("a text", length, LONGEST_TEXT, "characters");
}

/** Throws LIMIT_EXCEEDED. */
export function checkOutputs(outputs: readonly (readonly unknown[])[]): void {
  for (const list of outputs) {
    check("an output", list.length, LONGEST_LIST, "values");
    for (const value of list) if (typeof value === "string") checkTextLength(value.length);
  }
}

export function checkSentText(text: string): void {
  check("a text to show", text.length, LONGEST_SENT_TEXT, "characters");
}

export function checkSentPicture(bytes: Uint8Array): void {
  check("a picture to show", bytes.byteLength, MOST_PICTURE_BYTES, "bytes");
}

/** Counts what the nodes of one prompt show. Throws LIMIT_EXCEEDED when it is too much. */
export function shownBudget(): (ui: unknown) => void {
  let bytes = 0;
  return (ui) => {
    bytes += sizeOfValues(ui);
    check("what is shown", bytes, MOST_SHOWN_BYTES, "bytes");
  };
}

function check(what: string, size: number, most: number, unit: string): void {
  if (size <= most) return;
  throw new CodedError("LIMIT_EXCEEDED", `${what} has ${size} ${unit}: at most ${most} are taken`);
}
