/** For tests only: changes that containers make to their roots, and the expected `diff` of each. */
import { cBytes, cString, files, O, OwnedFd, tree, xattrs } from "../../sys/mod.ts";
import { rawBlock, rawFile } from "../../tar/tar_testing.ts";

/** One container. */
export interface DiffCase {
  readonly name: string;
  /** Members of each layer's tar, lowest layer first. */
  readonly layers: readonly (readonly Uint8Array[])[];
  /** Makes the changes. `root` has no trailing slash. */
  act(root: string): Promise<void>;
  /** Paths that are not reported as added. */
  readonly assumed?: readonly string[];
  /** The output as `docker diff` shows it. */
  readonly expect: readonly string[];
}

const DIR = { flag: "5", mode: "0000755\0" } as const;
const dir = (name: string) => rawBlock({ name, ...DIR });
/** VFS_CAP_REVISION_2 with no permitted capabilities. */
const NO_CAPABILITIES = new Uint8Array([0, 0, 0, 2, ...new Uint8Array(16)]);

export const DIFF_CASES: readonly DiffCase[] = [
  {
    name: "no changes",
    layers: [[rawFile("f", "1"), rawFile("d/g", "1")]],
    act: () => Promise.resolve(),
    expect: [],
  },
  {
    name: "new, changed and removed files; only their directories count as changed",
    layers: [[rawFile("f", "1"), rawFile("d/g", "1"), rawFile("d/h", "1"), rawFile("e/x", "1"), dir("gone")]],
    async act(root) {
      await Deno.writeTextFile(`${root}/f`, "changed");
      await Deno.remove(`${root}/d/g`);
      await Deno.remove(`${root}/gone`);
      await Deno.mkdir(`${root}/n/o`, { recursive: true });
      await Deno.symlink("nowhere", `${root}/n/o/p`);
      await Deno.writeTextFile(`${root}/n.txt`, "");
    },
    expect: ["C /d", "D /d/g", "C /f", "D /gone", "A /n", "A /n/o", "A /n/o/p", "A /n.txt"],
  },
  {
    name: "modes, owners, times and capabilities; not directory times or opened files",
    layers: [["mode", "owner", "time", "capable", "opened"].map((name) => rawFile(name, name)), [
      dir("d"),
      dir("touched"),
      dir("around"),
      dir("around/d"),
    ]],
    async act(root) {
      await Deno.chmod(`${root}/mode`, 0o600);
      await Deno.chown(`${root}/owner`, 7, 0);
      await Deno.utime(`${root}/time`, 5, 5);
      xattrs.lsetxattr(cString(`${root}/capable`), cString("security.capability"), NO_CAPABILITIES);
      (await Deno.open(`${root}/opened`, { write: true })).close();
      await Deno.chmod(`${root}/d`, 0o700);
      await Deno.utime(`${root}/touched`, 5, 5);
      await Deno.chown(`${root}/around/d`, 0, 7);
    },
    expect: ["C /around", "C /around/d", "C /capable", "C /d", "C /mode", "C /owner", "C /time"],
  },
  {
    name: "a directory replaces a file, a file a directory, a link another link",
    layers: [[rawFile("f", ""), rawFile("d/g", ""), rawBlock({ name: "l", flag: "2", linkName: "a" })]],
    async act(root) {
      await Deno.remove(`${root}/f`);
      await Deno.mkdir(`${root}/f`);
      await Deno.writeTextFile(`${root}/f/in`, "");
      await Deno.remove(`${root}/d`, { recursive: true });
      await Deno.writeTextFile(`${root}/d`, "");
      await Deno.remove(`${root}/l`);
      await Deno.symlink("b", `${root}/l`);
    },
    expect: ["C /d", "C /f", "A /f/in", "C /l"],
  },
  {
    name: "a directory that was removed and recreated",
    layers: [[rawFile("d/a", "1"), rawFile("d/sub/b", "1"), rawFile("d/z", "1")]],
    async act(root) {
      await Deno.remove(`${root}/d`, { recursive: true });
      await Deno.mkdir(`${root}/d`, { mode: 0o755 });
      await Deno.writeTextFile(`${root}/d/m`, "");
      await Deno.writeTextFile(`${root}/d/a`, "other");
    },
    expect: ["C /d", "C /d/a", "A /d/m", "D /d/sub", "D /d/z"],
  },
  {
    name: "several layers: what an upper layer removed counts as new",
    layers: [
      [rawFile("a", "1"), rawFile("d/b", "1"), rawFile(".wh.w", "")],
      [rawFile(".wh.a", ""), rawFile("d/c", "1"), rawFile("c", "1")],
    ],
    async act(root) {
      await Deno.writeTextFile(`${root}/a`, "");
      await Deno.writeTextFile(`${root}/w`, "");
      await Deno.remove(`${root}/d/b`);
      await Deno.remove(`${root}/c`);
    },
    expect: ["A /a", "D /c", "C /d", "D /d/b", "A /w"],
  },
  {
    name: "a single layer with whiteouts of nothing",
    layers: [[rawFile(".wh.w", ""), rawFile("d/.wh.x", ""), rawFile("d/y", "")]],
    async act(root) {
      await Deno.writeTextFile(`${root}/w`, "");
      await Deno.remove(`${root}/d`, { recursive: true });
      await Deno.mkdir(`${root}/d`, { mode: 0o755 });
    },
    expect: ["C /d", "D /d/y", "A /w"],
  },
  {
    name: "assumed paths",
    layers: [[dir("etc"), dir("run")]],
    async act(root) {
      await Deno.writeTextFile(`${root}/etc/hosts`, "");
      for (const name of ["proc", "dev", "dev/own", "other"]) await Deno.mkdir(`${root}/${name}`);
      await Deno.writeTextFile(`${root}/run/own`, "");
    },
    assumed: ["/etc", "/etc/hosts", "/proc", "/dev", "/run"],
    expect: ["C /dev", "A /dev/own", "A /other", "C /run", "A /run/own"],
  },
  {
    name: "very deep directories",
    layers: [],
    act: (root) => Deno.mkdir(`${root}/${"d/".repeat(800)}`, { recursive: true }),
    expect: Array.from({ length: 800 }, (_, n) => `A ${"/d".repeat(n + 1)}`),
  },
  {
    name: "no layers, and names that aren't UTF-8",
    layers: [],
    act(root) {
      using at = new OwnedFd(files.open(cString(root), O.RDONLY | O.DIRECTORY));
      for (const name of ["caf\xe9", "line\nbreak"]) tree.mkdirat(at.fd, cBytes(name), 0o755);
      tree.mkfifoat(at.fd, cBytes("line\nbreak/\xff"), 0o600);
      return Promise.resolve();
    },
    expect: ["A /caf\xe9", "A /line\nbreak", "A /line\nbreak/\xff"],
  },
];
