/** A container's resources can be reused as soon as a client learns of its exit, as with dockerd. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { type FileClient, withBoth } from "../files/clients.ts";

const TMPFS = ["-o", "type=tmpfs", "-o", "device=tmpfs"];
const ADDRESS = "10.213.9.77";

/** Ways in which a client learns that the container `box`, created with or without `--rm`, has exited. */
const ENDS: Readonly<Record<string, (fixture: Fixture, client: FileClient) => Promise<unknown>>> = {
  stop: (_, client) => client.call("stop", "-t", "0", "box"),
  kill: (_, client) => client.call("kill", "box"),
  "rm -f": (_, client) => client.call("rm", "-f", "box"),
  wait: (fixture) =>
    Promise.all([fixture.engine.api.post("/containers/box/wait"), fixture.tsd("exec", "box", "kill", "1")]),
  "wait for the removal": async (fixture) => {
    using waiting = await fixture.engine.api.stream("POST", "/containers/box/wait?condition=removed");
    await fixture.tsd("exec", "box", "kill", "1");
    await Array.fromAsync(waiting.chunks());
  },
};

/** Exits on SIGTERM, which `sleep` as PID 1 ignores. */
const UNTIL_KILLED = ["sh", "-c", "trap exit TERM; touch /d/f; echo ready; while :; do sleep 0.05; done"];

const isMounted = async (name: string) =>
  (await Deno.readTextFile("/proc/self/mountinfo")).includes(`/volumes/${name}/_data`);

async function cgroupsOf(id: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("find", { args: ["/sys/fs/cgroup", "-maxdepth", "4", "-name", id] })
    .output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}

/**
 * Removes a parent cgroup, which the engine leaves to the caller. After a failed step, containers in it may still be
 * being removed.
 */
async function removeParent(fixture: Fixture, name: string): Promise<void> {
  await fixture.until(
    "empty cgroups",
    async () => (await fixture.shell(`find /sys/fs/cgroup -path '*/${name}/*' -type d`)).stdout === "",
  );
  for (const path of await cgroupsOf(name)) await Deno.remove(path);
}

scenario(
  "a container's resources are free when its exit is reported",
  {
    "mounts of a volume's options": withBoth(async (fixture, client) => {
      expectResult(await client.call("volume", "create", ...TMPFS, "scratch"), { stdout: "scratch\n" });
      const flags = ["--network", "none", "-v", "scratch:/d", fixture.image];
      for (const remove of [["--rm"], ["--name", "box"]]) {
        expectResult(await client.call("run", ...remove, ...flags, "touch", "/d/f"), {});
        assert.equal(await isMounted("scratch"), false, `run ${remove}`);
      }
      await fixture.remove("box");
      for (const [how, end] of Object.entries(ENDS)) {
        const remove = how.includes("removal") ? ["--rm"] : [];
        await fixture.background("box", UNTIL_KILLED, ["-v", "scratch:/d", ...remove]);
        await fixture.until("its trap", async () => (await fixture.tsd("logs", "box")).stdout === "ready\n");
        await end(fixture, client);
        assert.equal(await isMounted("scratch"), false, how);
        expectResult(await client.call("run", "--rm", ...flags, "ls", "/d"), {});
        await fixture.tsd("rm", "-f", "box");
      }
      expectResult(await client.call("volume", "rm", "scratch"), { stdout: "scratch\n" });
    }),
    "mounts of a volume's options while files are copied": withBoth(async (fixture, client) => {
      await client.call("volume", "create", ...TMPFS, "scratch");
      await client.call("create", "--name", "box", "--network", "none", "-v", "scratch:/d", fixture.image, "ls", "/d");
      await Deno.writeTextFile(`${fixture.dir}/f`, "text");
      expectResult(await client.call("cp", "-q", `${fixture.dir}/f`, "box:/d/"), {});
      assert.equal(await isMounted("scratch"), false, "into it");
      expectResult(await client.call("start", "-a", "box"), {});
      expectResult(await client.call("cp", "-q", "box:/etc/passwd", `${fixture.dir}/copy`), {});
      assert.equal(await isMounted("scratch"), false, "out of it");
      const head = await fixture.engine.api.request("HEAD", "/containers/box/archive?path=/d");
      assert.deepEqual([head.status, await isMounted("scratch")], [200, false]);
      await fixture.remove("box");
      await client.call("volume", "rm", "scratch");
    }),
    "processes that survive the first one: --pid host": withBoth(async (fixture, client) => {
      const mark = `sleep ${100_000 + fixture.engine.pid}`;
      const flags = ["--rm", "--network", "none", "--pid", "host", fixture.image];
      for (let round = 0; round < 5; round++) {
        expectResult(await client.call("run", ...flags, "sh", "-c", `${mark} >/dev/null 2>&1 &`), {});
        assert.deepEqual(await fixture.shell(`pgrep -xf '${mark}'`).then(({ stdout }) => stdout), "");
      }
    }),
    "cgroups below a caller's parent": async (fixture) => {
      const parent = `/tsd-release-${fixture.engine.pid}`;
      await using _removed = { [Symbol.asyncDispose]: () => removeParent(fixture, parent.slice(1)) };
      for (let round = 0; round < 5; round++) {
        const cidFile = `${fixture.dir}/cid-${round}`;
        expectResult(await fixture.run(["true"], ["--cgroup-parent", parent, "--cidfile", cidFile]), {});
        assert.deepEqual(await cgroupsOf(await Deno.readTextFile(cidFile)), []);
      }
    },
    "addresses, also if others stay in the network namespace": async (fixture) => {
      await fixture.tsd("network", "create", "--subnet", "10.213.9.0/24", "one");
      const place = ["--network", "one", "--ip", ADDRESS, fixture.image];
      const ids = { first: "", next: "" };
      for (const name of ["first", "next"] as const) {
        ids[name] = (await fixture.tsd("create", "--name", name, ...place, "sleep", "1000")).stdout.trim();
      }
      expectResult(await fixture.tsd("start", "first"), { stdout: "first\n" });
      const joined = ["run", "-d", "--name", "joined", "--network", "container:first", fixture.image, "sleep", "1000"];
      expectResult(await fixture.tsd(...joined), { stdout: /^[0-9a-f]{64}\n$/ });
      const { api } = fixture.engine;
      assert.equal((await api.post(`/containers/${ids.first}/stop?t=0`)).status, 204);
      assert.equal((await api.post(`/containers/${ids.next}/start`)).status, 204);
      assert.equal((await api.post(`/containers/${ids.next}/stop?t=0`)).status, 204);
      assert.equal((await api.delete("/networks/one")).status, 204);
      await fixture.remove("joined", "first", "next");
    },
  },
  "docker",
  "ip",
  "nft",
);
