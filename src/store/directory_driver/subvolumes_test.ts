import { strict as assert } from "node:assert";
import { btrfsVolume } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { away, btrfs, cString, dirs, files, metadata, O, OwnedFd } from "../../sys/mod.ts";
import { destroySubvolumesIn } from "./subvolumes.ts";

const CALLS = { ...files, ...dirs, ...metadata, ...btrfs, ...away };

Deno.test(
  "what was done is committed before subvolumes go, once, and only where there are any",
  requires("btrfs"),
  async () => {
    await using volume = await btrfsVolume();
    const path = `${volume.path}/removed`;
    const made: string[] = [];
    const calls: typeof CALLS = {
      ...CALLS,
      async syncfsBlocking(fd) {
        await CALLS.syncfsBlocking(fd);
        made.push("commit");
      },
      destroySubvolume(parentFd, name) {
        CALLS.destroySubvolume(parentFd, name);
        made.push("destroyed");
      },
    };
    Deno.mkdirSync(path);
    await destroySubvolumesIn(path, 2, calls);
    assert.deepEqual(made, []);
    for (const name of ["a", "b", "b/inner"]) {
      Deno.mkdirSync(`${path}/${name}`);
      using dir = new OwnedFd(CALLS.open(cString(`${path}/${name}`), O.RDONLY | O.DIRECTORY), CALLS);
      CALLS.createSubvolume(dir.fd, cString("files"));
    }
    await destroySubvolumesIn(path, 2, calls);
    assert.deepEqual(made, ["commit", "destroyed", "destroyed"]);
    assert.deepEqual(Array.from(Deno.readDirSync(`${path}/b/inner`), ({ name }) => name), ["files"]);
    await destroySubvolumesIn(path, 3, calls);
    assert.deepEqual(made.slice(3), ["commit", "destroyed"]);
  },
);
