import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../errors.ts";
import { bytesOf, TarDecoder, type TarEntry, type TarEntryType, tarHeader } from "../tar/mod.ts";
import { maliciousLayers } from "./testsuite/malicious_layers.ts";
import { type DirectoryNode, type LayerNode, LayerTree, pathOf, type TreeStep } from "./layer_tree.ts";

type Spec = readonly [type: TarEntryType, path: string, rest?: Partial<TarEntry>];

function entryOf([type, path, rest = {}]: Spec, index: number): TarEntry {
  const sizeBytes = type === "file" ? 10 : 0;
  return {
    ...tarHeader({ type, path, deviceMinor: 3, sizeBytes }),
    index,
    dataOffset: index * 1024,
    storedBytes: sizeBytes,
    sparse: undefined,
    ...rest,
  };
}

function treeOf(...specs: Spec[]): LayerTree {
  const tree = new LayerTree();
  specs.forEach((spec, i) => tree.add(entryOf(spec, i)));
  return tree;
}

/** Lists every name in the tree with its node, sorted; files show the index of the entry with their data. */
function listing(tree: LayerTree): string[] {
  const lines: string[] = [];
  const visit = (dir: DirectoryNode) => {
    for (const [name, node] of dir.children) {
      const path = [pathOf(dir), name].filter((part) => part !== "").join("/");
      lines.push(`${path} ${summary(node)}`);
      if (node.kind === "directory") visit(node);
    }
  };
  visit(tree.root);
  return lines.sort();
}

function summary(node: LayerNode): string {
  switch (node.kind) {
    case "directory":
      return node.isOpaque ? "opaque directory" : "directory";
    case "file":
      return `file ${node.entryIndex}`;
    case "symlink":
      return `-> ${node.target}`;
    default:
      return node.kind;
  }
}

const link = (linkPath: string): Partial<TarEntry> => ({ linkPath });

Deno.test("LayerTree completes missing parents with 0755 0:0 and time 0", () => {
  const tree = treeOf(["file", "./a//b/c", { mode: 0o600, uid: 7, mtimeSeconds: 9 }]);
  assert.deepEqual(listing(tree), ["a directory", "a/b directory", "a/b/c file 0"]);
  const parent = tree.root.children.get("a")!;
  assert.deepEqual([parent.mode, parent.uid, parent.gid, parent.mtimeSeconds], [0o755, 0, 0, 0]);
});

Deno.test("LayerTree sets the attributes of a completed directory when its entry comes later", () => {
  const tree = treeOf(["file", "a/b"], ["directory", "a/", {
    mode: 0o1777,
    uid: 5,
    xattrs: new Map([["user.x", bytesOf("1")]]),
  }]);
  const dir = tree.root.children.get("a")!;
  assert.deepEqual([dir.mode, dir.uid, dir.xattrs.size], [0o1777, 5, 1]);
  assert.deepEqual(listing(tree), ["a directory", "a/b file 0"]);
});

Deno.test("LayerTree uses the root's entry for its attributes", () => {
  const tree = treeOf(["directory", "./", { mode: 0o700, gid: 3 }]);
  assert.deepEqual([tree.root.mode, tree.root.gid, tree.entries], [0o700, 3, 1]);
});

Deno.test("LayerTree follows symlinked parents inside the layer", () => {
  assert.deepEqual(
    listing(treeOf(
      ["directory", "usr/bin"],
      ["symlink", "bin", link("usr/bin")],
      ["symlink", "usr/up", link("../../../bin/")],
      ["file", "bin/sh"],
      ["file", "usr/up/ls"],
      ["file", "usr/up/../lib/so"],
    )),
    [
      "bin -> usr/bin",
      "usr directory",
      "usr/bin directory",
      "usr/bin/ls file 4",
      "usr/bin/sh file 3",
      "usr/lib directory",
      "usr/lib/so file 5",
      "usr/up -> ../../../bin/",
    ],
  );
});

Deno.test("LayerTree: the last entry of a name wins; a directory that replaces a directory keeps its children", () => {
  assert.deepEqual(
    listing(
      treeOf(
        ["file", "f"],
        ["file", "f"],
        ["directory", "d"],
        ["file", "d/x"],
        ["directory", "d"],
        ["directory", "e"],
        ["file", "e/y"],
        ["file", "e"],
      ),
    ),
    ["d directory", "d/x file 3", "e file 7", "f file 1"],
  );
});

Deno.test("LayerTree: hard links share a node and survive the removal of their first name", () => {
  const tree = treeOf(["file", "a"], ["link", "b", link("./a")], ["link", "d/c", link("/b")], ["file", "a"]);
  assert.deepEqual(listing(tree), ["a file 3", "b file 0", "d directory", "d/c file 0"]);
  const shared = tree.root.children.get("b")!;
  assert.ok(shared.kind === "file" && shared.links === 2);
});

Deno.test("LayerTree: a repeated hard link changes nothing", () => {
  const tree = new LayerTree();
  tree.add(entryOf(["file", "a"], 0));
  tree.add(entryOf(["link", "b", link("a")], 1));
  assert.deepEqual(tree.add(entryOf(["link", "b", link("a")], 2)).steps, []);
});

Deno.test("LayerTree: a whiteout hides lower layers only, wherever it is in the tar", () => {
  assert.deepEqual(listing(treeOf(["file", ".wh.gone"], ["file", "d/.wh.x"])), [
    "d directory",
    "d/x whiteout",
    "gone whiteout",
  ]);
  const both = ["a file", "d opaque directory", "d/f file"];
  const strip = (lines: string[]) => lines.map((line) => line.replace(/ \d+$/, ""));
  assert.deepEqual(strip(listing(treeOf(["file", ".wh.a"], ["file", ".wh.d"], ["file", "a"], ["file", "d/f"]))), both);
  assert.deepEqual(strip(listing(treeOf(["file", "a"], ["file", "d/f"], ["file", ".wh.a"], ["file", ".wh.d"]))), both);
  assert.deepEqual(listing(treeOf(["file", ".wh.a"], ["file", "a"], ["directory", "a"])), ["a opaque directory"]);
});

Deno.test("LayerTree: the opaque marker applies to its directory, even before the directory's own entry", () => {
  assert.deepEqual(
    listing(treeOf(["file", "d/.wh..wh..opq"], ["directory", "d"], ["file", "d/own"])),
    ["d opaque directory", "d/own file 2"],
  );
  assert.ok(treeOf(["file", ".wh..wh..opq"]).root.isOpaque);
});

Deno.test("LayerTree strips the xattrs that overlayfs interprets and keeps others", () => {
  const xattrs = new Map(["trusted.overlay.opaque", "user.overlay.x", "trusted.other", "security.capability"]
    .map((name) => [name, bytesOf("v")]));
  const tree = treeOf(["file", "f", { xattrs }]);
  assert.deepEqual([...tree.root.children.get("f")!.xattrs.keys()], ["trusted.other", "security.capability"]);
  assert.throws(
    () => treeOf(["file", "f", { xattrs: new Map([["user.big", new Uint8Array(70_000)]]) }]),
    { code: "layer_invalid" },
  );
});

Deno.test("LayerTree counts entries and completed directories against its limit", () => {
  const tree = new LayerTree({ entries: 4 });
  tree.add(entryOf(["file", "a/b/f"], 0));
  assert.throws(() => tree.add(entryOf(["file", "c/g"], 1)), { code: "layer_too_large" });
});

Deno.test("LayerTree walks directories from the leaves to the root", () => {
  const tree = treeOf(["file", "a/b/f"], ["directory", "a/c"], ["directory", "z"]);
  assert.deepEqual([...tree.dirsUpwards()].map(pathOf), ["a/b", "a/c", "a", "z", ""]);
});

for (const { name, tar, outcome } of maliciousLayers("/tmp/victim")) {
  Deno.test(`LayerTree, malicious layer ${name}`, () => {
    const decode = () => {
      const tree = new LayerTree();
      const decoder = new TarDecoder();
      decoder.feed(tar);
      for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
        if (!(item instanceof Uint8Array)) tree.add(item);
      }
      decoder.finish();
      return tree;
    };
    if ("paths" in outcome) {
      const paths = listing(decode()).map((line) => line.replace(/ (opaque )?directory$/, "/").replace(/ [^/]*$/, ""));
      assert.deepEqual(paths.map((path) => path.replace(/ ->.*/, "")).sort(), [...outcome.paths].sort());
    } else if (outcome.refused === "layer_invalid") {
      assert.throws(decode, { code: outcome.refused });
    }
  });
}

/** A strict in-memory file system that applies steps: everything that a real one would reject fails the test. */
class StepRunner {
  readonly root = new Map<string, unknown>();

  run(step: TreeStep): void {
    if (step.do === "create") {
      const { parent, name, kind } = step.node;
      const dir = this.#dir(parent!);
      assert.ok(!dir.has(name), `${name} exists`);
      dir.set(name, kind === "directory" ? new Map() : step.node);
    } else if (step.do === "remove") {
      assert.ok(this.#dir(step.parent).delete(step.name), `${step.name} is missing`);
    } else {
      const target = this.#dir(step.targetParent).get(step.targetName);
      assert.equal(target, step.target);
      assert.ok(!this.#dir(step.parent).has(step.name), `${step.name} exists`);
      this.#dir(step.parent).set(step.name, target);
    }
  }

  #dir(node: DirectoryNode): Map<string, unknown> {
    if (node.parent === null) return this.root;
    const dir = this.#dir(node.parent).get(node.name);
    assert.ok(dir instanceof Map, `${pathOf(node)} is no folder`);
    return dir;
  }

  names(): string[] {
    const names: string[] = [];
    const visit = (dir: Map<string, unknown>, prefix: string) => {
      for (const [name, node] of dir) {
        names.push(prefix + name);
        if (node instanceof Map) visit(node, `${prefix}${name}/`);
      }
    };
    visit(this.root, "");
    return names.sort();
  }
}

const name = fc.constantFrom("a", "b", "c", ".wh.a", ".wh.b", ".wh..wh..opq", "..");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const anyEntry = fc.record({
  type: fc.constantFrom<TarEntryType>("file", "directory", "symlink", "link", "character", "fifo"),
  path,
  linkPath: fc.oneof(path, path.map((text) => `/${text}`)),
});

Deno.test("LayerTree: applying its steps reproduces the tree, for any entries", () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 60 }), (entries) => {
      const runner = new StepRunner();
      const accepted: TarEntry[] = [];
      let tree = new LayerTree();
      entries.forEach(({ type, path, linkPath }, i) => {
        const entry = entryOf([type, path, { linkPath }], i);
        try {
          for (const step of tree.add(entry).steps) runner.run(step);
          accepted.push(entry);
        } catch (thrown) {
          if (!isTsdError(thrown, "layer_invalid")) throw thrown;
          // A tree is unusable after a rejection: continue with another one that never had the entry.
          tree = new LayerTree();
          runner.root.clear();
          for (const good of accepted) for (const step of tree.add(good).steps) runner.run(step);
        }
      });
      const expected = listing(tree).map((line) => line.slice(0, line.indexOf(" ")));
      assert.deepEqual(runner.names(), expected.sort());
      checkLinkCounts(tree);
    }),
    { numRuns: 1000 },
  );
});

function checkLinkCounts(tree: LayerTree): void {
  const counts = new Map<LayerNode, number>();
  const visit = (dir: DirectoryNode) => {
    for (const node of dir.children.values()) {
      counts.set(node, (counts.get(node) ?? 0) + 1);
      if (node.kind === "directory") visit(node);
    }
  };
  visit(tree.root);
  for (const [node, count] of counts) if (node.kind !== "directory") assert.equal(node.links, count);
}
