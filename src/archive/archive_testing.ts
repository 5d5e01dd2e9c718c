/** For tests only: creates trees of files and lists their content. */
import { AT, cBytes, cString, dirs, files, metadata, O, OwnedFd, S, tree } from "../sys/mod.ts";
import { watchDescriptors } from "../sys/descriptor_watch_testing.ts";
import "../sys/preopen_testing.ts";
import { TreeView } from "./tree_view.ts";

/** Wraps a test that needs a temporary directory. Fails if the test leaves a descriptor open. */
export function inDir(body: (dir: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-archive-" }));
    try {
      const allClosed = watchDescriptors();
      await body(dir);
      await allClosed();
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  };
}

/** Returns a view of a directory, which the caller disposes of. */
export function viewOf(dir: string, options: { readOnly?: boolean } = {}): TreeView {
  return new TreeView(openDir(dir), options);
}

export const openDir = (path: string): OwnedFd => new OwnedFd(files.open(cString(path), O.PATH | O.DIRECTORY));

/** Files by path: text, a directory (null), a symbolic link, or a FIFO. */
export type Contents = Readonly<Record<string, string | null | { readonly to: string } | { readonly pipe: true }>>;

export function make(dir: string, contents: Contents): void {
  for (const [name, content] of Object.entries(contents)) {
    const path = `${dir}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (content === null) Deno.mkdirSync(path, { recursive: true });
    else if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else if ("to" in content) Deno.symlinkSync(content.to, path);
    else tree.mkfifoat(AT.FDCWD, cString(path), 0o600);
  }
}

/** Lists everything in a directory, one line each: `f 644 path content`, `d 755 path/`, `l path -> target`. */
export function listing(dir: string): string[] {
  const lines: string[] = [];
  const visit = (fd: number, prefix: string) => {
    const names = dirs.readDir(fd).map(({ name }) => name).sort((a, b) => a < b ? -1 : 1);
    for (const name of names) {
      const { mode } = metadata.statx(fd, cBytes(name), AT.SYMLINK_NOFOLLOW);
      const bits = (mode & 0o7777).toString(8);
      const path = prefix + name;
      switch (mode & S.IFMT) {
        case S.IFDIR: {
          lines.push(`d ${bits} ${path}/`);
          using inner = new OwnedFd(files.openat(fd, cBytes(name), O.RDONLY | O.DIRECTORY));
          visit(inner.fd, `${path}/`);
          break;
        }
        case S.IFREG: {
          const text = Deno.readTextFileSync(`/proc/self/fd/${fd}/${name}`);
          lines.push(`f ${bits} ${path} ${text.length > 40 ? `${text.length} characters` : text}`.trimEnd());
          break;
        }
        case S.IFLNK:
          lines.push(`l ${path} -> ${new TextDecoder().decode(tree.readlinkat(fd, cBytes(name)))}`);
          break;
        default:
          lines.push(`${(mode & S.IFMT).toString(8)} ${bits} ${path}`);
      }
    }
  };
  using root = new OwnedFd(files.open(cString(dir), O.RDONLY | O.DIRECTORY));
  visit(root.fd, "");
  return lines;
}
