import { baseName, dirName } from "../../../archive/mod.ts";
import { StatusError } from "../../../cli/mod.ts";

const MODE = 0o600;

/** Kinds of files that are not overwritten, with Docker's messages. */
const REFUSED: readonly (readonly [is: (info: Deno.FileInfo) => boolean | null, why: string])[] = [
  [(info) => info.isDirectory, "cannot write to a directory"],
  [(info) => info.isSymlink, "cannot write to a symbolic link directly"],
  [(info) => info.isFifo, "cannot write to a named pipe (FIFO)"],
  [(info) => info.isSocket, "cannot write to a socket"],
  [(info) => info.isCharDevice, "cannot write to a character device file"],
  [(info) => info.isBlockDevice, "cannot write to a block device file"],
];

/** A file that is written atomically: it appears under its name only when {@link finish} is called. Must be disposed. */
export class OutputFile implements AsyncDisposable {
  readonly #path: string;
  readonly #draft: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;
  #isDraft = true;

  private constructor(path: string, draft: string, file: Deno.FsFile) {
    this.#path = path;
    this.#draft = draft;
    this.#file = file;
  }

  /** Creates the file under a temporary name. @throws {StatusError} if the path can't be written */
  static async create(path: string): Promise<OutputFile> {
    await checkPath(path);
    const draft = `${dirName(path)}/.tmp-${baseName(path)}${crypto.randomUUID()}`;
    const file = await Deno.open(draft, { write: true, createNew: true, mode: MODE });
    return new OutputFile(path, draft, file);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
  }

  /** Completes the file: syncs it to disk and renames it to its path. */
  async finish(): Promise<void> {
    await this.#file.syncData();
    this.#close();
    await Deno.rename(this.#draft, this.#path);
    this.#isDraft = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    if (this.#isDraft) await Deno.remove(this.#draft);
  }

  #close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

async function checkPath(path: string): Promise<void> {
  const dir = dirName(path);
  if (await lstatOf(dir) === undefined) {
    throw new StatusError(`invalid output path: stat ${dir}: no such file or directory`);
  }
  const info = await lstatOf(path);
  const refused = info && REFUSED.find(([is]) => is(info));
  if (refused) throw new StatusError(refused[1]);
}

async function lstatOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return undefined;
    throw thrown;
  }
}
