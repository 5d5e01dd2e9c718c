/// <reference lib="deno.unstable" />
/** Words that names of this project no longer use, each with the field's standard term (docs/glossary.md). */

/** Retired words, in lower case, and what to say instead. */
const RETIRED: ReadonlyMap<string, string> = new Map([
  ["folder", "dir (directory)"],
  ["folders", "dirs (directories)"],
  ["patience", "timeout, delay"],
  ["hasty", "fast limits"],
  ["furnish", "provision"],
  ["begun", "started"],
  ["unfinished", "incomplete"],
  ["wanted", "requested"],
  ["asked", "requested"],
  ["brought", "fetched"],
  ["whoever", "the actor's name"],
  ["somebody", "the actor's name"],
  ["kitchen", "fixture"],
  ["scene", "fixture"],
  ["rig", "setup"],
  ["seat", "slot"],
  ["seats", "slots"],
  ["hosted", "served"],
  ["contender", "peer"],
  ["contenders", "peers"],
  ["adoption", "restore"],
  ["handover", "reexec"],
  ["keeper", "fd holder"],
  ["keepers", "fd holders"],
  ["roster", "plugin registry"],
  ["parting", "shutdown"],
]);

/** The words of a name: `fdHolderOf` and `FD_HOLDER_OF` have `fd`, `holder`, `of`. */
const wordsOf = (name: string): string[] => name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];

const found = (name: string): [word: string, instead: string] | undefined => {
  for (const word of wordsOf(name)) {
    const instead = RETIRED.get(word.toLowerCase());
    if (instead !== undefined) return [word, instead];
  }
  return undefined;
};

/** Names (identifiers, private members) that contain a retired word. */
const retiredWords: Deno.lint.Rule = {
  create(context) {
    const check = (node: Deno.lint.Identifier | Deno.lint.PrivateIdentifier) => {
      const hit = found(node.name);
      if (hit === undefined) return;
      const [word, instead] = hit;
      context.report({
        node,
        message: `${node.name}: "${word}" is retired`,
        hint: `Use the field's term: ${instead}.`,
      });
    };
    return { Identifier: check, PrivateIdentifier: check };
  },
};

/** The rule of this file, by name. */
export const vocabularyRules: Record<string, Deno.lint.Rule> = { "retired-words": retiredWords };
