/** A folder of the host that hostile images aim at. Afterwards nothing in it may have changed. */
import { diffTrees } from "../harness/tree_diff.ts";
import { listTree, type TreeEntry } from "../harness/tree_listing.ts";
import { removeTree } from "./test_cache.ts";

export class Victim implements AsyncDisposable {
  /** Absolute path; holds `secret`, `folder/keep` and `link` (to `secret`). */
  readonly folder: string;
  readonly #before: readonly TreeEntry[];
  readonly #links: number;

  private constructor(folder: string, before: readonly TreeEntry[], links: number) {
    this.folder = folder;
    this.#before = before;
    this.#links = links;
  }

  static async create(): Promise<Victim> {
    const folder = await Deno.makeTempDir({ prefix: "tsd-victim-" });
    await Deno.writeTextFile(`${folder}/secret`, SECRET);
    await Deno.mkdir(`${folder}/folder`);
    await Deno.writeTextFile(`${folder}/folder/keep`, "keep");
    await Deno.symlink("secret", `${folder}/link`);
    return new Victim(folder, await listTree(folder), linkCount(`${folder}/secret`));
  }

  /** `name` in the folder, from the root of the host: "tmp/tsd-victim-x/secret". */
  relative(name: string): string {
    return `${this.folder.slice(1)}/${name}`;
  }

  /** `name` in the folder, by more `..` than any root is deep. */
  upwards(name: string): string {
    return `${"../".repeat(12)}${this.relative(name)}`;
  }

  /** What has changed, one line each; empty when nothing has. */
  async changes(): Promise<string[]> {
    const changes = diffTrees(this.#before, await listTree(this.folder), { includeRoot: true });
    const links = linkCount(`${this.folder}/secret`);
    if (links !== this.#links) changes.push(`secret has ${links} links, expected ${this.#links}`);
    return changes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return removeTree(this.folder);
  }
}

/** The content of the victim's file `secret`; it must never be seen inside a container. */
export const SECRET = "the host's secret\n";

function linkCount(path: string): number {
  return Deno.lstatSync(path).nlink ?? 0;
}
