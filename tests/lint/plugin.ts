/// <reference lib="deno.unstable" />
/**
 * @module
 * The project's lint rules, run by `deno lint` (see `lint.plugins` in deno.json). A line with a reason to break one
 * states it: `// deno-lint-ignore tsd/RULE -- reason`.
 */
import { habitRules } from "./conventions.ts";
import { homeRules } from "./restricted_apis.ts";
import { vocabularyRules } from "./retired_words.ts";

const plugin: Deno.lint.Plugin = { name: "tsd", rules: { ...homeRules, ...habitRules, ...vocabularyRules } };

export default plugin;
