import { StatusError } from "../../../cli/mod.ts";

/** Opens a file as a stream, which the caller must read to the end or cancel. @throws {StatusError} with Docker's messages */
export async function openedFile(path: string): Promise<ReadableStream<Uint8Array>> {
  try {
    return (await Deno.open(path)).readable;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) throw new StatusError(`open ${path}: no such file or directory`);
    if (thrown instanceof Deno.errors.PermissionDenied) throw new StatusError(`open ${path}: permission denied`);
    throw thrown;
  }
}
