import { strict as assert } from "node:assert";
import { expectResult, scenario } from "./setup.ts";

scenario("tsd run: flags", {
  "without --rm the container is kept": async (fixture) => {
    expectResult(await fixture.tsd("run", "--name", "kept", fixture.image, "echo", "hi"), { stdout: "hi\n" });
    expectResult(await fixture.tsd("ps", "-a", "--format", "json"), {
      stdout: /"Names":"kept".*"Status":"Exited \(0\)/,
    });
    await fixture.remove("kept");
  },
  "the image's command, --entrypoint, and an empty one": async (fixture) => {
    expectResult(await fixture.run([]), {});
    expectResult(await fixture.run(["hello", "you"], ["--entrypoint", "echo"]), { stdout: "hello you\n" });
    expectResult(await fixture.run(["echo", "bare"], ["--entrypoint="]), { stdout: "bare\n" });
  },
  "-d prints the ID; the container keeps running, and is removed on exit with --rm": async (fixture) => {
    const id = await fixture.background("bg", ["sleep", "1000"], ["--rm"]);
    expectResult(await fixture.tsd("ps", "-q", "--no-trunc"), { stdout: `${id}\n` });
    expectResult(await fixture.tsd("kill", "bg"), { stdout: "bg\n" });
    await fixture.until("its removal", async () => (await fixture.containers()).length === 0);
  },
  "-e: given values, inherited and unset ones, and --env-file": async (fixture) => {
    await Deno.writeTextFile(`${fixture.dir}/env`, "# comment\nFROM_FILE=1\nOWN\n\nBOTH=file\n");
    const flags = [
      "-e",
      "A=b=c",
      "-e",
      "OWN",
      "-e",
      "BOTH=flag",
      "-e",
      "UNSET",
      "-e",
      "EMPTY=",
      "--env-file",
      `${fixture.dir}/env`,
    ];
    const args = ["run", "--rm", "--network", "none", "--hostname", "box", ...flags, fixture.image, "env"];
    const { code, stdout, stderr } = await fixture.engine.tsd(args, { env: { OWN: "from the caller" } });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.deepEqual(stdout.trimEnd().split("\n").sort(), [
      "A=b=c",
      "BOTH=flag",
      "EMPTY=",
      "FROM_FILE=1",
      "HOME=/root",
      "HOSTNAME=box",
      "OWN=from the caller",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
  },
  "-w creates a missing directory": async (fixture) => {
    expectResult(await fixture.run(["pwd"], ["-w", "/made/here"]), { stdout: "/made/here\n" });
    expectResult(await fixture.run(["pwd"]), { stdout: "/\n" });
  },
  "-u: names and numbers, with and without group": async (fixture) => {
    const cases: readonly (readonly [user: string, id: string])[] = [
      ["app", "1000:1000"],
      ["1000", "1000:1000"],
      ["4711", "4711:0"],
      ["4711:42", "4711:42"],
      ["app:0", "1000:0"],
      ["0", "0:0"],
    ];
    for (const [user, id] of cases) {
      expectResult(await fixture.run(["sh", "-c", "echo $(id -u):$(id -g)"], ["-u", user]), { stdout: `${id}\n` });
    }
  },
  "-v: read-write, read-only, a relative source; a missing directory is created": async (fixture) => {
    const { dir } = fixture;
    await Deno.mkdir(`${dir}/data`);
    expectResult(await fixture.run(["sh", "-c", "echo in >/mnt/file"], ["-v", `${dir}/data:/mnt`]), {});
    assert.equal(await Deno.readTextFile(`${dir}/data/file`), "in\n");
    expectResult(await fixture.run(["sh", "-c", "cat /mnt/file; echo x >/mnt/file"], ["-v", `${dir}/data:/mnt:ro`]), {
      ...{ code: 1, stdout: "in\n", stderr: "sh: can't create /mnt/file: Read-only file system\n" },
    });
    const relative = ["run", "--rm", "--network", "none", "-v", "./data:/mnt", fixture.image, "ls", "/mnt"];
    expectResult(await fixture.engine.tsd(relative, { cwd: dir }), { stdout: "file\n" });
    expectResult(await fixture.run(["sh", "-c", "echo y >/mnt/y"], ["-v", `${dir}/new/deep:/mnt`]), {});
    assert.equal(await Deno.readTextFile(`${dir}/new/deep/y`), "y\n");
    assert.equal((await Deno.stat(`${dir}/new`)).mode! & 0o7777, 0o755);
    expectResult(await fixture.run(["cat", "/etc/one"], ["-v", `${dir}/data/file:/etc/one`]), { stdout: "in\n" });
  },
  "--network none has a loopback device only, --network host is the host's": async (fixture) => {
    const script = "test -e /sys/class/net/lo; echo $?; tail -n +2 /proc/net/route | wc -l";
    expectResult(await fixture.run(["sh", "-c", script]), { stdout: "0\n0\n" });
    const own = await Deno.readLink("/proc/self/ns/net");
    const host = ["run", "--rm", "--network", "host", fixture.image, "readlink", "/proc/self/ns/net"];
    expectResult(await fixture.engine.tsd(host), { stdout: `${own}\n` });
    const { stdout } = await fixture.run(["readlink", "/proc/self/ns/net"]);
    assert.match(stdout, /^net:\[\d+\]\n$/);
    assert.notEqual(stdout.trim(), own);
  },
  "--hostname, or the first twelve digits of the ID": async (fixture) => {
    const script = ["sh", "-c", "hostname; cat /etc/hostname"];
    expectResult(await fixture.run(script, ["--hostname", "box"]), { stdout: "box\nbox\n" });
    const id = await fixture.background("named", script);
    expectResult(await fixture.tsd("wait", "named"), { stdout: "0\n" });
    expectResult(await fixture.tsd("logs", "named"), { stdout: `${id.slice(0, 12)}\n`.repeat(2) });
    await fixture.remove("named");
  },
  "--label appears in inspect and in filters": async (fixture) => {
    await fixture.background("labelled", ["true"], ["--label", "one=1", "-l", "two", "-l", "eq=a=b"]);
    const [found] = JSON.parse((await fixture.tsd("inspect", "labelled")).stdout);
    assert.deepEqual(found.Config.Labels, { one: "1", two: "", eq: "a=b" });
    for (const [filter, count] of [["one=1", 1], ["one", 1], ["one=2", 0], ["three", 0]] as const) {
      const { stdout } = await fixture.tsd("ps", "-aq", "--filter", `label=${filter}`);
      assert.equal(stdout.length, 13 * count, filter);
    }
    await fixture.remove("labelled");
  },
  "--read-only and --tmpfs": async (fixture) => {
    const script = "touch /tmp/x /run/y && grep -o '/run tmpfs.*size=[0-9]*k' /proc/mounts; touch /z";
    expectResult(
      await fixture.run(["sh", "-c", script], ["--read-only", "--tmpfs", "/tmp", "--tmpfs", "/run:size=4m"]),
      {
        code: 1,
        stdout: /^\/run tmpfs rw,nosuid,nodev,noexec,.*size=4096k\n$/,
        stderr: "touch: /z: Read-only file system\n",
      },
    );
  },
  "capabilities: the default set, --cap-drop, --cap-add, --privileged": async (fixture) => {
    const effective = async (...flags: string[]) => {
      const { stdout } = await fixture.run(["sh", "-c", "grep CapEff /proc/self/status"], flags);
      return BigInt(`0x${stdout.split("\t")[1]?.trim()}`);
    };
    const [chown, netAdmin] = [1n << 0n, 1n << 12n];
    assert.equal(await effective(), 0xa80425fbn);
    assert.equal(await effective("--cap-drop", "ALL"), 0n);
    assert.equal(await effective("--cap-drop", "chown"), 0xa80425fbn & ~chown);
    assert.equal(await effective("--cap-drop", "all", "--cap-add", "NET_ADMIN"), netAdmin);
    assert.equal(await effective("-u", "app"), 0n);
    // The engine's bounding set limits what it can grant.
    const status = await Deno.readTextFile(`/proc/${fixture.engine.pid}/status`);
    assert.equal(await effective("--privileged"), BigInt(`0x${/CapBnd:\s+(\w+)/.exec(status)![1]}`));
  },
  "--privileged gives access to the host's devices and allows mounts": async (fixture) => {
    const script = ["sh", "-c", "mount -t tmpfs none /mnt; echo $?; test -c /dev/kmsg; echo $?"];
    expectResult(await fixture.run(script, ["--privileged", "-w", "/mnt"]), {
      stdout: "0\n0\n",
      // If the engine itself lacks a capability, it prints a warning.
      stderr: /^(WARNING: Not available on this machine, so the container runs without: [A-Z_, ]+\n)?$/,
    });
    expectResult(await fixture.run(script, ["-w", "/mnt"]), {
      stdout: "1\n1\n",
      stderr: "mount: permission denied (are you root?)\n",
    });
  },
  "--stop-signal and --stop-timeout": async (fixture) => {
    const script = "trap 'exit 5' USR1; echo ready; while :; do sleep 0.02; done";
    await fixture.background("custom", ["sh", "-c", script], ["--stop-signal", "USR1", "--stop-timeout", "20"]);
    await fixture.until("the trap", async () => (await fixture.tsd("logs", "custom")).stdout === "ready\n");
    expectResult(await fixture.tsd("stop", "custom"), { stdout: "custom\n" });
    expectResult(await fixture.tsd("wait", "custom"), { stdout: "5\n" });
    await fixture.remove("custom");
  },
  "--cidfile": async (fixture) => {
    const path = `${fixture.dir}/cid`;
    expectResult(await fixture.run(["true"], ["--cidfile", path]), {});
    assert.match(await Deno.readTextFile(path), /^[0-9a-f]{64}$/);
    expectResult(await fixture.run(["true"], ["--cidfile", path]), {
      code: 125,
      stderr:
        /^container ID file found, make sure the other container isn't running or delete \S+\nSee 'tsd run --help'\.\n$/,
    });
  },
  "--pull never, missing, always": async (fixture) => {
    expectResult(await fixture.run(["true"], ["--pull", "never"]), {});
    const { code, stderr } = await fixture.run(["true"], ["--pull", "always"]);
    assert.equal(code, 0);
    assert.match(stderr, /^latest: Pulling from busybox\n[^]*Status: Image is up to date for \S+\n$/);
    expectResult(await fixture.run(["true"], ["--pull", "always", "-q"]), {});
  },
});

scenario("tsd run: a missing image", {
  "is pulled, and its progress goes to stderr": async (fixture) => {
    expectResult(await fixture.tsd("rmi", fixture.image), {
      stdout: /^Untagged: \S+\nUntagged: \S+@sha256:\w{64}\nDeleted: sha256:\w{64}\nDeleted: sha256:\w{64}\n$/,
    });
    const { code, stdout, stderr } = await fixture.run(["echo", "hi"]);
    assert.deepEqual([code, stdout], [0, "hi\n"]);
    const lines = stderr.replace(/^[0-9a-f]{12}:/gm, "LAYER:").replace(/sha256:\w{64}/, "DIGEST").split("\n");
    assert.deepEqual(lines, [
      `Unable to find image '${fixture.image}:latest' locally`,
      "latest: Pulling from busybox",
      "LAYER: Pulling fs layer",
      "LAYER: Verifying Checksum",
      "LAYER: Download complete",
      "LAYER: Pull complete",
      "Digest: DIGEST",
      `Status: Downloaded newer image for ${fixture.image}:latest`,
      "",
    ]);
  },
});
