import { checkTextLength } from "../../execute/limits.ts";
import { defineNode } from "../define-node.ts";
import { boolean, combo, int, string } from "../input.ts";
import { boundedMatches } from "./bounded-matches.ts";
import { expandTemplate } from "./regex-template.ts";

const module = "comfy_extras.nodes_string";
const category = "utils/string";
const text = string({ multiline: true });

/** False too where the pattern is not valid. */
export const regexMatch = defineNode({
  name: "RegexMatch",
  displayName: "Regex Match",
  category,
  module,
  schema: "v3",
  inputs: {
    string: text,
    regex_pattern: text,
    case_insensitive: boolean({ default: true }),
    multiline: boolean({ default: false }),
    dotall: boolean({ default: false }),
  },
  outputs: [{ type: "BOOLEAN", name: "matches" }],
  run: (inputs) => [matchesOf(inputs, 1).length > 0],
});

/** Lines joined by newlines; empty where nothing matches or the pattern is not valid. */
export const regexExtract = defineNode({
  name: "RegexExtract",
  displayName: "Regex Extract",
  category,
  module,
  schema: "v3",
  inputs: {
    string: text,
    regex_pattern: text,
    mode: combo(["First Match", "All Matches", "First Group", "All Groups"], {
      multiselect: false,
    }),
    case_insensitive: boolean({ default: true }),
    multiline: boolean({ default: false }),
    dotall: boolean({ default: false }),
    group_index: int({ default: 1, min: 0, max: 100 }),
  },
  outputs: ["STRING"],
  run: ({ mode, group_index, ...inputs }) => {
    const isFirst = mode === "First Match" || mode === "First Group";
    const matches = matchesOf(inputs, isFirst ? 1 : undefined);
    const first = matches.slice(0, 1);
    switch (mode) {
      case "First Match":
        return [first.map((match) => match[0]).join("\n")];
      case "All Matches":
        return [matches.map((match) => match[1] ?? (match.length > 1 ? "" : match[0])).join("\n")];
      case "First Group":
        return [groups(first, group_index)];
      case "All Groups":
        return [groups(matches.filter(hasGroups), group_index)];
    }
  },
});

export const regexReplace = defineNode({
  name: "RegexReplace",
  displayName: "Regex Replace",
  category,
  module,
  schema: "v3",
  inputs: {
    string: text,
    regex_pattern: text,
    replace: text,
    case_insensitive: boolean({ default: true, optional: true }),
    multiline: boolean({ default: false, optional: true }),
    dotall: boolean({ default: false, optional: true }),
    count: int({ default: 0, min: 0, max: 100, optional: true }),
  },
  outputs: ["STRING"],
  run: ({ string: subject, regex_pattern, replace, count = 0, ...flags }) => {
    const matches = boundedMatches({
      pattern: regex_pattern,
      flags: {
        ignoreCase: flags.case_insensitive ?? true,
        multiline: flags.multiline ?? false,
        dotAll: flags.dotall ?? false,
      },
      text: subject,
      ...(count > 0 && { count }),
    });
    let result = "";
    let end = 0;
    for (const match of matches) {
      result += subject.slice(end, match.index) + expandTemplate(replace, match);
      checkTextLength(result.length);
      end = match.index + match[0].length;
    }
    return [result + subject.slice(end)];
  },
});

type Search = {
  readonly string: string;
  readonly regex_pattern: string;
  readonly case_insensitive: boolean;
  readonly multiline: boolean;
  readonly dotall: boolean;
};

function matchesOf(search: Search, count?: number): readonly RegExpExecArray[] {
  try {
    return boundedMatches({
      pattern: search.regex_pattern,
      flags: {
        ignoreCase: search.case_insensitive,
        multiline: search.multiline,
        dotAll: search.dotall,
      },
      text: search.string,
      ...(count !== undefined && { count }),
    });
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function hasGroups(match: RegExpExecArray): boolean {
  return match.length > 1;
}

/** That group of each match that has so many. */
function groups(matches: readonly RegExpExecArray[], index: number): string {
  return matches
    .filter((match) => index < match.length)
    .map((match) => match[index] ?? "")
    .join("\n");
}
