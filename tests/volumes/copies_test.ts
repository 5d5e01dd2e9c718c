/** Beyond Docker: volumes are renamed, cloned, exported and imported. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";

const inside = (fixture: Fixture, name: string, script: string) =>
  fixture.run(["sh", "-c", `cd /d && ${script}`], ["-v", `${name}:/d`]);

const MAKE = "mkdir -p a; echo text >a/f; ln a/f second; ln -s a/f link; chown 7:8 a/f; chmod 4755 a/f; mkfifo p";
const LOOK = "find . -exec stat -c '%n %F %a %u:%g %h %Y' {} + | sort; cat second link";

scenario("volumes, beyond Docker", {
  "rename: the files stay; refused while a container refers to it": async (fixture) => {
    expectResult(await inside(fixture, "data", "echo text >f"), {});
    const id = await fixture.background("user", undefined, ["-v", "data:/d"]);
    expectResult(await fixture.tsd("volume", "rename", "data", "other"), {
      code: 1,
      stderr: `tsd: rename data: volume is in use - [${id}]\n`,
    });
    await fixture.remove("user");
    await fixture.tsd("volume", "create", "taken");
    expectResult(await fixture.tsd("volume", "rename", "data", "taken"), {
      code: 1,
      stderr: "tsd: rename data: there is a volume taken already\n",
    });
    expectResult(await fixture.tsd("volume", "rename", "data", "other"), {});
    expectResult(await fixture.tsd("volume", "ls", "-q"), { stdout: "other\ntaken\n" });
    expectResult(await inside(fixture, "other", "cat f"), { stdout: "text\n" });
    expectResult(await fixture.tsd("volume", "rename", "nosuch", "x1"), {
      code: 1,
      stderr: "tsd: get nosuch: no such volume\n",
    });
    await fixture.tsd("volume", "rm", "other", "taken");
  },
  "an interrupted rename is completed": async (fixture) => {
    await fixture.tsd("volume", "create", "new");
    const { dataRoot } = fixture.engine;
    await fixture.engine.stop("SIGKILL");
    await Deno.rename(`${dataRoot}/volumes/new`, `${dataRoot}/volumes/old`);
    await Deno.writeTextFile(`${dataRoot}/volumes/.renamed-new`, "old");
    await fixture.engine.start();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dataRoot}/volumes`), ({ name }) => name), ["new"]);
    expectResult(await fixture.tsd("volume", "rm", "new"), { stdout: "new\n" });
  },
  "clone: a separate volume with the same files": async (fixture) => {
    expectResult(await fixture.tsd("volume", "create", "--label", "owner=me", "data"), { stdout: "data\n" });
    expectResult(await inside(fixture, "data", MAKE), {});
    expectResult(await fixture.tsd("volume", "clone", "data", "copy"), { stdout: "copy\n" });
    const seen = (await inside(fixture, "data", LOOK)).stdout;
    expectResult(await inside(fixture, "copy", LOOK), { stdout: seen });
    expectResult(await inside(fixture, "copy", "echo more >>a/f"), {});
    expectResult(await inside(fixture, "data", "cat a/f"), { stdout: "text\n" });
    expectResult(await fixture.tsd("volume", "inspect", "-f", "{{.Labels.owner}}", "copy"), { stdout: "me\n" });
    expectResult(await fixture.tsd("volume", "clone", "data", "copy"), {
      code: 1,
      stderr: "tsd: clone data: there is a volume copy already\n",
    });
    await fixture.tsd("volume", "rm", "data", "copy");
  },
  "export and import: through a file and through a pipe": async (fixture) => {
    expectResult(await inside(fixture, "data", MAKE), {});
    const seen = (await inside(fixture, "data", LOOK)).stdout;
    const { dir } = fixture;
    expectResult(await fixture.tsd("volume", "export", "-o", `${dir}/data.tar`, "data"), {});
    expectResult(await fixture.tsd("volume", "import", "file", `${dir}/data.tar`), { stdout: "file\n" });
    expectResult(await fixture.shell("$tsd volume export data | gzip | $tsd volume import pipe -"), {
      stdout: "pipe\n",
    });
    for (const name of ["file", "pipe"]) {
      expectResult(await inside(fixture, name, LOOK), { stdout: seen });
    }
    expectResult(await fixture.tsd("volume", "export", "nosuch"), {
      code: 1,
      stderr: "tsd: get nosuch: no such volume\n",
    });
    const plant =
      'mkdir outside; ln -s "$PWD/outside" out; tar cf evil.tar out; rm out; mkdir out; echo x >out/planted';
    expectResult(await fixture.shell(`${plant}; tar rf evil.tar out/planted`), {});
    await fixture.tsd("volume", "import", "evil", `${dir}/evil.tar`);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dir}/outside`)), [], "no link leads out of a volume");
    await fixture.tsd("volume", "rm", "-f", "data", "file", "pipe", "evil");
  },
});
