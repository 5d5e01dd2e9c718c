/**
 * @module
 * Loads a plugin's file: TypeScript or JavaScript with the plugin as its default export, or WebAssembly.
 */
import { pathToFileURL } from "node:url";
import { loadWasmPlugin, type WriteLog } from "./wasm_plugin.ts";

export type Handler = (context: unknown, tools: object) => unknown;

/** The contents of a plugin's file. */
export interface LoadedPlugin {
  /** The plugin's manifest, unchecked: the engine validates it. `hooks` are the names of its handlers. */
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly handlers: ReadonlyMap<string, Handler>;
}

/**
 * Loads a plugin.
 * @param file absolute path
 * @throws Error with a message for the plugin's author
 */
export async function loadPlugin(file: string, log: WriteLog): Promise<LoadedPlugin> {
  if (file.endsWith(".wasm")) return await loadWasmPlugin(await Deno.readFile(file), log);
  const module = await import(pathToFileURL(file).href) as { readonly default?: unknown };
  const plugin = module.default;
  if (typeof plugin !== "object" || plugin === null) {
    throw new Error("it has no default export that is a plugin: export default { name, apiVersion: 1, hooks: {…} }");
  }
  const { hooks, ...fields } = plugin as Readonly<Record<string, unknown>>;
  if (typeof hooks !== "object" || hooks === null) throw new Error("its hooks are no object of functions");
  const handlers = new Map<string, Handler>();
  for (const [hook, handler] of Object.entries(hooks)) {
    if (typeof handler !== "function") throw new Error(`its handler for ${hook} is no function`);
    handlers.set(hook, handler.bind(plugin));
  }
  return { manifest: { ...fields, hooks: [...handlers.keys()] }, handlers };
}
