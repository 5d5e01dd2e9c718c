import { StatusError } from "../../../cli/mod.ts";

/** A file to be read to its end, or given up. @throws {StatusError} with Docker's texts */
export async function openedFile(path: string): Promise<ReadableStream<Uint8Array>> {
  try {
    return (await Deno.open(path)).readable;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) throw new StatusError(`open ${path}: no such file or directory`);
    if (thrown instanceof Deno.errors.PermissionDenied) throw new StatusError(`open ${path}: permission denied`);
    throw thrown;
  }
}
