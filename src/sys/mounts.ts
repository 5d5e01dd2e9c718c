/**
 * @module
 * Mounts: mount(2) and umount2(2), and the calls that build a mount from a file-system context (fsopen(2) and its
 * family, Linux 5.2). The messages in a context's log become part of the error's message.
 */
import { ARCH } from "./arch.ts";
import { checked, failed } from "./check.ts";
import { cString } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { files } from "./files.ts";
import { AT, MOVE_MOUNT, OPEN_TREE } from "./flags.ts";
import { errno, libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";

/** One step of configuring a context: an option, or the command that applies the options. */
export type FsSetting =
  | { readonly kind: "string"; readonly key: string; readonly value: string }
  | { readonly kind: "flag"; readonly key: string }
  | { readonly kind: "fd"; readonly key: string; readonly fd: number }
  | { readonly kind: "create" | "reconfigure" };

/** Arguments of mount(2). Use paths that no container can change, or `/proc/self/fd/N`. */
export interface MountRequest {
  readonly source?: string;
  readonly target: string;
  readonly type?: string;
  /** `MS` flags. */
  readonly flags?: number;
  /** Options of the file system, at most a page. */
  readonly data?: string;
}

/** Source and target of move_mount(2): an empty path means the descriptor itself. */
export interface MountMove {
  readonly fromFd: number;
  readonly fromPath?: string;
  readonly toFd?: number;
  readonly toPath?: string;
}

/**
 * Calls on mounts. Every call throws {@link SysError}. Descriptors have close-on-exec and are the caller's to close.
 */
export interface MountCalls {
  mount(request: MountRequest): void;
  /** Calls umount2(2) with `MNT` flags. */
  umount2(target: string, flags?: number): void;
  /** Opens a context for a file-system type. ENODEV: unknown type. */
  fsopen(type: string): number;
  /** Configures a context. The kernel takes strings of up to 255 bytes; longer ones fail with EINVAL and the reason. */
  fsconfig(contextFd: number, setting: FsSetting): void;
  /**
   * Creates a detached mount from a configured context. It is unmounted when its last descriptor is closed.
   * @param attributes `MOUNT_ATTR` flags
   */
  fsmount(contextFd: number, attributes?: number): number;
  /** Attaches a detached mount, or moves one. */
  moveMount(move: MountMove): void;
  /** Returns a descriptor of the mount at `path`; `OPEN_TREE.CLONE` makes a detached bind mount of it. */
  openTree(dirFd: number, path: string, flags?: number): number;
}

const FSOPEN_CLOEXEC = 1n;
const FSMOUNT_CLOEXEC = 1n;
/** The commands of fsconfig(2) behind each kind of {@link FsSetting}. */
export const FSCONFIG = { flag: 0n, string: 1n, fd: 5n, create: 6n, reconfigure: 7n } as const;
const FSCONFIG_STRING_MAX_BYTES = 255;
const LOG_MESSAGE_MAX_BYTES = 4096;
const decoder = new TextDecoder();

/** Reads the log of a context: each read returns one message, prefixed with its level, such as `e `. */
function contextLog(contextFd: number): string {
  const lines: string[] = [];
  const buffer = new Uint8Array(LOG_MESSAGE_MAX_BYTES);
  for (;;) {
    // SAFETY: the length is that of the buffer. An empty log gives ENODATA, which ends the loop as any failure does:
    // the reader is about to throw the error that matters.
    const length = Number(libc.read(contextFd, buffer, BigInt(buffer.length)));
    if (length <= 0) return lines.join("; ");
    lines.push(decoder.decode(buffer.subarray(0, length)).trim().replace(/^[ewi] /, ""));
  }
}

function fsconfig(contextFd: number, setting: FsSetting): void {
  const key = "key" in setting ? cString(setting.key) : null;
  const value = setting.kind === "string" ? cString(setting.value) : null;
  const subject = settingText(setting);
  if (value !== null && value.length - 1 > FSCONFIG_STRING_MAX_BYTES) {
    failed(errnoOf("EINVAL"), "fsconfig", subject, `${value.length - 1} bytes, the kernel takes at most 255`);
  }
  const auxiliary = setting.kind === "fd" ? BigInt(setting.fd) : 0n;
  // SAFETY: key and value end with NUL or are NULL, as the command asks; the kernel copies them.
  const result = libc.sysFsconfig(
    ARCH.syscalls.fsconfig,
    BigInt(contextFd),
    FSCONFIG[setting.kind],
    key,
    value,
    auxiliary,
  );
  if (result < 0n) failed(errno(), "fsconfig", subject, contextLog(contextFd));
}

function settingText(setting: FsSetting): string {
  if (setting.kind === "string") return `${setting.key}=${setting.value}`;
  if (setting.kind === "fd") return `${setting.key}=fd ${setting.fd}`;
  return setting.kind === "flag" ? setting.key : setting.kind;
}

function moveMount({ fromFd, fromPath = "", toFd = AT.FDCWD, toPath = "" }: MountMove): void {
  const flags = (fromPath === "" ? MOVE_MOUNT.F_EMPTY_PATH : 0) | (toPath === "" ? MOVE_MOUNT.T_EMPTY_PATH : 0);
  checked(
    // SAFETY: both paths end with NUL and are not kept.
    libc.sysMoveMount(
      ARCH.syscalls.moveMount,
      BigInt(fromFd),
      cString(fromPath),
      BigInt(toFd),
      cString(toPath),
      BigInt(flags),
    ),
    "move_mount",
    toPath === "" ? toFd : toPath,
  );
}

/** The real {@link MountCalls}. */
export const mounts: MountCalls = {
  mount({ source = "none", target, type, flags = 0, data }) {
    const typeName = type === undefined ? null : cString(type);
    const options = data === undefined ? null : cString(data);
    // SAFETY: every string ends with NUL or is NULL; the kernel copies them.
    const result = libc.mount(cString(source), cString(target), typeName, BigInt(flags >>> 0), options);
    checked(result, "mount", type === undefined ? target : `${type} on ${target}`);
  },
  umount2(target, flags = 0) {
    // SAFETY: the path ends with NUL and is not kept.
    checked(libc.umount2(cString(target), flags), "umount2", target);
  },
  fsopen(type) {
    // SAFETY: the name ends with NUL and is not kept.
    return checked(libc.sysFsopen(ARCH.syscalls.fsopen, cString(type), FSOPEN_CLOEXEC), "fsopen", type);
  },
  fsconfig,
  fsmount(contextFd, attributes = 0) {
    // SAFETY: no memory is passed.
    const fd = libc.sysFsmount(ARCH.syscalls.fsmount, BigInt(contextFd), FSMOUNT_CLOEXEC, BigInt(attributes));
    return fd < 0n ? failed(errno(), "fsmount", contextFd, contextLog(contextFd)) : Number(fd);
  },
  moveMount,
  openTree(dirFd, path, flags = 0) {
    const all = BigInt((flags | OPEN_TREE.CLOEXEC | (path === "" ? AT.EMPTY_PATH : 0)) >>> 0);
    // SAFETY: the path ends with NUL and is not kept.
    return checked(libc.sysOpenTree(ARCH.syscalls.openTree, BigInt(dirFd), cString(path), all), "open_tree", path);
  },
};

/** A new mount, as by `mount -t TYPE -o OPTIONS`. */
export interface NewMount {
  readonly type: string;
  /** In order; a key may occur more than once (`lowerdir+`). A descriptor is passed as such. */
  readonly options?: Iterable<readonly [key: string, value: string | { readonly fd: number }]>;
  /** Options without a value, such as `ro`. */
  readonly flags?: Iterable<string>;
  /** `MOUNT_ATTR` flags of the mount itself. */
  readonly attributes?: number;
}

/**
 * Creates a detached mount. It is in no mount table, and is unmounted when the descriptor is closed unless it is
 * attached.
 * @throws {SysError} with the kernel's message about the option that it rejected
 */
export function newMount(
  { type, options = [], flags = [], attributes = 0 }: NewMount,
  calls: MountCalls = mounts,
  closer: Pick<typeof files, "close"> = files,
): OwnedFd {
  using context = new OwnedFd(calls.fsopen(type), closer);
  for (const [key, value] of options) {
    calls.fsconfig(
      context.fd,
      typeof value === "string" ? { kind: "string", key, value } : { kind: "fd", key, fd: value.fd },
    );
  }
  for (const key of flags) calls.fsconfig(context.fd, { kind: "flag", key });
  calls.fsconfig(context.fd, { kind: "create" });
  return new OwnedFd(calls.fsmount(context.fd, attributes), closer);
}

/**
 * Attaches a detached mount to a path, or to the directory that a descriptor refers to. The mount's descriptor stays
 * open: close it, as it keeps the mount busy (unmounting fails with EBUSY, unless with `MNT.DETACH`).
 */
export function attach(
  mount: { readonly fd: number },
  target: string | { readonly fd: number },
  calls: MountCalls = mounts,
): void {
  const to = typeof target === "string" ? { toPath: target } : { toFd: target.fd };
  calls.moveMount({ fromFd: mount.fd, ...to });
}
