import { type ClipTokenizer, END_TOKEN, START_TOKEN } from "./clip-tokenizer.ts";
import { promptWeights } from "./prompt-weights.ts";

/** One place of a text encoder's input. */
export interface PromptToken {
  readonly id: number;
  readonly weight: number;
  /** Taken in place of the id's own vector: a learnt embedding. [D] */
  readonly vector?: Float32Array;
}

export interface TokenRowOptions {
  readonly tokenize: ClipTokenizer;
  /** L */
  readonly length: number;
  /** Fills a row up behind its end. */
  readonly padding: number;
  /** The vectors of a name after `embedding:`; none when there is no such embedding. */
  embedding?(name: string): Promise<readonly Float32Array[] | undefined>;
  /** Hears of a name that there is no such embedding for. */
  onLeftOut?(name: string): void;
}

/** Parts of a prompt shorter than this are not cut at the end of a row. */
const LONG_GROUP = 8;

/** A prompt as rows of `length` tokens: start, what fits, end, padding. */
export async function tokenRows(
  prompt: string,
  options: TokenRowOptions,
): Promise<readonly (readonly PromptToken[])[]> {
  const { length, padding } = options;
  const room = length - 1;
  const rows: PromptToken[][] = [[plain(START_TOKEN)]];
  let row = rows[0] ?? [];

  function endRow(): void {
    row.push(plain(END_TOKEN));
    while (row.length < length) row.push(plain(padding));
  }
  function nextRow(): void {
    endRow();
    row = [plain(START_TOKEN)];
    rows.push(row);
  }

  for (const group of await tokenGroups(prompt, options)) {
    let start = 0;
    while (row.length + group.length - start > room) {
      if (group.length >= LONG_GROUP) {
        const cut = start + room - row.length;
        row.push(...group.slice(start, cut));
        start = cut;
      }
      nextRow();
    }
    row.push(...group.slice(start));
  }
  endRow();
  return rows;
}

const plain = (id: number): PromptToken => ({ id, weight: 1 });

/** The row of an empty prompt. */
export function emptyRow({
  length,
  padding,
}: Pick<TokenRowOptions, "length" | "padding">): readonly PromptToken[] {
  return [
    plain(START_TOKEN),
    plain(END_TOKEN),
    ...Array.from({ length: length - 2 }, () => plain(padding)),
  ];
}

/** The tokens that belong together: those of one weight, and the vectors of one embedding. */
async function tokenGroups(prompt: string, options: TokenRowOptions): Promise<PromptToken[][]> {
  const { tokenize } = options;
  const groups: PromptToken[][] = [];
  for (const { text, weight } of promptWeights(prompt)) {
    for (const part of text.split(EMBEDDING_STARTS)) {
      const named = EMBEDDING.exec(part);
      const vectors = await findVectors(named?.[1] ?? "", options);
      if (vectors !== undefined) {
        groups.push(vectors.found.map((vector) => ({ id: 0, weight, vector })));
      }
      const words = named === null ? part : (vectors?.rest ?? "") + (named[2] ?? "");
      groups.push(tokenize(words).map((id) => ({ id, weight })));
    }
  }
  return groups.filter((group) => group.length > 0);
}

const EMBEDDING_STARTS = /(?<=^|[ \n])(?=embedding:)/;
const EMBEDDING = /^embedding:(\S*)(.*)$/s;

/** A comma right behind a name is not of the name, unless a file is called so. */
async function findVectors(
  name: string,
  { embedding, onLeftOut }: TokenRowOptions,
): Promise<{ found: readonly Float32Array[]; rest: string } | undefined> {
  if (name === "" || embedding === undefined) return undefined;
  const found = await embedding(name);
  if (found !== undefined) return { found, rest: "" };
  let end = name.length;
  while (name[end - 1] === ",") end -= 1;
  const stripped = name.slice(0, end);
  const foundStripped = stripped === name ? undefined : await embedding(stripped);
  if (foundStripped === undefined) {
    onLeftOut?.(stripped);
    return undefined;
  }
  return { found: foundStripped, rest: name.slice(stripped.length) };
}
