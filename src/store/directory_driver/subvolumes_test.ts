import { strict as assert } from "node:assert";
import { btrfsVolume } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { away, btrfs, cString, dirs, files, metadata, O, OwnedFd } from "../../sys/mod.ts";
import { destroySubvolumesIn } from "./subvolumes.ts";

const CALLS = { ...files, ...dirs, ...metadata, ...btrfs, ...away };

Deno.test(
  "everything is committed before subvolumes are destroyed, once, and only if there are any",
  requires("btrfs"),
  async () => {
    await using volume = await btrfsVolume();
    const path = `${volume.path}/removed`;
    const steps: string[] = [];
    const calls: typeof CALLS = {
      ...CALLS,
      async syncfsBlocking(fd) {
        await CALLS.syncfsBlocking(fd);
        steps.push("commit");
      },
      destroySubvolume(parentFd, name) {
        CALLS.destroySubvolume(parentFd, name);
        steps.push("destroyed");
      },
    };
    Deno.mkdirSync(path);
    await destroySubvolumesIn(path, 2, calls);
    assert.deepEqual(steps, []);
    for (const name of ["a", "b", "b/inner"]) {
      Deno.mkdirSync(`${path}/${name}`);
      using dir = new OwnedFd(CALLS.open(cString(`${path}/${name}`), O.RDONLY | O.DIRECTORY), CALLS);
      CALLS.createSubvolume(dir.fd, cString("files"));
    }
    await destroySubvolumesIn(path, 2, calls);
    assert.deepEqual(steps, ["commit", "destroyed", "destroyed"]);
    assert.deepEqual(Array.from(Deno.readDirSync(`${path}/b/inner`), ({ name }) => name), ["files"]);
    await destroySubvolumesIn(path, 3, calls);
    assert.deepEqual(steps.slice(3), ["commit", "destroyed"]);
  },
);
