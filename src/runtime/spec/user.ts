/**
 * @module
 * `USER`, `--user` and `--group-add` as ids, from the text of the container's own passwd and group files (passwd(5),
 * group(5)). The files belong to the image: lines that make no sense name nobody, and nothing is read into memory whole.
 */
import { TsdError } from "../../errors.ts";
import type { ProcessUser } from "./input.ts";

/** The account files of a root file system, as chunks of bytes; a missing file is empty. Each may be read again. */
export interface AccountFiles {
  passwd(): Iterable<Uint8Array>;
  group(): Iterable<Uint8Array>;
}

/** Who a process runs as. */
export interface ResolvedUser {
  /** Its supplementary groups start with its own group; each is there once. */
  readonly user: ProcessUser;
  /** Home folder, `/` for an id without an entry. */
  readonly home: string;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const MAX_ID = 2 ** 31 - 1;
/** NGROUPS_MAX: what setgroups(2) takes. */
const MAX_GROUPS = 65_536;
/** Longer lines belong to no account that anyone made on purpose; it bounds what is held at a time. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * Resolves `name|uid[:group|gid]`; the empty text is root. A number is always an id, never a name, and needs no entry.
 *
 * @throws user_unknown with Docker's text for a name or group without an entry, or an id out of range
 */
export function resolveUser(spec: string, files: AccountFiles, groupAdd: readonly string[] = []): ResolvedUser {
  const [userPart, groupPart = ""] = spec.split(":");
  const account = findAccount(userPart, files);
  const memberships = groupPart === "" && account.name !== "" ? groupsOf(account.name, files) : [];
  const gid = groupPart === "" ? account.gid : findGroup(groupPart, files, "unable to find group");
  const added = groupAdd.map((name) => findGroup(name, files, "Unable to find group"));
  const additionalGids = [...new Set([gid, ...memberships, ...added])];
  if (additionalGids.length > MAX_GROUPS) {
    throw new TsdError("user_unknown", `unable to use user ${spec}: it is in more than ${MAX_GROUPS} groups`);
  }
  return { user: { uid: account.uid, gid, additionalGids }, home: account.home };
}

function findAccount(part: string, files: AccountFiles): Account {
  const uid = part === "" ? 0 : asId(part);
  for (const account of accounts(files)) {
    if (uid === undefined ? account.name === part : account.uid === uid) return account;
  }
  if (uid === undefined) {
    throw new TsdError("user_unknown", `unable to find user ${part}: no matching entries in passwd file`);
  }
  return { name: "", uid, gid: 0, home: "/" };
}

function findGroup(part: string, files: AccountFiles, failure: string): number {
  const gid = asId(part);
  if (gid !== undefined) return gid;
  for (const group of groups(files)) {
    if (group.name === part) return group.gid;
  }
  throw new TsdError("user_unknown", `${failure} ${part}: no matching entries in group file`);
}

function groupsOf(name: string, files: AccountFiles): number[] {
  const found: number[] = [];
  for (const group of groups(files)) {
    if (!group.members.includes(name)) continue;
    found.push(group.gid);
    if (found.length > MAX_GROUPS) break;
  }
  return found;
}

/** An id from digits, undefined for a name. @throws user_unknown out of range */
function asId(part: string): number | undefined {
  if (!/^[+-]?\d+$/.test(part)) return undefined;
  const id = Number(part);
  if (id >= 0 && id <= MAX_ID) return id;
  throw new TsdError("user_unknown", `uids and gids must be in range 0-${MAX_ID}`);
}

function* accounts(files: AccountFiles): Generator<Account> {
  for (const line of lines(files.passwd())) {
    const [name, , uid, gid, , home = ""] = line.split(":");
    const ids = [numberOf(uid), numberOf(gid)];
    if (ids[0] === undefined || ids[1] === undefined) continue;
    yield { name, uid: ids[0], gid: ids[1], home: home || "/" };
  }
}

function* groups(files: AccountFiles): Generator<Group> {
  for (const line of lines(files.group())) {
    const [name, , gid, members = ""] = line.split(":");
    const id = numberOf(gid);
    if (id !== undefined) yield { name, gid: id, members: members.split(",") };
  }
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

const NEWLINE = 10;

/** Lines without surrounding blanks; empty and overlong ones are left out. */
function* lines(chunks: Iterable<Uint8Array>): Generator<string> {
  const decoder = new TextDecoder();
  let pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const finish = (): string => {
    const line = sizeBytes > MAX_LINE_BYTES ? "" : decoder.decode(joined(pieces, sizeBytes)).trim();
    pieces = [];
    sizeBytes = 0;
    return line;
  };
  const add = (piece: Uint8Array) => {
    sizeBytes += piece.byteLength;
    if (sizeBytes <= MAX_LINE_BYTES) pieces.push(piece);
    else pieces = [];
  };
  for (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      const line = finish();
      if (line !== "") yield line;
    }
    // The rest outlives the chunk, whose bytes the reader may use again.
    add(chunk.slice(start));
  }
  const line = finish();
  if (line !== "") yield line;
}

function joined(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}
