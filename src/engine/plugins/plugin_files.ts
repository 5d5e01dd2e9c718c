/**
 * @module
 * Plugins' files: those that were dropped into a folder or named in the configuration, and the engine's own copies of those
 * that were installed.
 */
import { TsdError } from "../../errors.ts";

/** What can be loaded, by the ends of names. */
export const EXTENSIONS = [".ts", ".js", ".mjs", ".wasm"] as const;
/** Largest file of a plugin: in base64 it has to fit into a request. */
export const FILE_BYTES = 2 << 20;

/** `.ts` of `audit.ts`. @throws {TsdError} invalid_argument */
export function extensionOf(file: string): string {
  const extension = file.endsWith(".d.ts") ? undefined : EXTENSIONS.find((each) => file.endsWith(each));
  if (extension !== undefined) return extension;
  throw new TsdError("invalid_argument", `${file} is no plugin: it has to end with ${EXTENSIONS.join(", ")}`);
}

/** Absolute paths of the plugins in a folder, sorted; none if there is no such folder. */
export async function filesIn(dir: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(dir));
    return entries.map(({ name }) => name)
      .filter((name) =>
        EXTENSIONS.some((each) => name.endsWith(each)) && !name.endsWith(".d.ts") && !name.startsWith(".")
      )
      .map((name) => `${dir}/${name}`).sort();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

/** A file's content. @throws {TsdError} not_found, payload_too_large, permission_denied */
export async function readPlugin(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size, mode, uid, isFile } = await Deno.stat(file);
    if (!isFile) throw new TsdError("invalid_argument", `${file} is no file`);
    if (size > FILE_BYTES) {
      throw new TsdError("payload_too_large", `${file} has ${size} bytes; ${FILE_BYTES} are the most`);
    }
    // Whoever can write to it decides what runs as root.
    if (uid !== 0 || ((mode ?? 0) & 0o022) !== 0) {
      throw new TsdError("permission_denied", `${file} has to belong to root, and nobody else may write to it`);
    }
    return await Deno.readFile(file);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) throw new TsdError("not_found", `${file} is not there`);
    throw thrown;
  }
}
