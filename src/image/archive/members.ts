/** Indexes the members of an image archive by name. Nothing is unpacked: a name maps to a byte range of the archive. */
import { TsdError } from "../../errors.ts";
import { type ByteString, byteStringFromText, quoted, type TarEntry } from "../../tar/mod.ts";
import { MAX_JSON_BYTES } from "../strict_json.ts";

/** The byte range of a member's content in the archive. */
export interface MemberRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Far above any real image archive, low enough to be kept in memory. */
export const MAX_MEMBERS = 100_000;
const MAX_NAME_BYTES = 16 << 20;
/** Maximum number of links that are followed for one name. */
const MAX_LINKS = 8;

/** Members that are read as a whole: too large ones are rejected before their content is read. */
const DOCUMENTS: ReadonlySet<ByteString> = new Set(["manifest.json", "index.json", "oci-layout", "repositories"]);

type Member = { readonly range: MemberRange } | { readonly target: ByteString } | { readonly oddity: string };

/** The members of an archive by name; of several with the same name the last one counts. */
export class ArchiveMembers {
  readonly #members = new Map<ByteString, Member>();
  #count = 0;
  #nameBytes = 0;

  /**
   * Adds a member.
   * @throws {TsdError} archive_invalid: its name or link leads out of the archive, or there are too many
   */
  add(entry: TarEntry): void {
    this.#count++;
    this.#nameBytes += entry.path.length + entry.linkPath.length;
    if (this.#count > MAX_MEMBERS) throw invalid(`it has more than ${MAX_MEMBERS} members`);
    if (this.#nameBytes > MAX_NAME_BYTES) throw invalid(`its names have more than ${MAX_NAME_BYTES} bytes`);
    const name = inside("", entry.path) ?? refuseEscape(entry);
    if (entry.type === "file" && DOCUMENTS.has(name) && entry.sizeBytes > MAX_JSON_BYTES) {
      throw invalid(`${name} has ${entry.sizeBytes} bytes, over ${MAX_JSON_BYTES}`);
    }
    this.#members.set(name, memberOf(entry, name));
  }

  /**
   * Finds a member's content by a name that a document of the archive refers to.
   * @throws {TsdError} archive_invalid: the name leads out of the archive, or the member isn't a file
   */
  find(name: string): MemberRange | undefined {
    const requested = byteStringFromText(name);
    let at = inside("", requested);
    if (at === undefined) throw invalid(`it names a file outside of it, ${quoted(requested)}`);
    for (let links = 0; links <= MAX_LINKS; links++) {
      const member = this.#members.get(at);
      if (member === undefined) return undefined;
      if ("range" in member) return member.range;
      if ("oddity" in member) throw invalid(`${quoted(at)} is ${member.oddity}, not a plain file`);
      at = member.target;
    }
    throw invalid(`${quoted(requested)} leads through too many links`);
  }
}

function memberOf(entry: TarEntry, name: ByteString): Member {
  switch (entry.type) {
    case "file":
      if (entry.sparse !== undefined) return { oddity: "a sparse file" };
      return { range: { offset: entry.dataOffset, sizeBytes: entry.storedBytes } };
    case "symlink": {
      const target = entry.linkPath.startsWith("/") ? undefined : inside(dirOf(name), entry.linkPath);
      return { target: target ?? refuseEscape(entry) };
    }
    case "link":
      return { target: inside("", entry.linkPath) ?? refuseEscape(entry) };
    default:
      return { oddity: `a ${entry.type}` };
  }
}

const dirOf = (name: ByteString): ByteString => name.slice(0, Math.max(0, name.lastIndexOf("/")));

/** Normalises a path relative to the archive's root; undefined if it leads out. */
function inside(dir: ByteString, path: ByteString): ByteString | undefined {
  const names: ByteString[] = [];
  for (const name of `${dir}/${path}`.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names.join("/");
}

function refuseEscape({ path, type, linkPath }: TarEntry): never {
  const link = type === "symlink" || type === "link" ? ` (a link to ${quoted(linkPath)})` : "";
  throw invalid(`its member ${quoted(path)}${link} leads out of it`);
}

const invalid = (why: string): TsdError => new TsdError("archive_invalid", `Cannot load the archive: ${why}`);
