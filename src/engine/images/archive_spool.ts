/** Writes an uploaded image archive to a file and reads its JSON documents back. Uses blocking I/O: for Workers only. */
import { TsdError } from "../../errors.ts";
import { type ArchiveFiles, ArchiveMembers, type MemberRange } from "../../image/archive/mod.ts";
import { MAX_JSON_BYTES } from "../../image/strict_json.ts";
import { storageError } from "../../io/mod.ts";
import { TarDecoder } from "../../tar/mod.ts";

/** Maximum total size of an archive's documents. Archives of thousands of images stay below it. */
const MAX_DOCUMENT_BYTES = 64 << 20;

/** A spooled image archive. Disposal closes the file and does not remove it. */
export class ArchiveSpool implements ArchiveFiles, Disposable {
  readonly #file: Deno.FsFile;
  readonly #decoder = new TarDecoder();
  readonly #members = new ArchiveMembers();
  #documentBytes = 0;

  /** @param path of the file to create; must not exist. @throws {TsdError} storage, storage_full */
  constructor(path: string) {
    this.#file = attempting(() => Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o600 }));
  }

  /** Appends bytes of the uncompressed archive. @throws {TsdError} layer_invalid, archive_invalid, storage_full */
  feed(bytes: Uint8Array): void {
    this.#decoder.feed(bytes);
    for (let item = this.#decoder.next(); item !== undefined; item = this.#decoder.next()) {
      if (!(item instanceof Uint8Array)) this.#members.add(item);
    }
    attempting(() => {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    });
  }

  /** Ends the archive. @throws {TsdError} layer_invalid if the archive is truncated */
  finish(): void {
    this.#decoder.finish();
  }

  find(name: string): MemberRange | undefined {
    return this.#members.find(name);
  }

  read(name: string): Uint8Array {
    const shown = JSON.stringify(name.slice(0, 200));
    const member = this.find(name);
    if (member === undefined) throw new TsdError("archive_invalid", `Cannot load the archive: it has no file ${shown}`);
    this.#documentBytes += member.sizeBytes;
    if (member.sizeBytes > MAX_JSON_BYTES || this.#documentBytes > MAX_DOCUMENT_BYTES) {
      throw new TsdError("archive_invalid", `Cannot load the archive: with ${shown} its documents are too large`);
    }
    return attempting(() => {
      const bytes = new Uint8Array(member.sizeBytes);
      this.#file.seekSync(member.offset, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += this.#file.readSync(bytes.subarray(at)) ?? bytes.length;
      return bytes;
    });
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function attempting<T>(step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    throw storageError("Cannot keep the archive for its loading", thrown);
  }
}
