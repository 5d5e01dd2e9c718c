/**
 * @module
 * Resolves `USER`, `--user` and `--group-add` to ids with the container's passwd and group files (passwd(5), group(5)).
 * The files come from the image and are untrusted: invalid lines are ignored, and no file is read into memory whole.
 */
import { TsdError } from "../../errors.ts";
import type { ProcessUser } from "./input.ts";

/** The account files of a root filesystem, as chunks of bytes. A missing file is empty. Each can be read repeatedly. */
export interface AccountFiles {
  passwd(): Iterable<Uint8Array>;
  group(): Iterable<Uint8Array>;
}

/** The user that a process runs as. */
export interface ResolvedUser {
  /** The supplementary groups start with the primary group and contain no duplicates. */
  readonly user: ProcessUser;
  /** Home directory; `/` for an id without an entry. */
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
/** NGROUPS_MAX, the maximum for setgroups(2). */
const MAX_GROUPS = 65_536;
/** Longer lines are ignored, which bounds the memory used. No legitimate account has such a line. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * Resolves `name|uid[:group|gid]`; the empty string is root. A number is always an id, never a name, and needs no
 * entry.
 *
 * @throws {TsdError} user_unknown with Docker's text for a name or group without an entry, or an id out of range
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

/** Parses an id; undefined for a name. @throws {TsdError} user_unknown, if it is out of range */
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

/** Yields lines, trimmed. Empty and overlong lines are skipped. */
function* lines(chunks: Iterable<Uint8Array>): Generator<string> {
  const decoder = new TextDecoder();
  let pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const finish = (): string => {
    const line = sizeBytes > MAX_LINE_BYTES ? "" : decoder.decode(concatenated(pieces, sizeBytes)).trim();
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
    // Copied, because the reader may reuse the memory of the chunk.
    add(chunk.slice(start));
  }
  const line = finish();
  if (line !== "") yield line;
}

function concatenated(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}
