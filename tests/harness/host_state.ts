/**
 * The host's mounts, network namespaces, cgroups and interfaces, and one process's resources. Read from /proc and /sys.
 */

export interface Mount {
  readonly point: string;
  readonly type: string;
  readonly source: string;
}

/** The resources of one process. */
export interface ProcessState {
  readonly pid: number;
  /** The target of each descriptor, sorted. */
  readonly descriptors: readonly string[];
  /** Children that have exited and were not reaped. */
  readonly zombies: number;
  readonly children: number;
  /** Anonymous memory (RssAnon). */
  readonly memoryBytes: number;
}

export interface HostSnapshot {
  /** "point type", sorted. */
  readonly mounts: readonly string[];
  /** "net:[inode]" of every process and every bind mount. */
  readonly networkNamespaces: readonly string[];
  /** Directories below /sys/fs/cgroup that tsd created. */
  readonly cgroups: readonly string[];
  readonly interfaces: readonly string[];
  readonly process?: ProcessState;
}

/** @param pid a process to include, such as the engine's */
export async function hostSnapshot(pid?: number): Promise<HostSnapshot> {
  const mounts = await mountTable();
  return {
    mounts: mounts.map(({ point, type }) => `${point} ${type}`).sort(),
    networkNamespaces: await networkNamespaces(mounts),
    cgroups: await cgroupDirs(/^tsd/),
    interfaces: (await names("/sys/class/net")).sort(),
    ...pid === undefined ? {} : { process: await processState(pid) },
  };
}

/** Returns the differences, one line each; of the process only zombies and new descriptors. */
export function snapshotChanges(before: HostSnapshot, after: HostSnapshot): string[] {
  const changes: string[] = [];
  for (const kind of ["mounts", "networkNamespaces", "cgroups", "interfaces"] as const) {
    changes.push(...added(before[kind], after[kind]).map((item) => `${kind}: ${item} is new`));
    changes.push(...added(after[kind], before[kind]).map((item) => `${kind}: ${item} is gone`));
  }
  if (!before.process || !after.process) return changes;
  const zombies = after.process.zombies - before.process.zombies;
  if (zombies > 0) changes.push(`process: ${zombies} more zombies`);
  const fresh = added(before.process.descriptors.map(generic), after.process.descriptors.map(generic));
  return [...changes, ...fresh.map((target) => `process: a descriptor of ${target} is new`)];
}

/** Reads the mount table of this process. */
export async function mountTable(): Promise<Mount[]> {
  const text = await Deno.readTextFile("/proc/self/mountinfo");
  return text.trimEnd().split("\n").map((line) => {
    const [left = "", right = ""] = line.split(" - ");
    const [, , , root = "", point = ""] = left.split(" ");
    const [type = ""] = right.split(" ");
    return { point: unescaped(point), type, source: unescaped(root) };
  });
}

/** Lists all visible processes. */
export async function processIds(): Promise<number[]> {
  return (await names("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
}

/**
 * Returns cgroup directories with a matching name, in any hierarchy, at most two levels below its root; deepest first.
 */
export async function cgroupDirs(name: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const hierarchy of ["", ...await names("/sys/fs/cgroup")]) {
    const top = hierarchy === "" ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${hierarchy}`;
    for (const child of await names(top)) {
      if (!name.test(child)) continue;
      const inner = await dirsIn(`${top}/${child}`);
      found.push(...inner.map((dir) => `${top}/${child}/${dir}`), `${top}/${child}`);
    }
  }
  return [...new Set(found)];
}

/** Returns a process's resources. @throws Error if it has exited */
export async function processState(pid: number): Promise<ProcessState> {
  const status = await readOrNothing(`/proc/${pid}/status`);
  if (status === undefined) throw new Error(`Process ${pid} is gone`);
  const children = await childrenOf(pid);
  const [, kibibytes = "0"] = /^RssAnon:\s+(\d+) kB/m.exec(status) ?? [];
  return {
    pid,
    descriptors: await descriptorsOf(pid),
    zombies: children.filter(({ state }) => state === "Z").length,
    children: children.length,
    memoryBytes: Number(kibibytes) * 1024,
  };
}

/**
 * Returns the targets of a process's descriptors; none if it has exited. Detached mounts have the target "/" and are
 * left out: an engine keeps one for each layer that it has used.
 */
export async function descriptorsOf(pid: number): Promise<string[]> {
  const targets: string[] = [];
  for (const name of await names(`/proc/${pid}/fd`)) {
    const target = await linkOrNothing(`/proc/${pid}/fd/${name}`);
    if (target !== undefined && target !== "/") targets.push(target);
  }
  return targets.sort();
}

async function childrenOf(pid: number): Promise<{ pid: number; state: string }[]> {
  const children: { pid: number; state: string }[] = [];
  for (const child of await processIds()) {
    const stat = await readOrNothing(`/proc/${child}/stat`);
    const [, state = "", parent = ""] = /^.*\) (\S) (\d+) /s.exec(stat ?? "") ?? [];
    if (Number(parent) === pid) children.push({ pid: child, state });
  }
  return children;
}

async function networkNamespaces(mounts: readonly Mount[]): Promise<string[]> {
  const found = new Set(mounts.filter(({ type }) => type === "nsfs").map(({ source }) => source));
  for (const pid of await processIds()) {
    const target = await linkOrNothing(`/proc/${pid}/ns/net`);
    if (target) found.add(target);
  }
  return [...found].filter((name) => name.startsWith("net:")).sort();
}

/** Returns the names of a directory's entries; none if it is missing. */
async function names(dir: string): Promise<string[]> {
  return await orNothing(() => Array.fromAsync(Deno.readDir(dir), (entry) => entry.name)) ?? [];
}

async function dirsIn(dir: string): Promise<string[]> {
  const entries = await orNothing(() => Array.fromAsync(Deno.readDir(dir))) ?? [];
  return entries.filter((entry) => entry.isDirectory).map((entry) => entry.name);
}

/** Reads a file of /proc; undefined if its process has exited. */
export function readOrNothing(path: string): Promise<string | undefined> {
  return orNothing(() => Deno.readTextFile(path));
}

function linkOrNothing(path: string): Promise<string | undefined> {
  return orNothing(() => Deno.readLink(path));
}

/**
 * Entries of /proc and cgroups may disappear while they are read, and a descriptor of another program may be of a path that
 * is too long to be shown.
 */
async function orNothing<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    const removed = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.PermissionDenied || isErrno(error, ESRCH, ENODEV, ENAMETOOLONG);
    if (removed) return undefined;
    throw error;
  }
}

const ESRCH = 3;
const ENODEV = 19;
const ENAMETOOLONG = 36;

/** Where Deno has no class for an error, only the message has its number. */
function isErrno(error: unknown, ...numbers: number[]): boolean {
  if (!(error instanceof Error)) return false;
  return numbers.includes(Number(/\(os error (\d+)\)/.exec(error.message)?.[1]));
}

/** Returns the items of `after` that are missing in `before`, with multiplicity. */
function added(before: readonly string[], after: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const item of before) counts.set(item, (counts.get(item) ?? 0) + 1);
  return after.filter((item) => {
    const left = counts.get(item) ?? 0;
    counts.set(item, left - 1);
    return left <= 0;
  });
}

/** "socket:[123]" → "socket": the numbers differ each time. */
const generic = (target: string): string => target.replace(/^(socket|pipe|anon_inode):.*$/, "$1");
const unescaped = (field: string): string => (
  field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))
);
