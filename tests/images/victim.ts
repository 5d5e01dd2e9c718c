/** A directory of the host that malicious images target. Afterwards it must be unchanged. */
import { diffTrees } from "../harness/tree_diff.ts";
import { listTree, type TreeEntry } from "../harness/tree_listing.ts";
import { removeTree } from "./test_cache.ts";

export class Victim implements AsyncDisposable {
  /** Absolute path; contains `secret`, `folder/keep` and `link` (to `secret`). */
  readonly dir: string;
  readonly #before: readonly TreeEntry[];
  readonly #links: number;

  private constructor(dir: string, before: readonly TreeEntry[], links: number) {
    this.dir = dir;
    this.#before = before;
    this.#links = links;
  }

  static async create(): Promise<Victim> {
    const dir = await Deno.makeTempDir({ prefix: "tsd-victim-" });
    await Deno.writeTextFile(`${dir}/secret`, SECRET);
    await Deno.mkdir(`${dir}/folder`);
    await Deno.writeTextFile(`${dir}/folder/keep`, "keep");
    await Deno.symlink("secret", `${dir}/link`);
    return new Victim(dir, await listTree(dir), linkCount(`${dir}/secret`));
  }

  /** Returns the path of `name` in the directory, relative to the host's root: "tmp/tsd-victim-x/secret". */
  relative(name: string): string {
    return `${this.dir.slice(1)}/${name}`;
  }

  /** Returns the path of `name` in the directory, with more `..` than any root is deep. */
  upwards(name: string): string {
    return `${"../".repeat(12)}${this.relative(name)}`;
  }

  /** Returns the changes, one line each. */
  async changes(): Promise<string[]> {
    const changes = diffTrees(this.#before, await listTree(this.dir), { includeRoot: true });
    const links = linkCount(`${this.dir}/secret`);
    if (links !== this.#links) changes.push(`secret has ${links} links, expected ${this.#links}`);
    return changes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return removeTree(this.dir);
  }
}

/** The content of the victim's file `secret`; it must never be seen inside a container. */
export const SECRET = "the host's secret\n";

function linkCount(path: string): number {
  return Deno.lstatSync(path).nlink ?? 0;
}
