/** Reads plugin files to send to the engine. */
import type { PluginFile } from "../../api_types/mod.ts";
import { StatusError } from "../../cli/mod.ts";

/** Reads a plugin's file in the form of the API. @throws {StatusError} */
export async function readPluginFile(path: string): Promise<PluginFile> {
  try {
    const content = await Deno.readFile(path);
    return { FileName: path.slice(path.lastIndexOf("/") + 1), Content: content.toBase64() };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) throw new StatusError(`open ${path}: no such file or directory`);
    if (thrown instanceof Deno.errors.PermissionDenied) throw new StatusError(`open ${path}: permission denied`);
    if (thrown instanceof Deno.errors.IsADirectory) throw new StatusError(`read ${path}: is a directory`);
    throw thrown;
  }
}
