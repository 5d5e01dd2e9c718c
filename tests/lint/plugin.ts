/// <reference lib="deno.unstable" />
/**
 * @module
 * The project's own lint rules, run by `deno lint` (see `lint.plugins` in deno.json). A line that has a reason to break one
 * says so: `// deno-lint-ignore tsd/RULE -- reason`.
 */
import { habitRules } from "./conventions.ts";
import { homeRules } from "./restricted_apis.ts";
import { vocabularyRules } from "./retired_words.ts";

const plugin: Deno.lint.Plugin = { name: "tsd", rules: { ...homeRules, ...habitRules, ...vocabularyRules } };

export default plugin;
