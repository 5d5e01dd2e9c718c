/** A plugin's file, read for the engine. */
import type { PluginFile } from "../../api_types/mod.ts";
import { PlainError } from "../../cli/mod.ts";

/** As it is sent. @throws {PlainError} */
export async function readPluginFile(path: string): Promise<PluginFile> {
  try {
    const content = await Deno.readFile(path);
    return { FileName: path.slice(path.lastIndexOf("/") + 1), Content: content.toBase64() };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) throw new PlainError(`open ${path}: no such file or directory`);
    if (thrown instanceof Deno.errors.PermissionDenied) throw new PlainError(`open ${path}: permission denied`);
    if (thrown instanceof Deno.errors.IsADirectory) throw new PlainError(`read ${path}: is a directory`);
    throw thrown;
  }
}
