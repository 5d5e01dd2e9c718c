/**
 * @module
 * Options of Docker's driver `local`: `type`, `o` and `device` say what is mounted where the volume's files are, as
 * mount(8) would be told. What would hold up the whole engine while a server doesn't answer is refused.
 */
import { TsdError } from "../../errors.ts";
import { MS } from "../../sys/mod.ts";

type Options = Readonly<Record<string, string>>;

/** Each option that there is, and those that it needs. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  type: ["device"],
  device: ["type"],
  o: ["device", "type"],
  size: [],
};

const NETWORK_TYPES: ReadonlySet<string> = new Set(["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs"]);

/** Words of mount(8) that are flags of mount(2): those that they set, or take away. */
const SET: Readonly<Record<string, number>> = {
  defaults: 0,
  ro: MS.RDONLY,
  nosuid: MS.NOSUID,
  nodev: MS.NODEV,
  noexec: MS.NOEXEC,
  sync: MS.SYNCHRONOUS,
  dirsync: MS.DIRSYNC,
  noatime: MS.NOATIME,
  nodiratime: MS.NODIRATIME,
  relatime: MS.RELATIME,
  strictatime: MS.STRICTATIME,
  bind: MS.BIND,
  rbind: MS.BIND | MS.REC,
};
const UNSET: Readonly<Record<string, number>> = {
  rw: MS.RDONLY,
  suid: MS.NOSUID,
  dev: MS.NODEV,
  exec: MS.NOEXEC,
  async: MS.SYNCHRONOUS,
  atime: MS.NOATIME,
  diratime: MS.NODIRATIME,
  norelatime: MS.RELATIME,
  nostrictatime: MS.STRICTATIME,
};

/** What mount(2) is told. */
export interface LocalMount {
  readonly source: string;
  readonly type: string;
  readonly flags: number;
  readonly data: string;
}

/** @throws {TsdError} invalid_argument, not_implemented; most with Docker's texts */
export function checkLocalOptions(name: string, options: Options): void {
  const refuse = (why: string) => new TsdError("invalid_argument", `create ${name}: ${why}`);
  for (const option of Object.keys(options)) {
    const needed = Object.hasOwn(NEEDED, option) ? NEEDED[option] : undefined;
    if (needed === undefined) throw refuse(`invalid option: ${JSON.stringify(option)}`);
    const missing = needed.find((other) => !Object.hasOwn(options, other));
    if (missing !== undefined) throw refuse(`missing required option: ${JSON.stringify(missing)}`);
  }
  if (options.size !== undefined) throw refuse("quota size requested but no quota support");
  if (NETWORK_TYPES.has(options.type ?? "")) {
    const why = `a server that doesn't answer would hold up the engine; mount it on the host and give o=bind`;
    throw new TsdError("not_implemented", `create ${name}: type ${options.type} is not supported: ${why}`);
  }
}

/** What is to be mounted; undefined: the volume's files are in its own folder. */
export function localMount(options: Options | null): LocalMount | undefined {
  const { type, device, o = "" } = options ?? {};
  if (!device || type === undefined) return undefined;
  let flags = 0;
  const data: string[] = [];
  for (const word of o.split(",").filter((each) => each !== "")) {
    if (Object.hasOwn(SET, word)) flags |= SET[word]!;
    else if (Object.hasOwn(UNSET, word)) flags &= ~UNSET[word]!;
    else data.push(word);
  }
  return { source: device, type, flags, data: data.join(",") };
}
