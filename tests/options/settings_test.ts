/** Mounts, names, labels and files: the options of run, as seen in the container or in inspect. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { bothSee, CLIENTS, runWith } from "./clients.ts";

/** Returns the inspect output of a container created with these flags and never started. */
async function created(fixture: Fixture, client: "tsd" | "docker", flags: readonly string[], command: string[] = []) {
  const args = ["create", "--network", "none", "--name", "made", ...flags, fixture.image, ...command];
  // What the machine does not support is reported.
  const stderr = /^(WARNING: Your kernel does not support [^\n]+ discarded\.\n)*$/;
  expectResult(await fixture.engine[client](args), { stdout: /^[0-9a-f]{64}\n$/, stderr });
  const [found] = JSON.parse((await fixture.tsd("inspect", "made")).stdout);
  await fixture.remove("made");
  return found;
}

scenario("run: mounts", {
  "--mount type=bind: read-only, propagation, submounts": async (fixture) => {
    const { dir } = fixture;
    await Deno.mkdir(`${dir}/data/below`, { recursive: true });
    await Deno.writeTextFile(`${dir}/data/file`, "in\n");
    const base = `type=bind,src=${dir}/data,dst=/mnt`;
    await bothSee(fixture, ["--mount", `${base},readonly`], "cat /mnt/file; touch /mnt/x", {
      ...{ code: 1, stdout: "in\n", stderr: "touch: /mnt/x: Read-only file system\n" },
    });
    const shared = "grep -c ' /mnt .* shared:' /proc/self/mountinfo";
    await bothSee(fixture, ["--mount", `${base},bind-propagation=rprivate`], shared, { code: 1, stdout: "0\n" });
    await bothSee(fixture, ["--mount", base], "echo out >/mnt/out && cat /mnt/out", "out");
    assert.equal(await Deno.readTextFile(`${dir}/data/out`), "out\n");
    const relative = ["run", "--rm", "--network", "none", "--mount", "type=bind,src=./data,dst=/mnt", fixture.image];
    expectResult(await fixture.engine.tsd([...relative, "cat", "/mnt/file"], { cwd: dir }), { stdout: "in\n" });
  },
  "--mount type=bind over a mount: recursively read-only, or not, or without submounts": async (fixture) => {
    const { dir } = fixture;
    await Deno.mkdir(`${dir}/top/inner`, { recursive: true });
    expectResult(await fixture.shell(`mount -t tmpfs none ${dir}/top/inner`), {});
    try {
      const mount = (more: string) => ["--mount", `type=bind,src=${dir}/top,dst=/mnt,readonly${more}`];
      const write = "touch /mnt/inner/x 2>/dev/null && echo wrote || echo refused";
      await bothSee(fixture, mount(""), write, "refused");
      await bothSee(fixture, mount(",bind-recursive=writable"), write, "wrote");
      await bothSee(fixture, mount(",bind-recursive=readonly,bind-propagation=rprivate"), write, "refused");
      const below = "grep -c ' /mnt/inner ' /proc/self/mountinfo";
      await bothSee(fixture, mount(",bind-recursive=disabled"), below, { code: 1, stdout: "0\n" });
    } finally {
      await fixture.shell(`umount ${dir}/top/inner`);
    }
  },
  "--mount type=bind,bind-propagation: how later mounts propagate": async (fixture) => {
    const { dir } = fixture;
    await Deno.mkdir(`${dir}/shared/in`, { recursive: true });
    await Deno.mkdir(`${dir}/shared/out`);
    const ready = `mount --bind ${dir}/shared ${dir}/shared && mount --make-shared ${dir}/shared`;
    expectResult(await fixture.shell(ready), {});
    try {
      const seen = { private: "none", rprivate: "none", slave: "in", rslave: "in", shared: "both", rshared: "both" };
      for (const [mode, requested] of Object.entries(seen)) {
        const mount = `type=bind,src=${dir}/shared,dst=/m,bind-propagation=${mode}`;
        await fixture.background("box", undefined, ["--cap-add", "SYS_ADMIN", "--mount", mount]);
        expectResult(await fixture.shell("mount -t tmpfs none shared/in && : >shared/in/f"), {});
        const isIn = (await fixture.tsd("exec", "box", "ls", "/m/in")).stdout === "f\n";
        const made = "mount -t tmpfs none /m/out && touch /m/out/f";
        expectResult(await fixture.tsd("exec", "box", "sh", "-c", made), {});
        const isOut = (await fixture.shell("ls shared/out")).stdout === "f\n";
        assert.equal(isIn && isOut ? "both" : isIn ? "in" : isOut ? "out" : "none", requested, mode);
        await fixture.shell("umount shared/in; umount shared/out 2>/dev/null || true");
        await fixture.remove("box");
      }
    } finally {
      await fixture.shell("umount shared/in shared/out 2>/dev/null || true; umount shared");
    }
  },
  "--mount type=bind,bind-create-src: a missing directory, which is refused otherwise": async (fixture) => {
    const { dir } = fixture;
    const mount = (more: string) => ["--mount", `type=bind,src=${dir}/new/one,dst=/m${more}`];
    const refused = /invalid mount config for type "bind": bind source path does not exist: .*\/new\/one/;
    await bothSee(fixture, mount(""), "true", { code: 125, stderr: refused });
    expectResult(await runWith(fixture, "tsd", mount(",bind-create-src=false"), "true"), {
      code: 125,
      stderr: refused,
    });
    expectResult(await runWith(fixture, "tsd", mount(",bind-create-src"), "echo in >/m/f"), {});
    assert.equal(await Deno.readTextFile(`${dir}/new/one/f`), "in\n");
    await Deno.remove(`${dir}/new`, { recursive: true });
    const Mounts = [{ Type: "bind", Source: `${dir}/new`, Target: "/m", BindOptions: { CreateMountpoint: true } }];
    const body = { Image: fixture.image, Cmd: ["touch", "/m/x"], HostConfig: { NetworkMode: "none", Mounts } };
    const { Id } = (await fixture.engine.api.post("/containers/create", body)).json<{ Id: string }>();
    expectResult(await fixture.tsd("start", "-a", Id), {});
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dir}/new`), ({ name }) => name), ["x"]);
    await fixture.tsd("rm", Id);
  },
  "conflicting options of --mount, with docker's messages": async (fixture) => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ["type=volume,dst=/m,bind-recursive=disabled", /cannot mix 'bind-\*' options with mount type 'volume'/],
      ["type=bind,src=/tmp,dst=/m,volume-nocopy", /cannot mix 'volume-\*' options with mount type 'bind'/],
      ["type=bind,src=/tmp,dst=/m,tmpfs-size=1m", /cannot mix 'tmpfs-\*' options with mount type 'bind'/],
      ["type=tmpfs,dst=/m,image-subpath=x", /cannot mix 'image-\*' options with mount type 'tmpfs'/],
      ["type=bind,src=/tmp,dst=/m,bind-recursive=writable", /'bind-recursive=writable' requires 'readonly'/],
      ["type=bind,src=/tmp,dst=/m,bind-recursive=readonly,readonly", /requires 'bind-propagation=rprivate'/],
      ["type=bind,src=/tmp,dst=/m,bind-propagation=odd", /invalid propagation mode: odd/],
      ["type=tmpfs,dst=/m,tmpfs-mode=9", /invalid value for tmpfs-mode: 9/],
      ["type=tmpfs,dst=/m,tmpfs-size=lots", /invalid value for tmpfs-size: lots/],
      ["type=volume,src=data,dst=/m,volume-subpath=../x", /subpath must be a relative path within the volume/],
      ["type=volume,dst=/m,volume-subpath=x", /must not set Subpath when using anonymous volumes/],
      ["type=volume,src=data,dst=/m,volume-driver=odd", /error looking up volume plugin odd: plugin "odd" not found/],
      ["type=volume,src=data,dst=/m,volume-opt=odd=1", /invalid option: "odd"/],
      ["type=image,dst=/m", /invalid mount config for type "image": field Source must not be empty/],
      ["type=image,src=nosuch:1,dst=/m", /No such image: nosuch:1/],
    ];
    for (const [mount, stderr] of cases) {
      await bothSee(fixture, ["--pull", "never", "--mount", mount], "true", { code: 125, stderr });
    }
  },
  "--mount type=tmpfs and --tmpfs: size, mode, read-only, options": async (fixture) => {
    const info = "stat -c %a /t; df -k /t | tail -n 1 | awk '{ print $2 }'";
    await bothSee(fixture, ["--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1700"], info, "1700\n1024");
    await bothSee(fixture, ["--tmpfs", "/t:size=2m,mode=0750,exec"], info, "750\n2048");
    const options = "awk '$2 == \"/t\" { print $4 }' /proc/mounts";
    await bothSee(fixture, ["--mount", "type=tmpfs,dst=/t,ro"], options, { stdout: /^ro,nosuid,nodev,noexec/ });
    await bothSee(fixture, ["--read-only", "--tmpfs", "/t"], "touch /t/x; touch /x", {
      ...{ code: 1, stderr: "touch: /x: Read-only file system\n" },
    });
  },
}, "docker");

scenario("run: names", {
  "--hostname, --domainname, --add-host": async (fixture) => {
    const flags = [
      "-h",
      "box",
      "--domainname",
      "example.test",
      "--add-host",
      "other:10.1.2.3",
      "--add-host",
      "six:::1",
    ];
    const script = "hostname; cat /proc/sys/kernel/domainname; grep -E 'other|six' /etc/hosts";
    await bothSee(fixture, flags, script, "box\nexample.test\n10.1.2.3\tother\n::1\tsix");
  },
  "--dns, --dns-search, --dns-option": async (fixture) => {
    const flags = ["--dns", "10.0.0.1", "--dns", "fd00::1", "--dns-search", "a.test", "--dns-option", "ndots:3"];
    const file = "nameserver 10.0.0.1\nnameserver fd00::1\nsearch a.test\noptions ndots:3";
    await bothSee(fixture, flags, "cat /etc/resolv.conf", file);
    await bothSee(fixture, ["--dns-search", "."], "grep -c search /etc/resolv.conf", { code: 1, stdout: "0\n" });
  },
  "on the host's network the hostname is the host's": async (fixture) => {
    for (const client of CLIENTS) {
      const args = ["run", "--rm", "--network", "host", fixture.image, "sh", "-c", "hostname; echo $HOSTNAME"];
      expectResult(await fixture.engine[client](args), { stdout: `${Deno.hostname()}\n`.repeat(2) });
    }
  },
  "--label, --label-file, --annotation, --expose, --stop-signal, --stop-timeout are kept": async (fixture) => {
    const file = `${fixture.dir}/labels`;
    await Deno.writeTextFile(file, "# labels\nfrom=file\nboth=file\n");
    const flags = [
      ...["--label-file", file, "-l", "both=flag", "-l", "bare", "--annotation", "org.example=yes", "--expose", "80"],
      ...["--expose", "53-54/udp", "--stop-signal", "QUIT", "--stop-timeout", "3"],
    ];
    for (const client of CLIENTS) {
      const { Config, HostConfig, NetworkSettings } = await created(fixture, client, flags);
      assert.deepEqual(Config.Labels, { from: "file", both: "flag", bare: "" });
      assert.deepEqual(Object.keys(Config.ExposedPorts).sort(), ["53/udp", "54/udp", "80/tcp"]);
      assert.deepEqual([Config.StopSignal, Config.StopTimeout], ["QUIT", 3]);
      assert.deepEqual(HostConfig.Annotations, { "org.example": "yes" });
      assert.deepEqual(NetworkSettings.Ports, {});
    }
  },
  "--cidfile: the ID, and no file if no container was created": async (fixture) => {
    const file = `${fixture.dir}/cid`;
    for (const client of CLIENTS) {
      const create = (...more: string[]) =>
        fixture.engine[client]([
          "create",
          "--cidfile",
          file,
          "--network",
          "none",
          "--name",
          "ided",
          ...more,
          fixture.image,
        ]);
      const { stdout } = await create();
      assert.equal(await Deno.readTextFile(file), stdout.trim());
      assert.match((await create()).stderr, /[Cc]ontainer ID file found/);
      await Deno.remove(file);
      assert.notEqual((await create("-m", "1m")).code, 0);
      await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
      await fixture.remove("ided");
    }
  },
  "inspect shows a container's limits and isolation": async (fixture) => {
    const flags = [
      ..."-m 64m --cpus 0.5 --pids-limit 9 --cgroup-parent /p --ulimit nofile=1:2 --security-opt no-new-privileges"
        .split(
          " ",
        ),
      ..."--device /dev/null:/dev/x:r --group-add wheel --pid host --ipc shareable --blkio-weight 20".split(" "),
    ];
    for (const client of CLIENTS) {
      const { HostConfig } = await created(fixture, client, flags);
      const { Memory, MemorySwap, NanoCpus, PidsLimit, CgroupParent, Ulimits, SecurityOpt } = HostConfig;
      assert.deepEqual([Memory, MemorySwap, NanoCpus, PidsLimit], [64 << 20, 128 << 20, 5e8, 9]);
      assert.deepEqual([CgroupParent, SecurityOpt], ["/p", ["no-new-privileges"]]);
      assert.deepEqual(Ulimits, [{ Name: "nofile", Hard: 2, Soft: 1 }]);
      const { Devices, GroupAdd, PidMode, IpcMode, BlkioWeight, Runtime } = HostConfig;
      assert.deepEqual(Devices, [
        { PathOnHost: "/dev/null", PathInContainer: "/dev/x", CgroupPermissions: "r" },
      ]);
      assert.deepEqual([GroupAdd, PidMode, IpcMode, BlkioWeight, Runtime], [
        ...[["wheel"], "host", "shareable", 20, "runc"],
      ]);
    }
  },
}, "docker");
