/** What Docker lacks: volumes renamed, cloned, exported and imported. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";

const inside = (world: World, name: string, script: string) =>
  world.run(["sh", "-c", `cd /d && ${script}`], ["-v", `${name}:/d`]);

const MAKE = "mkdir -p a; echo text >a/f; ln a/f second; ln -s a/f link; chown 7:8 a/f; chmod 4755 a/f; mkfifo p";
const LOOK = "find . -exec stat -c '%n %F %a %u:%g %h %Y' {} + | sort; cat second link";

scenario("volumes, beyond Docker", {
  "rename: the files stay; not while a container refers to it": async (world) => {
    expectResult(await inside(world, "data", "echo text >f"), {});
    const id = await world.background("user", undefined, ["-v", "data:/d"]);
    expectResult(await world.tsd("volume", "rename", "data", "other"), {
      code: 1,
      stderr: `tsd: rename data: volume is in use - [${id}]\n`,
    });
    await world.remove("user");
    await world.tsd("volume", "create", "taken");
    expectResult(await world.tsd("volume", "rename", "data", "taken"), {
      code: 1,
      stderr: "tsd: rename data: there is a volume taken already\n",
    });
    expectResult(await world.tsd("volume", "rename", "data", "other"), {});
    expectResult(await world.tsd("volume", "ls", "-q"), { stdout: "other\ntaken\n" });
    expectResult(await inside(world, "other", "cat f"), { stdout: "text\n" });
    expectResult(await world.tsd("volume", "rename", "nosuch", "x1"), {
      code: 1,
      stderr: "tsd: get nosuch: no such volume\n",
    });
    await world.tsd("volume", "rm", "other", "taken");
  },
  "a rename that was cut short is finished": async (world) => {
    await world.tsd("volume", "create", "new");
    const { dataRoot } = world.engine;
    await world.engine.stop("SIGKILL");
    await Deno.rename(`${dataRoot}/volumes/new`, `${dataRoot}/volumes/old`);
    await Deno.writeTextFile(`${dataRoot}/volumes/.renamed-new`, "old");
    await world.engine.start();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dataRoot}/volumes`), ({ name }) => name), ["new"]);
    expectResult(await world.tsd("volume", "rm", "new"), { stdout: "new\n" });
  },
  "clone: a volume of its own with the same files": async (world) => {
    expectResult(await world.tsd("volume", "create", "--label", "owner=me", "data"), { stdout: "data\n" });
    expectResult(await inside(world, "data", MAKE), {});
    expectResult(await world.tsd("volume", "clone", "data", "copy"), { stdout: "copy\n" });
    const seen = (await inside(world, "data", LOOK)).stdout;
    expectResult(await inside(world, "copy", LOOK), { stdout: seen });
    expectResult(await inside(world, "copy", "echo more >>a/f"), {});
    expectResult(await inside(world, "data", "cat a/f"), { stdout: "text\n" });
    expectResult(await world.tsd("volume", "inspect", "-f", "{{.Labels.owner}}", "copy"), { stdout: "me\n" });
    expectResult(await world.tsd("volume", "clone", "data", "copy"), {
      code: 1,
      stderr: "tsd: clone data: there is a volume copy already\n",
    });
    await world.tsd("volume", "rm", "data", "copy");
  },
  "export and import: through a file and through a pipe": async (world) => {
    expectResult(await inside(world, "data", MAKE), {});
    const seen = (await inside(world, "data", LOOK)).stdout;
    const { folder } = world;
    expectResult(await world.tsd("volume", "export", "-o", `${folder}/data.tar`, "data"), {});
    expectResult(await world.tsd("volume", "import", "file", `${folder}/data.tar`), { stdout: "file\n" });
    expectResult(await world.shell("$tsd volume export data | gzip | $tsd volume import pipe -"), { stdout: "pipe\n" });
    for (const name of ["file", "pipe"]) {
      expectResult(await inside(world, name, LOOK), { stdout: seen });
    }
    expectResult(await world.tsd("volume", "export", "nosuch"), {
      code: 1,
      stderr: "tsd: get nosuch: no such volume\n",
    });
    const plant =
      'mkdir outside; ln -s "$PWD/outside" out; tar cf evil.tar out; rm out; mkdir out; echo x >out/planted';
    expectResult(await world.shell(`${plant}; tar rf evil.tar out/planted`), {});
    await world.tsd("volume", "import", "evil", `${folder}/evil.tar`);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/outside`)), [], "no link leads out of a volume");
    await world.tsd("volume", "rm", "-f", "data", "file", "pipe", "evil");
  },
});
