/** Directories of volumes, and of containers that use them, that other programs remove. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { runCommand, tracesOf } from "../harness/mod.ts";

const dataOf = ({ engine }: Fixture, volume: string): string => `${engine.dataRoot}/volumes/${volume}/_data`;

async function create(fixture: Fixture, volume: string, ...flags: string[]): Promise<void> {
  expectResult(await fixture.tsd("volume", "create", ...flags, volume), { stdout: `${volume}\n` });
}

const isMounted = async (path: string): Promise<boolean> =>
  (await Deno.readTextFile("/proc/self/mountinfo")).includes(` ${path} `);

scenario("volumes: directories removed by other programs", {
  "a volume's directory: containers that use it are refused, everything else continues": async (fixture) => {
    await create(fixture, "data");
    const lost = { stderr: /^tsd: The directory of volume data was removed: there is no \S+; remove .*\n/ };
    await fixture.background("web", undefined, ["-v", "data:/data"]);
    await Deno.remove(dataOf(fixture, "data"), { recursive: true });
    expectResult(await fixture.run(["true"], ["-v", "data:/data"]), { code: 125, ...lost });
    expectResult(await fixture.tsd("stop", "-t", "0", "web"), { stdout: "web\n" });
    expectResult(await fixture.tsd("start", "web"), { code: 1, ...lost });
    expectResult(await fixture.tsd("cp", "web:/etc/passwd", `${fixture.dir}/passwd`), {});
    expectResult(await fixture.tsd("system", "df", "-v", "--format", "{{range .Volumes}}{{.Name}} {{.Size}}{{end}}"), {
      stdout: "data 0B",
    });
    await fixture.remove("web");
    expectResult(await fixture.tsd("volume", "rm", "data"), { stdout: "data\n" });
    await create(fixture, "data");
    expectResult(await fixture.run(["touch", "/data/file"], ["-v", "data:/data"]), {});
    expectResult(await fixture.tsd("volume", "rm", "data"), { stdout: "data\n" });
  },
  "a container's run directory: the mounts of its volumes are removed when it exits": async (fixture) => {
    await create(fixture, "memory", "--opt", "type=tmpfs", "--opt", "device=tmpfs");
    const { runDir } = tracesOf(fixture.engine.dataRoot);
    for (const end of [["stop", "-t", "0"], ["rm", "-f"]]) {
      const id = await fixture.background("web", undefined, ["-v", "memory:/data"]);
      assert.ok(await isMounted(dataOf(fixture, "memory")));
      await fixture.until("the folder to go", async () => {
        return (await runCommand("rm", ["-rf", `${runDir}/containers/${id}`])).code === 0;
      });
      expectResult(await fixture.tsd(...end, "web"), { stdout: "web\n" });
      await fixture.until("the mount to go", async () => !await isMounted(dataOf(fixture, "memory")));
      if (end[0] === "stop") await fixture.remove("web");
    }
    expectResult(await fixture.tsd("volume", "rm", "memory"), { stdout: "memory\n" });
  },
});
