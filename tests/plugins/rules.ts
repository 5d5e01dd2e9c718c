/**
 * A plugin with a result for every hook that has one, in TypeScript and in WebAssembly, which also misbehaves on
 * request.
 */
import { buildWasm } from "../../scripts/build_wasm.ts";
import { HOOK_NAMES } from "../../src/plugins/mod.ts";

export type Language = "TypeScript" | "WebAssembly";

const TYPESCRIPT = `
const text = { type: "text", optional: true };
const rules = {
  "image.beforePull": ({ repository }) => refuseIf(repository.includes("forbidden"), "forbidden"),
  "image.verify": ({ reference }) => refuseIf(reference.includes("/unsigned"), "unsigned"),
  "container.validate": ({ name }) => refuseIf(name.startsWith("invalid"), "invalid"),
  "network.ready": ({ name }) => refuseIf(name.startsWith("unplugged"), "unplugged"),
  "container.exec": ({ command }) => refuseIf(command.includes("sealed"), "sealed"),
  "api.request": ({ path }) => refuseIf(path.startsWith("/containers/untouchable"), "untouchable"),
  "container.create": () => ({ env: { RULES_TS: "yes" }, labels: { "ruled.ts": "yes" } }),
  "registry.resolve": ({ repository }, { config }) =>
    repository.includes("elsewhere") ? { reference: config.mirror } : undefined,
  "registry.credentials": (_, { config: { username, password } }) => username ? { username, password } : undefined,
  "prune.plan": ({ things }) => things.filter(({ names }) => names.includes("stays")).map(({ id }) => id),
};
const refuseIf = (isRefused, refuse) => isRefused ? { refuse } : undefined;
const said = new Set();
const noted = (hook) => (context, tools) => {
  if (!said.has(hook)) tools.log.info(hook);
  said.add(hook);
  return rules[hook]?.(context, tools);
};
export default {
  name: "rules",
  apiVersion: 1,
  config: { mirror: text, username: text, password: text, mode: text },
  hooks: Object.fromEntries(${JSON.stringify(HOOK_NAMES)}.map((hook) => [hook, noted(hook)])),
};
`;

/** Writes the plugin's file, and returns its path. */
export async function writeRules(dir: string, language: Language): Promise<string> {
  if (language === "TypeScript") {
    await Deno.writeTextFile(`${dir}/rules.js`, TYPESCRIPT);
    return `${dir}/rules.js`;
  }
  const source = await Deno.readTextFile(new URL("./rules.as.ts", import.meta.url));
  await Deno.writeFile(`${dir}/rules.wasm`, await buildWasm(source, ["-O1", "--noAssert", "--runtime", "stub"]));
  return `${dir}/rules.wasm`;
}
