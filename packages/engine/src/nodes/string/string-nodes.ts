/** Strings joined, cut and compared; positions and lengths count characters, not UTF-16 units. */
import { defineNode } from "../define-node.ts";
import { boolean, combo, int, string } from "../input.ts";
import { capitalize, stripEnd, stripStart, title } from "./python-text.ts";

const module = "comfy_extras.nodes_string";
const category = "utils/string";
const text = string({ multiline: true });

export const stringConcatenate = defineNode({
  name: "StringConcatenate",
  displayName: "Concatenate",
  category,
  module,
  schema: "v3",
  inputs: {
    string_a: text,
    string_b: text,
    delimiter: string({ default: "", multiline: false }),
  },
  outputs: ["STRING"],
  run: ({ string_a, string_b, delimiter }) => [string_a + delimiter + string_b],
});

/** Negative positions count from the end. */
export const stringSubstring = defineNode({
  name: "StringSubstring",
  displayName: "Substring",
  category,
  module,
  schema: "v3",
  inputs: { string: text, start: int(), end: int() },
  outputs: ["STRING"],
  run: ({ string: subject, start, end }) => [[...subject].slice(start, end).join("")],
});

export const stringLength = defineNode({
  name: "StringLength",
  displayName: "Length",
  category,
  module,
  schema: "v3",
  inputs: { string: text },
  outputs: [{ type: "INT", name: "length" }],
  run: ({ string: subject }) => [[...subject].length],
});

export const caseConverter = defineNode({
  name: "CaseConverter",
  displayName: "Case Converter",
  category,
  module,
  schema: "v3",
  inputs: {
    string: text,
    mode: combo(["UPPERCASE", "lowercase", "Capitalize", "Title Case"], { multiselect: false }),
  },
  outputs: ["STRING"],
  run: ({ string: subject, mode }) => {
    switch (mode) {
      case "UPPERCASE":
        return [subject.toUpperCase()];
      case "lowercase":
        return [subject.toLowerCase()];
      case "Capitalize":
        return [capitalize(subject)];
      case "Title Case":
        return [title(subject)];
    }
  },
});

export const stringTrim = defineNode({
  name: "StringTrim",
  displayName: "Trim",
  category,
  module,
  schema: "v3",
  inputs: { string: text, mode: combo(["Both", "Left", "Right"], { multiselect: false }) },
  outputs: ["STRING"],
  run: ({ string: subject, mode }) => {
    const left = mode === "Right" ? subject : stripStart(subject);
    return [mode === "Left" ? left : stripEnd(left)];
  },
});

export const stringReplace = defineNode({
  name: "StringReplace",
  displayName: "Replace",
  category,
  module,
  schema: "v3",
  inputs: { string: text, find: text, replace: text },
  outputs: ["STRING"],
  run: ({ string: subject, find, replace }) => [
    find === ""
      ? replace + [...subject].map((character) => character + replace).join("")
      : subject.split(find).join(replace),
  ],
});

export const stringContains = defineNode({
  name: "StringContains",
  displayName: "Contains",
  category,
  module,
  schema: "v3",
  inputs: { string: text, substring: text, case_sensitive: boolean({ default: true }) },
  outputs: [{ type: "BOOLEAN", name: "contains" }],
  run: ({ string: subject, substring, case_sensitive }) => [
    folded(subject, case_sensitive).includes(folded(substring, case_sensitive)),
  ],
});

export const stringCompare = defineNode({
  name: "StringCompare",
  displayName: "Compare",
  category,
  module,
  schema: "v3",
  inputs: {
    string_a: text,
    string_b: text,
    mode: combo(["Starts With", "Ends With", "Equal"], { multiselect: false }),
    case_sensitive: boolean({ default: true }),
  },
  outputs: ["BOOLEAN"],
  run: ({ string_a, string_b, mode, case_sensitive }) => {
    const a = folded(string_a, case_sensitive);
    const b = folded(string_b, case_sensitive);
    switch (mode) {
      case "Starts With":
        return [a.startsWith(b)];
      case "Ends With":
        return [a.endsWith(b)];
      case "Equal":
        return [a === b];
    }
  },
});

function folded(subject: string, isCaseSensitive: boolean): string {
  return isCaseSensitive ? subject : subject.toLowerCase();
}
