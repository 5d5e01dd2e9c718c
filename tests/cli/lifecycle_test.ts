import { strict as assert } from "node:assert";
import { Deadline } from "../harness/mod.ts";
import { expectResult, type Fixture, scenario } from "./setup.ts";

/** Runs `tsd create --network none --name NAME IMAGE COMMAND…` and returns the ID. */
async function created(fixture: Fixture, name: string, command: readonly string[], flags: readonly string[] = []) {
  const result = await fixture.tsd("create", "--network", "none", "--name", name, ...flags, fixture.image, ...command);
  expectResult(result, { stdout: /^[0-9a-f]{64}\n$/ });
  return result.stdout.trim();
}

interface Inspected {
  readonly Id: string;
  readonly State: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

async function inspected(fixture: Fixture, name: string): Promise<Inspected> {
  const result = await fixture.tsd("inspect", name);
  expectResult(result, { stdout: /^\[\n {4}\{\n/ });
  return JSON.parse(result.stdout)[0];
}

scenario("tsd: create, start, stop, kill, wait, rm", {
  "created, running, exited, restarted, removed": async (fixture) => {
    const id = await created(fixture, "job", ["sh", "-c", "echo run; exit 3"]);
    const fresh = await inspected(fixture, "job");
    assert.equal(fresh.Id, id);
    assert.deepEqual([fresh.State.Status, fresh.State.StartedAt], ["created", "0001-01-01T00:00:00Z"]);
    expectResult(await fixture.tsd("start", "-a", "job"), { code: 3, stdout: "run\n" });
    const ended = (await inspected(fixture, id)).State;
    assert.deepEqual([ended.Status, ended.Running, ended.Pid, ended.ExitCode], ["exited", false, 0, 3]);
    assert.ok(String(ended.StartedAt) <= String(ended.FinishedAt));
    expectResult(await fixture.tsd("start", id.slice(0, 12)), { stdout: `${id.slice(0, 12)}\n` });
    expectResult(await fixture.tsd("wait", "job"), { stdout: "3\n" });
    expectResult(await fixture.tsd("logs", "job"), { stdout: "run\nrun\n" });
    await fixture.remove("job");
    expectResult(await fixture.tsd("inspect", "job"), {
      code: 1,
      stdout: "[]\n",
      stderr: "Error: No such object: job\n",
    });
  },
  "files that one run created are visible in the next": async (fixture) => {
    await created(fixture, "keeps", ["sh", "-c", "echo x >>/file; cat /file"]);
    expectResult(await fixture.tsd("start", "-a", "keeps"), { stdout: "x\n" });
    expectResult(await fixture.tsd("start", "-a", "keeps"), { stdout: "x\nx\n" });
    await fixture.remove("keeps");
  },
  "start -a -i feeds standard input; start -i does not if the container was created without -i": async (fixture) => {
    await created(fixture, "reader", ["sh", "-c", "cat; echo end"], ["-i"]);
    const fed = await fixture.engine.tsd(["start", "-a", "-i", "reader"], { stdin: "one\ntwo\n" });
    expectResult(fed, { stdout: "one\ntwo\nend\n" });
    const again = await fixture.engine.tsd(["start", "-ai", "reader"], { stdin: "three\n" });
    expectResult(again, { stdout: "three\nend\n" });
    await created(fixture, "deaf", ["cat"]);
    expectResult(await fixture.engine.tsd(["start", "-ai", "deaf"], { stdin: "lost\n" }), {});
    await fixture.remove("reader", "deaf");
  },
  "start of a running container succeeds; -a accepts one container only": async (fixture) => {
    await fixture.background("up");
    expectResult(await fixture.tsd("start", "up"), { stdout: "up\n" });
    expectResult(await fixture.tsd("start", "-a", "up", "up"), {
      code: 1,
      stderr: "you cannot start and attach multiple containers at once\n",
    });
    await fixture.remove("up");
  },
  "stop: its signal, the timeout, and a container that has stopped already": async (fixture) => {
    const polite = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
    await fixture.background("polite", ["sh", "-c", polite]);
    await fixture.background("deaf");
    await fixture.until("the trap", async () => (await fixture.tsd("logs", "polite")).stdout === "ready\n");
    expectResult(await fixture.tsd("stop", "polite"), { stdout: "polite\n" });
    expectResult(await fixture.tsd("logs", "polite"), { stdout: "ready\nbye\n" });
    const [before, soon] = [performance.now(), new Deadline(4000)];
    expectResult(await fixture.tsd("stop", "-t", "1", "deaf"), { stdout: "deaf\n" });
    const tookMs = performance.now() - before;
    assert.ok(tookMs >= 1000 && !soon.isOver, `${tookMs} ms`);
    expectResult(await fixture.tsd("wait", "polite", "deaf"), { stdout: "0\n137\n" });
    expectResult(await fixture.tsd("stop", "polite", "deaf"), { stdout: "polite\ndeaf\n" });
    await fixture.remove("polite", "deaf");
  },
  "kill: SIGKILL, another signal by name or number": async (fixture) => {
    const script = 'for s in HUP USR1; do trap "echo $s" $s; done; echo ready; while :; do sleep 0.02; done';
    await fixture.background("target", ["sh", "-c", script]);
    const logs = (text: string) =>
      fixture.until(text, async () => (await fixture.tsd("logs", "target")).stdout === text);
    await logs("ready\n");
    expectResult(await fixture.tsd("kill", "-s", "HUP", "target"), { stdout: "target\n" });
    await logs("ready\nHUP\n");
    expectResult(await fixture.tsd("kill", "--signal", "10", "target"), { stdout: "target\n" });
    await logs("ready\nHUP\nUSR1\n");
    expectResult(await fixture.tsd("kill", "-s", "SIGKILL", "target"), { stdout: "target\n" });
    expectResult(await fixture.tsd("wait", "target"), { stdout: "137\n" });
    await fixture.remove("target");
  },
  "wait blocks until the container exits": async (fixture) => {
    await fixture.background("slow", ["sh", "-c", "sleep 0.5; exit 9"]);
    const before = performance.now();
    expectResult(await fixture.tsd("wait", "slow"), { stdout: "9\n" });
    assert.ok(performance.now() - before > 200);
    await fixture.remove("slow");
  },
  "rm -f removes a running container and ignores a missing one": async (fixture) => {
    await fixture.background("up");
    expectResult(await fixture.tsd("rm", "-f", "up", "absent"), {
      ...{ code: 0, stdout: "up\n", stderr: "tsd: No such container: absent\n" },
    });
  },
  "every target is tried, and the exit code is 1 if one failed": async (fixture) => {
    await fixture.background("one");
    await fixture.background("two");
    const absent = "tsd: No such container: absent\n";
    for (const verb of [["stop", "-t", "0"], ["start"], ["kill"], ["wait"], ["rm"]]) {
      const stdout = verb[0] === "wait" ? "137\n137\n" : "one\ntwo\n";
      const stderr = verb[0] === "kill" ? absent.replace("No", "cannot kill container: absent: No") : absent;
      expectResult(await fixture.tsd(...verb, "one", "absent", "two"), { code: 1, stdout, stderr });
      if (verb[0] === "kill") await fixture.tsd("wait", "one", "two");
    }
  },
  "an image in use stays; its forced removal does not break the container": async (fixture) => {
    await created(fixture, "user", ["echo", "still here"]);
    expectResult(await fixture.tsd("rmi", fixture.image), {
      code: 1,
      stderr:
        /^tsd: conflict: unable to remove repository reference "\S+" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}\n$/,
    });
    expectResult(await fixture.tsd("rmi", "-f", fixture.image), { stdout: /^Untagged: / });
    expectResult(await fixture.tsd("start", "-a", "user"), { stdout: "still here\n" });
    expectResult(await fixture.tsd("ps", "-a", "--format", "json"), { stdout: /"Names":"user"/ });
    await fixture.remove("user");
    expectResult(await fixture.tsd("pull", "-q", fixture.image), { stdout: `${fixture.image}:latest\n` });
  },
});

scenario("tsd: ps and inspect", {
  "ps: columns, all, quiet, last, full IDs": async (fixture) => {
    const up = await fixture.background("up", ["sleep", "1000"]);
    const done = await created(fixture, "fresh", ["sh", "-c", "echo a rather long command line"]);
    const table = (await fixture.tsd("ps", "-a")).stdout.split("\n").map((line) => line.trimEnd().split(/ {2,}/));
    assert.deepEqual(table[0], ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]);
    assert.deepEqual(
      table[1]?.slice(0, 3),
      [done.slice(0, 12), fixture.image, '"sh -c \'echo a rathe…"'],
    );
    // Columns are separated by two spaces or more; that of PORTS is empty.
    assert.deepEqual(table[1]?.slice(4), ["Created", "fresh"]);
    assert.match(table[2]?.[4] ?? "", /^Up (Less than a second|\d seconds?)$/);
    assert.deepEqual(table[2]?.slice(5), ["up"]);
    expectResult(await fixture.tsd("ps", "-q"), { stdout: `${up.slice(0, 12)}\n` });
    expectResult(await fixture.tsd("ps", "-aq", "--no-trunc"), { stdout: `${done}\n${up}\n` });
    expectResult(await fixture.tsd("ps", "-lq"), { stdout: `${done.slice(0, 12)}\n` });
    expectResult(await fixture.tsd("ps", "-n", "2", "-q"), { stdout: `${done.slice(0, 12)}\n${up.slice(0, 12)}\n` });
    await fixture.remove("up", "fresh");
  },
  "ps filters: values of one key are alternatives, all keys must match": async (fixture) => {
    await fixture.background("alpha", ["sleep", "1000"], ["--label", "team=red", "--label", "both"]);
    await created(fixture, "beta", ["true"], ["--label", "team=blue", "--label", "both"]);
    await fixture.background("gamma", ["sh", "-c", "exit 3"]);
    await fixture.tsd("wait", "gamma");
    const id = (await inspected(fixture, "alpha")).Id;
    const cases: readonly (readonly [filters: string[], names: string[]])[] = [
      [["name=alpha"], ["alpha"]],
      [["name=a$"], ["alpha", "beta", "gamma"]],
      [["name=^/beta$"], ["beta"]],
      [[`id=${id.slice(0, 6)}`], ["alpha"]],
      [["label=both"], ["alpha", "beta"]],
      [["label=team=red"], ["alpha"]],
      [["label=both", "label=team=blue"], ["beta"]],
      [["status=running"], ["alpha"]],
      [["status=created", "status=exited"], ["beta", "gamma"]],
      [["exited=3"], ["gamma"]],
      [["exited=0"], []],
      [["name=beta", "status=running"], []],
      [["before=beta"], ["alpha"]],
      [["since=beta"], ["gamma"]],
      [[`ancestor=${fixture.image}`], ["alpha", "beta", "gamma"]],
      [["ancestor=nobody"], []],
      [["network=none"], ["alpha", "beta", "gamma"]],
      [["network=host"], []],
    ];
    for (const [filters, names] of cases) {
      const args = filters.flatMap((filter) => ["--filter", filter]);
      const { code, stdout, stderr } = await fixture.tsd("ps", "-a", "--format", "json", ...args);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, filters.join(" "));
      const found = stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).Names).sort();
      assert.deepEqual(found, names, filters.join(" "));
    }
    // Even without -a, the state filter includes stopped containers.
    expectResult(await fixture.tsd("ps", "-q", "--filter", "status=exited"), { stdout: /^[0-9a-f]{12}\n$/ });
    expectResult(await fixture.tsd("ps", "--filter", "nonsense=1"), {
      code: 1,
      stderr: "tsd: invalid filter 'nonsense'\n",
    });
    await fixture.remove("alpha", "beta", "gamma");
  },
  "inspect shows a container's settings as Docker does": async (fixture) => {
    const flags = [
      "--hostname",
      "box",
      "-u",
      "app",
      "-w",
      "/tmp",
      "-e",
      "A=1",
      "-v",
      `${fixture.dir}:/mnt:ro`,
      "--rm",
    ];
    await created(fixture, "look", ["echo", "hi"], flags);
    const found = await inspected(fixture, "look");
    const config = found.Config as Record<string, unknown>;
    const { Path, Args, Name, RestartCount, Driver, Platform } = found;
    assert.deepEqual({ Path, Args, Name, RestartCount, Driver, Platform }, {
      ...{
        Path: "echo",
        Args: ["hi"],
        Name: "/look",
        RestartCount: 0,
        Driver: fixture.engine.driver,
        Platform: "linux",
      },
    });
    assert.deepEqual([config.Hostname, config.User, config.WorkingDir, config.Image], [
      "box",
      "app",
      "/tmp",
      fixture.image,
    ]);
    assert.deepEqual(config.Env, ["A=1", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]);
    assert.deepEqual(found.Mounts, [{
      ...{ Type: "bind", Source: fixture.dir, Destination: "/mnt", Mode: "ro", RW: false, Propagation: "rprivate" },
    }]);
    const host = found.HostConfig as Record<string, unknown>;
    assert.deepEqual([host.NetworkMode, host.AutoRemove, host.Binds], ["none", true, [`${fixture.dir}:/mnt:ro`]]);
    assert.equal(found.LogPath, "", "it has none before it is started");
    const settings = found.NetworkSettings as Record<string, unknown>;
    assert.deepEqual([settings.Ports, Object.keys(settings.Networks as object)], [{}, ["none"]]);
    await fixture.remove("look");
  },
  "inspect: several objects, some missing; images; all in one line with --format json": async (fixture) => {
    const id = await created(fixture, "some", ["true"]);
    const both = await fixture.tsd("inspect", "some", "absent", fixture.image);
    assert.deepEqual([both.code, both.stderr], [1, "Error: No such object: absent\n"]);
    const [container, image] = JSON.parse(both.stdout);
    assert.deepEqual([container.Id, image.RepoTags], [id, [`${fixture.image}:latest`]]);
    expectResult(await fixture.tsd("inspect", "--format", "json", "some", fixture.image), {
      stdout: /^\[\{.*\},\{.*\}\]\n$/,
    });
    expectResult(await fixture.tsd("inspect", "--type", "image", "some"), {
      ...{ code: 1, stdout: "[]\n", stderr: "tsd: No such image: some:latest\n" },
    });
    await fixture.remove("some");
  },
});
