/**
 * @module
 * An in-memory model of one layer, built while its tar is streamed (OCI image-spec v1.1, layer.md). Every storage
 * driver writes what this tree contains, so that drivers behave the same and malicious entries are rejected in one
 * place. It does not access the file system.
 *
 * Rules: names are normalised and never lead out of the layer. Missing parents get mode 0755, owner 0:0 and time 0.
 * Symbolic links in an entry's parent path are followed inside the layer only; never for whiteouts and never for
 * targets of hard links. The last component is never followed. Of entries with the same name, the last one wins; a
 * directory that replaces a directory keeps its children. A whiteout hides the name in lower layers only and nothing of
 * its own layer, wherever it is in the tar.
 */
import { TsdError } from "../errors.ts";
import { type ByteString, quoted, type TarEntry } from "../tar/mod.ts";
import {
  type Attributes,
  DirectoryNode,
  FileNode,
  type LayerNode,
  SpecialNode,
  SymlinkNode,
  type TreeChange,
  type TreeStep,
} from "./layer_tree_nodes.ts";
import {
  allowedXattrs,
  isBookkeepingDir,
  PATH_MAX_BYTES,
  refuseEntry,
  roleOf,
  splitPath,
  xattrBytes,
} from "./layer_tree_path.ts";

export * from "./layer_tree_nodes.ts";

/** Maximum number of symbolic links that Linux follows in one path (MAXSYMLINKS). */
const SYMLINKS_MAX = 40;
/** Maximum total size of a layer's xattrs, in bytes: all of them are kept in memory. */
const XATTRS_MAX_BYTES = 64 << 20;
const NOTHING: TreeChange = { steps: [], file: undefined };

/** An entry with a valid name. */
interface ValidEntry {
  readonly entry: TarEntry;
  readonly dirs: readonly ByteString[];
  readonly name: ByteString;
}

/** The location of a hard link's target. */
interface LinkTarget {
  readonly parent: DirectoryNode;
  readonly name: ByteString;
  readonly node: LayerNode;
}

export class LayerTree {
  readonly root: DirectoryNode = new DirectoryNode(null, "");
  readonly #entriesMax: number;
  #entries = 0;
  #completed = 0;
  #contentBytes = 0;
  #extents = 0;
  #xattrBytes = 0;

  /** @param limits `entries`: maximum number of entries, completed parent directories and sparse extents together */
  constructor(limits: { readonly entries: number } = { entries: Infinity }) {
    this.#entriesMax = limits.entries;
  }

  /** Number of entries so far. */
  get entries(): number {
    return this.#entries;
  }

  /** Total size of all files so far, including those that were replaced. */
  get contentBytes(): number {
    return this.#contentBytes;
  }

  /**
   * Adds the next entry of the tar and returns the steps for a writer. The tree is unusable after it has thrown.
   * @throws {TsdError} layer_invalid: a malicious or impossible entry; layer_too_large: too many entries
   */
  add(entry: TarEntry): TreeChange {
    this.#entries++;
    this.#extents += entry.sparse?.length ?? 0;
    this.#checkCount();
    // Many entries may share the xattrs of one global header; each stores them.
    this.#xattrBytes += xattrBytes(entry.xattrs);
    if (this.#xattrBytes > XATTRS_MAX_BYTES) {
      throw new TsdError("layer_too_large", `The layer has more than ${XATTRS_MAX_BYTES} bytes of extended attributes`);
    }
    this.#contentBytes += entry.sizeBytes;
    const dirs = splitPath(entry.path);
    const name = dirs.pop();
    if (name === undefined) return this.#addRoot(entry);
    if (dirs.some((dir) => isBookkeepingDir(dir, entry.path))) return NOTHING;
    const role = roleOf(name, entry.path);
    switch (role.kind) {
      case "bookkeeping":
        return NOTHING;
      case "opaque":
        return this.#addOpaque({ entry, dirs, name });
      case "whiteout":
        return this.#addWhiteout({ entry, dirs, name: role.target });
      case "plain":
        return this.#addPlain({ entry, dirs, name });
    }
  }

  /** Yields every directory, children before their parents, the root last. */
  *dirsUpwards(): Generator<DirectoryNode> {
    const open = [{ dir: this.root, rest: this.root.children.values() }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const { value: child, done } = top.rest.next();
      if (done) yield open.pop()!.dir;
      else if (child.kind === "directory") open.push({ dir: child, rest: child.children.values() });
    }
  }

  #addRoot(entry: TarEntry): TreeChange {
    if (entry.type !== "directory") refuseEntry(entry.path, "replaces the layer's root");
    setAttributes(this.root, attributesOf(entry));
    return NOTHING;
  }

  #addOpaque({ entry, dirs }: ValidEntry): TreeChange {
    const steps: TreeStep[] = [];
    this.#enter(dirs, entry, steps, { follow: false }).hasOpaqueMarker = true;
    return { steps, file: undefined };
  }

  #addWhiteout({ entry, dirs, name }: ValidEntry): TreeChange {
    const steps: TreeStep[] = [];
    const parent = this.#enter(dirs, entry, steps, { follow: false });
    const existing = parent.children.get(name);
    if (existing === undefined) {
      const node = new SpecialNode(parent, name, { ...attributesOf(entry), mode: 0, xattrs: new Map() }, "whiteout");
      checkPath(node, entry);
      parent.put(name, node);
      steps.push({ do: "create", node });
    } else {
      existing.hidesLower = true;
    }
    return { steps, file: undefined };
  }

  #addPlain(validEntry: ValidEntry): TreeChange {
    const { entry, dirs, name } = validEntry;
    const steps: TreeStep[] = [];
    const target = entry.type === "link" ? this.#find(entry) : undefined;
    const parent = this.#enter(dirs, entry, steps, { follow: true });
    const old = parent.children.get(name);
    if (target !== undefined) return this.#addLink(validEntry, parent, target, steps);
    if (old?.kind === "directory" && entry.type === "directory") {
      setAttributes(old, attributesOf(entry));
      return { steps, file: undefined };
    }
    const node = nodeOf(entry, parent, name);
    checkPath(node, entry);
    if (old !== undefined) this.#remove(parent, name, old, steps);
    node.hidesLower = isHiding(old);
    parent.put(name, node);
    steps.push({ do: "create", node });
    return { steps, file: node.kind === "file" ? node : undefined };
  }

  #addLink({ entry, name }: ValidEntry, parent: DirectoryNode, target: LinkTarget, steps: TreeStep[]): TreeChange {
    const old = parent.children.get(name);
    if (parent === target.parent && name === target.name) refuseEntry(entry.path, "is a hard link to itself");
    if (old === target.node) return { steps, file: undefined };
    for (let at: DirectoryNode | null = target.parent; at !== null; at = at.parent) {
      if (at === old) refuseEntry(entry.path, "replaces the folder of its own hard link's target");
    }
    const node = target.node as FileNode | SymlinkNode | SpecialNode;
    if (old !== undefined) this.#remove(parent, name, old, steps);
    if (isHiding(old)) node.hidesLower = true;
    node.links++;
    parent.put(name, node);
    steps.push({ do: "link", parent, name, target: node, targetParent: target.parent, targetName: target.name });
    return { steps, file: undefined };
  }

  /** Finds the target of a hard link, which must already be in the layer and not behind a symbolic link. */
  #find(entry: TarEntry): LinkTarget {
    const components = splitPath(entry.linkPath, entry.path);
    const name = components.pop();
    let parent: LayerNode | undefined = this.root;
    for (const component of components) {
      parent = parent?.kind === "directory" ? parent.children.get(component) : undefined;
    }
    const node = parent?.kind === "directory" && name !== undefined ? parent.children.get(name) : undefined;
    if (node === undefined || node.kind === "whiteout") {
      return refuseEntry(entry.path, `is a hard link to ${quoted(entry.linkPath)}, which isn't in the layer`);
    }
    if (node.kind === "directory") refuseEntry(entry.path, "is a hard link to a folder");
    return { parent: parent as DirectoryNode, name: name!, node };
  }

  /** Resolves `path` to a directory and creates missing parents. */
  #enter(path: readonly ByteString[], entry: TarEntry, steps: TreeStep[], options: { follow: boolean }): DirectoryNode {
    let dir = this.root;
    const pending = path.toReversed();
    for (let followed = 0; pending.length > 0;) {
      const name = pending.pop()!;
      const child = dir.children.get(name);
      if (name === "..") dir = dir.parent ?? dir;
      else if (child === undefined || child.kind === "whiteout") dir = this.#complete(dir, name, entry, steps);
      else if (child.kind === "directory") dir = child;
      else if (child.kind !== "symlink") refuseEntry(entry.path, "stands below something that is no folder");
      else {
        if (!options.follow) refuseEntry(entry.path, "is a whiteout behind a symbolic link");
        if (++followed > SYMLINKS_MAX) refuseEntry(entry.path, "stands behind too many symbolic links");
        if (child.target.startsWith("/")) dir = this.root;
        const parts = child.target.split("/").filter((part) => part !== "" && part !== ".");
        if (pending.length + parts.length > PATH_MAX_BYTES) refuseEntry(entry.path, "leads to a path that is too long");
        pending.push(...parts.reverse());
      }
    }
    return dir;
  }

  #complete(parent: DirectoryNode, name: ByteString, entry: TarEntry, steps: TreeStep[]): DirectoryNode {
    this.#completed++;
    this.#checkCount();
    // Names from the tar were checked before; this one may come from the target of a symbolic link.
    if (roleOf(name, entry.path).kind !== "plain") refuseEntry(entry.path, "stands below a whiteout");
    const old = parent.children.get(name);
    const dir = new DirectoryNode(parent, name);
    checkPath(dir, entry);
    if (old !== undefined) this.#remove(parent, name, old, steps);
    dir.hidesLower = isHiding(old);
    parent.put(name, dir);
    steps.push({ do: "create", node: dir });
    return dir;
  }

  #remove(parent: DirectoryNode, name: ByteString, node: LayerNode, steps: TreeStep[]): void {
    steps.push({ do: "remove", parent, name, node });
    const removed: LayerNode[] = [node];
    for (let at = removed.pop(); at !== undefined; at = removed.pop()) {
      if (at.kind !== "directory") at.links--;
      else for (const child of at.children.values()) removed.push(child);
    }
  }

  #checkCount(): void {
    if (this.#entries + this.#completed + this.#extents <= this.#entriesMax) return;
    throw new TsdError("layer_too_large", `The layer has more than ${this.#entriesMax} entries`);
  }
}

function attributesOf({ path, mode, uid, gid, mtimeSeconds, mtimeNanos, xattrs }: TarEntry): Attributes {
  return { mode, uid, gid, mtimeSeconds, mtimeNanos, xattrs: allowedXattrs(xattrs, path) };
}

function setAttributes(node: LayerNode, attributes: Attributes): void {
  Object.assign(node, attributes);
}

function isHiding(old: LayerNode | undefined): boolean {
  return old !== undefined && (old.hidesLower || old.kind === "whiteout");
}

function checkPath(node: LayerNode, entry: TarEntry): void {
  if (node.parent!.pathBytes + 1 + node.name.length > PATH_MAX_BYTES || node.name.length > 255) {
    refuseEntry(entry.path, "leads to a path that is too long");
  }
}

function nodeOf(entry: TarEntry, parent: DirectoryNode, name: ByteString): LayerNode {
  const attributes = attributesOf(entry);
  switch (entry.type) {
    case "directory":
      return new DirectoryNode(parent, name, attributes);
    case "symlink":
      if (entry.linkPath === "" || entry.linkPath.length > PATH_MAX_BYTES) {
        refuseEntry(entry.path, "is a symbolic link that Linux can't hold");
      }
      return new SymlinkNode(parent, name, attributes, entry.linkPath);
    case "character":
    case "block":
      // Overlayfs treats 0:0 as a whiteout, which only a `.wh.` name may create.
      if (entry.deviceMajor === 0 && entry.deviceMinor === 0) refuseEntry(entry.path, "is the device 0:0");
      return new SpecialNode(parent, name, attributes, entry.type, entry.deviceMajor, entry.deviceMinor);
    case "fifo":
      return new SpecialNode(parent, name, attributes, "fifo");
    default:
      return new FileNode(parent, name, attributes, entry);
  }
}
