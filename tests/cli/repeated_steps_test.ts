/**
 * `inspect --as run` and `container clone`, end to end: the new container equals the original, in inspect and from
 * inside.
 */
import { strict as assert } from "node:assert";
import { busyboxBuilder, pushImage } from "../images/mod.ts";
import { expectResult, type Fixture, scenario } from "./setup.ts";

/** Returns a container's inspect output without the fields that always differ between containers. */
async function settings(fixture: Fixture, name: string) {
  const [{ Id, Config, HostConfig, Mounts, Path, Args }] = JSON.parse((await fixture.tsd("inspect", name)).stdout);
  const { Hostname, ...config } = Config;
  const { ContainerIDFile: _file, ConsoleSize: _size, ...host } = HostConfig;
  const hostname = Id.startsWith(Hostname) ? "its own" : Hostname;
  return { hostname, config: said(config), host: said(host), Mounts, Path, Args };
}

/** Removes empty values, which the docker client sends for options that were not set. */
function said(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isSaid = (value: unknown) => Boolean(value) && (typeof value !== "object" || Object.keys(value!).length > 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isSaid(value)));
}

/** Returns a script in which `tsd` is the client under test, connected to the engine under test. */
const asShell = (line: string, name: string) =>
  `tsd() { "$tsd" "$@"; }; ${line.replace(/ --name \S+/, ` --name ${name}`)}`;

scenario(
  "recreated containers",
  {
    "inspect --as run prints a command line that creates an equal container in a shell": async (fixture) => {
      const { dir } = fixture;
      await Deno.mkdir(`${dir}/data dir`);
      const profile = `${dir}/profile.json`;
      await Deno.writeTextFile(profile, '{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [] }');
      const flags = [
        ...["-e", "GREETING=it's $HOME", "-e", "PATH", "-l", "note=a b", "-w", "/tmp", "-u", "1000:1000", "-h", "box"],
        ...["--mount", `type=bind,"src=${dir}/data dir",dst=/data,ro`, "--tmpfs", "/scratch:size=1m,mode=1777"],
        ...["-m", "64m", "--cpus", "0.25", "--pids-limit", "40", "--ulimit", "nofile=100:200", "--shm-size", "8m"],
        ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", `seccomp=${profile}`],
        ...["--device", "/dev/null:/dev/mine:r", "--sysctl", "net.ipv4.ip_forward=1", "--read-only", "--init"],
        ...["--restart", "on-failure:2", "--stop-signal", "USR1", "--stop-timeout", "1", "--log-opt", "max-size=1m"],
        ...[
          "--health-cmd",
          "test -e /data",
          "--health-interval",
          "1m",
          "--add-host",
          "other:10.0.0.1",
          "--expose",
          "80",
        ],
        ...["--entrypoint", "sh"],
      ];
      const script = 'trap exit USR1; echo "$GREETING" $(id -u) $PWD $(ulimit -n); while :; do sleep 0.1; done';
      await fixture.background("first", ["-c", script], flags);
      const { stdout: line, stderr } = await fixture.tsd("inspect", "--as", "run", "first");
      assert.equal(stderr, "");
      expectResult(await fixture.shell(asShell(line, "second")), { stdout: /^[0-9a-f]{64}\n$/ });
      assert.deepEqual(await settings(fixture, "second"), await settings(fixture, "first"));
      assert.equal((await fixture.tsd("inspect", "--as", "run", "second")).stdout, line.replace("first", "second"));
      for (const name of ["first", "second"]) {
        await fixture.until("its output", async () => (await fixture.tsd("logs", name)).stdout !== "");
      }
      const said = (await fixture.tsd("logs", "first")).stdout;
      assert.equal(said, "it's $HOME 1000 /tmp 100\n");
      assert.equal((await fixture.tsd("logs", "second")).stdout, said);
      await fixture.remove("first", "second");
    },
    "inspect --as run: containers of the docker client, and images with many settings": async (fixture) => {
      const config = {
        ...{ Env: ["PATH=/bin", "FROM=image"], Entrypoint: ["sh", "-c"], Cmd: ["echo default"], User: "app" },
        ...{ WorkingDir: "/home/app", Labels: { of: "image" }, ExposedPorts: { "80/tcp": {} }, StopSignal: "QUIT" },
      };
      await pushImage(fixture.registry.url, "talker", "1", await busyboxBuilder().config(config).build());
      const image = `${fixture.registry.host}/talker:1`;
      const cases: readonly (readonly string[])[] = [
        [],
        ["-e", "FROM=me", "-e", "MORE=1"],
        ["-e", "FROM", "--entrypoint", ""],
        ["--entrypoint", "env", "-u", "root", "-i"],
      ];
      for (const [at, flags] of cases.entries()) {
        const command = flags.includes("--entrypoint") ? ["echo", "x"] : at === 1 ? ["echo $FROM"] : [];
        const made = await fixture.docker(
          "create",
          "--network",
          "none",
          "--name",
          "first",
          ...flags,
          image,
          ...command,
        );
        expectResult(made, { stdout: /^[0-9a-f]{64}\n$/, stderr: /^(Unable to find image[^]*)?$/ });
        const { stdout: line } = await fixture.tsd("inspect", "--as", "run", "first");
        if (at === 0) assert.equal(line, `tsd run --name first --network none ${image}\n`);
        // The printed command is `run`; the result is compared without starting it.
        const create = asShell(line, "second").replace("tsd run", "FROM=caller tsd create").replace("env -u FROM ", "");
        const unset = line.startsWith("env -u FROM ") ? create.replace("FROM=caller ", "") : create;
        expectResult(await fixture.shell(unset), { stdout: /^[0-9a-f]{64}\n$/ });
        assert.deepEqual(await settings(fixture, "second"), await settings(fixture, "first"), line);
        await fixture.remove("first", "second");
      }
      expectResult(await fixture.tsd("rmi", image), { stdout: /^Untagged/ });
    },
    "container clone keeps the settings, with a new name and the given overrides": async (fixture) => {
      const flags = ["-m", "64m", "-e", "A=1", "-l", "x=1", "--pids-limit", "40", "-w", "/tmp"];
      await fixture.background("web", ["sh", "-c", "echo $A $PWD; sleep 1000"], flags);
      expectResult(await fixture.tsd("container", "clone", "web"), { stdout: /^[0-9a-f]{64}\n$/ });
      assert.deepEqual(await settings(fixture, "web-clone"), await settings(fixture, "web"));
      expectResult(await fixture.tsd("ps", "-a", "--filter", "name=web-clone", "--format", "{{.Status}}"), {
        stdout: "Created\n",
      });
      const changed = ["container", "clone", "--run", "-m", "96m", "-e", "A=2", "--cpus", "0.5", "web", "other"];
      expectResult(await fixture.tsd(...changed), { stdout: /^[0-9a-f]{64}\n$/ });
      await fixture.until("its output", async () => (await fixture.tsd("logs", "other")).stdout !== "");
      expectResult(await fixture.tsd("logs", "other"), { stdout: "2 /tmp\n" });
      const format =
        "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";
      expectResult(await fixture.tsd("inspect", "-f", format, "other"), {
        stdout: `${96 << 20} ${192 << 20} 500000000 40\n`,
      });
      expectResult(await fixture.tsd("container", "clone", "web"), { stdout: /^[0-9a-f]{64}\n$/ });
      expectResult(await fixture.tsd("container", "clone", "--destroy", "web", "new"), {
        ...{ code: 1, stderr: /^tsd: cannot remove container "?\/?web"?: container is running/ },
      });
      expectResult(await fixture.tsd("container", "clone", "--destroy", "--force", "web", "newer"), {
        stdout: /^[0-9a-f]{64}\n$/,
      });
      expectResult(await fixture.tsd("inspect", "web"), { code: 1, stdout: "[]\n", stderr: /No such object: web/ });
      expectResult(await fixture.tsd("container", "clone", "absent"), {
        code: 1,
        stderr: "tsd: No such container: absent\n",
      });
      await fixture.remove("web-clone", "web-clone1", "other", "new", "newer");
    },
  },
  "docker",
  "tini-static",
);
