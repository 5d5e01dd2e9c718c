import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { aptSources, debianMirror } from "./apt_mirror.ts";
import { debianImage } from "./debian.ts";
import { removeTree } from "./test_cache.ts";

Deno.test("a real Debian has the features that its layers are meant to have", requires("root"), async () => {
  const { image, expectedTree } = await debianImage();
  const tree = new Map(expectedTree.map((entry) => [entry.path, entry]));
  assert.equal(image.layers.length, 5);
  assert.ok(expectedTree.length > 3000);
  assert.equal(tree.get("usr/bin/su")?.mode, 0o4755);
  assert.equal(tree.get("usr/bin/passwd")?.mode, 0o4755);
  assert.equal(tree.get("usr/bin/uname"), undefined);
  assert.equal(tree.get("usr/local/bin/uname")?.type, "file");
  assert.equal(tree.get("usr/local/bin/chage")?.gid, 42);
  assert.equal(tree.get("usr/share/man"), undefined);
  assert.equal(tree.get("srv")?.target, "opt");
  assert.equal(tree.get("usr/bin/perl")?.hardLinkGroup, "usr/bin/perl");
  assert.ok(tree.get("usr/local/bin/capable-cat")?.xattrs["security.capability"]);
  assert.deepEqual(tree.get("usr/local/bin/capable-id")?.xattrs, tree.get("usr/local/bin/capable-cat")?.xattrs);
  assert.deepEqual([...tree.keys()].filter((path) => path.startsWith("usr/share/doc/")), ["usr/share/doc/README"]);
  assert.deepEqual([...tree.keys()].filter((path) => path.endsWith(".deb")), []);
});

Deno.test("the mirror is read from apt's files, in both formats", async () => {
  const apt = await Deno.makeTempDir({ prefix: "tsd-apt-" });
  try {
    await Deno.mkdir(`${apt}/sources.list.d`);
    await Deno.writeTextFile(
      `${apt}/sources.list`,
      "# deb http://no/ x y\ndeb [arch=amd64] http://one/debian sid main\n",
    );
    await Deno.writeTextFile(
      `${apt}/sources.list.d/a.sources`,
      "Types: deb deb-src\n# a comment\nURIs: https://two/debian\nSuites: bookworm\n bookworm-updates\n\nTypes: deb\nEnabled: no\nURIs: http://three\nSuites: x\n",
    );
    await Deno.writeTextFile(`${apt}/sources.list.d/b.disabled`, "deb http://four x main\n");
    assert.deepEqual(await aptSources(apt), [
      { uri: "http://one/debian", suites: ["sid"] },
      { uri: "https://two/debian", suites: ["bookworm", "bookworm-updates"] },
    ]);
    assert.equal(await debianMirror("bookworm", apt), "https://two/debian");
    assert.equal(await debianMirror("trixie", apt), "http://one/debian");
  } finally {
    await removeTree(apt);
  }
});
