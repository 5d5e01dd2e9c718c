/** The real docker CLI and the raw API: prune and system df. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { busyboxBuilder, file, type Image, pushImage } from "../images/mod.ts";

/** The size of the layer's content on top of busybox. */
const APP_BYTES = 1234;

/** Pulls `HOST/NAME:1`: busybox and an additional layer. */
async function pulledApp(fixture: Fixture, name: string, labels: Record<string, string> = {}): Promise<Image> {
  const builder = busyboxBuilder().layer([file("app", name.padEnd(APP_BYTES, "."))]);
  const image = await builder.config({ Labels: labels }).build();
  await pushImage(fixture.registry.url, name, "1", image);
  expectResult(await fixture.docker("pull", "-q", `${fixture.registry.host}/${name}:1`), { stdout: /./ });
  return image;
}

/** Removes an image's only tag by moving it to another image. */
async function makeDangling(fixture: Fixture, name: string): Promise<void> {
  expectResult(await fixture.docker("tag", fixture.image, `${fixture.registry.host}/${name}:1`), {});
  expectResult(await fixture.docker("rmi", `${fixture.registry.host}/${name}:1`), { stdout: /^Untagged: \S+\n$/ });
}

/** Runs docker and returns the image events meanwhile: action, ID, name; of prune the reclaimed bytes. */
async function eventsOf(fixture: Fixture, run: () => Promise<void>): Promise<string[]> {
  const since = (Date.now() / 1000).toFixed(3);
  await run();
  const format = "{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.Actor.Attributes.reclaimed}}";
  const range = ["--since", since, "--until", ((Date.now() + 1) / 1000).toFixed(3)];
  const { stdout } = await fixture.docker("events", ...range, "--format", format);
  return stdout.trimEnd().split("\n").map((line) => line.replaceAll(" <no value>", "").trimEnd());
}

scenario("docker: prune", {
  "container prune removes exited containers with their writable layers; running ones stay": async (fixture) => {
    const running = await fixture.background("up");
    const ended = await fixture.background("ended", ["sh", "-c", "head -c 5000 /dev/zero >/zeros"]);
    await fixture.docker("wait", "ended");
    const created = (await fixture.docker("create", "--name", "fresh", "--network", "none", fixture.image)).stdout
      .trim();
    expectResult(await fixture.docker("pause", "up"), { stdout: "up\n" });
    const events = await eventsOf(fixture, async () => {
      const pruned = await fixture.docker("container", "prune", "-f");
      expectResult(pruned, { stdout: `Deleted Containers:\n${created}\n${ended}\n\nTotal reclaimed space: 5kB\n` });
    });
    assert.deepEqual(events, [
      `container destroy ${created} fresh`,
      `container destroy ${ended} ended`,
      "container prune  5000",
    ]);
    assert.deepEqual(await fixture.containers(), [running]);
    expectResult(await fixture.docker("container", "prune", "-f"), { stdout: "Total reclaimed space: 0B\n" });
    await fixture.docker("unpause", "up");
    await fixture.remove("up");
  },
  "container prune prompts, and end of input declines": async (fixture) => {
    await fixture.background("ended", ["true"]);
    await fixture.docker("wait", "ended");
    const question = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ";
    for (const stdin of ["", "n\n"]) {
      expectResult(await fixture.engine.docker(["container", "prune"], { stdin }), { stdout: question });
    }
    assert.equal((await fixture.containers()).length, 1);
    expectResult(await fixture.engine.docker(["container", "prune"], { stdin: "y\n" }), {
      stdout: /\[y\/N\] Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B\n$/,
    });
  },
  "container prune: filters": async (fixture) => {
    await fixture.background("one", ["true"], ["-l", "job=a", "-l", "keep"]);
    await fixture.background("two", ["true"], ["-l", "job=b"]);
    await fixture.docker("wait", "one", "two");
    const left = async () => (await fixture.docker("ps", "-a", "--format", "{{.Names}}")).stdout.trim().split("\n");
    for (const filter of ["until=1h", "until=2000-01-01", "label=none", "label!=job", "label=job=c"]) {
      expectResult(await fixture.docker("container", "prune", "-f", "--filter", filter), {
        stdout: "Total reclaimed space: 0B\n",
      });
    }
    expectResult(await fixture.docker("container", "prune", "-f", "--filter", "label!=keep"), { stdout: /^Deleted/ });
    assert.deepEqual(await left(), ["one"]);
    for (
      const [filter, why] of [
        ["nosuch=1", "invalid filter 'nosuch'"],
        ["until=later", 'failed to parse value as time or duration: "later"'],
      ]
    ) {
      expectResult(await fixture.docker("container", "prune", "-f", "--filter", filter), {
        code: 1,
        stderr: `Error response from daemon: ${why}\n`,
      });
    }
    expectResult(
      await fixture.docker(
        "container",
        "prune",
        "-f",
        "--filter",
        "label=job=a",
        "--filter",
        "label=keep",
        "--filter",
        "until=0s",
      ),
      { stdout: /^Deleted/ },
    );
  },
  "image prune removes images without a tag and a container": async (fixture) => {
    const { host } = fixture.registry;
    const [removed, used] = [await pulledApp(fixture, "gone"), await pulledApp(fixture, "used")];
    await pulledApp(fixture, "named");
    for (const name of ["gone", "used"]) await makeDangling(fixture, name);
    await fixture.background("user", ["sleep", "1000"]);
    expectResult(await fixture.docker("create", "--name", "stopped", "--network", "none", used.config.digest), {
      stdout: /./,
    });
    const events = await eventsOf(fixture, async () => {
      expectResult(await fixture.docker("image", "prune", "-f"), {
        stdout: new RegExp(
          `^Deleted Images:\nuntagged: ${host}/gone@${removed.top.digest}\ndeleted: ${removed.config.digest}\n` +
            `deleted: sha256:\\w{64}\n\nTotal reclaimed space: 1\\.234kB\n$`,
        ),
      });
    });
    const id = removed.config.digest;
    assert.deepEqual(events, [`image untag ${id} ${id}`, `image delete ${id} ${id}`, "image prune  1234"]);
    expectResult(await fixture.docker("image", "prune", "-f"), { stdout: "Total reclaimed space: 0B\n" });
    await fixture.remove("user", "stopped");
    expectResult(await fixture.docker("image", "prune", "-f"), {
      stdout: new RegExp(`deleted: ${used.config.digest}\n`),
    });
    expectResult(await fixture.docker("rmi", `${host}/named:1`), { stdout: /./ });
  },
  "image prune -a removes unused images with all their names; filters": async (fixture) => {
    const { host } = fixture.registry;
    const [red, blue] = [
      await pulledApp(fixture, "red", { team: "red" }),
      await pulledApp(fixture, "blue", { team: "blue" }),
    ];
    await fixture.docker("tag", `${host}/red:1`, "red:2");
    await fixture.background("user", ["sleep", "1000"]);
    const prune = (...filters: string[]) =>
      fixture.docker("image", "prune", "-af", ...filters.flatMap((filter) => ["--filter", filter]));
    for (const filter of ["label=team=green", "label!=team", "until=2001-01-01"]) {
      expectResult(await prune(filter), { stdout: "Total reclaimed space: 0B\n" });
    }
    expectResult(await prune("label=team=red"), {
      stdout: new RegExp(
        `^Deleted Images:\nuntagged: ${host}/red:1\nuntagged: ${host}/red@\\S+\nuntagged: red:2\n` +
          `deleted: ${red.config.digest}\ndeleted: sha256:\\w{64}\n\nTotal reclaimed space: 1\\.234kB\n$`,
      ),
    });
    expectResult(await prune(), { stdout: new RegExp(`deleted: ${blue.config.digest}\n`) });
    // An image in use by a container keeps all its names.
    await fixture.docker("tag", fixture.image, "second:1");
    expectResult(await prune(), { stdout: "Total reclaimed space: 0B\n" });
    expectResult(await fixture.docker("rmi", "second:1"), { stdout: "Untagged: second:1\n" });
    await fixture.remove("user");
  },
  "system prune removes containers, then what they used; networks, volumes and build cache have nothing": async (
    fixture,
  ) => {
    const image = await pulledApp(fixture, "app");
    await makeDangling(fixture, "app");
    const run = ["run", "--name", "ended", "--network", "none", image.config.digest, "true"];
    expectResult(await fixture.docker(...run), {});
    const kept = await fixture.background("up");
    const events = await eventsOf(fixture, async () => {
      const question = /^WARNING! This will remove:\n( {2}- .*\n)+\nAre you sure you want to continue\? \[y\/N\] $/;
      expectResult(await fixture.engine.docker(["system", "prune"], { stdin: "" }), { stdout: question });
      expectResult(await fixture.docker("system", "prune", "-f", "--volumes"), {
        stdout: new RegExp(
          "^Deleted Containers:\n\\w{64}\n\nDeleted Images:\nuntagged: \\S+\n" +
            `deleted: ${image.config.digest}\ndeleted: sha256:\\w{64}\n\nTotal reclaimed space: 1\\.234kB\n$`,
        ),
      });
    });
    assert.deepEqual(events.filter((line) => line.includes(" prune")), [
      "container prune  0",
      "network prune  0",
      "volume prune  0",
      "image prune  1234",
      "builder prune  0",
    ]);
    assert.deepEqual(await fixture.containers(), [kept]);
    await fixture.remove("up");
  },
  "networks, volumes and build cache: empty responses in Docker's format": async (fixture) => {
    expectResult(await fixture.docker("network", "prune", "-f"), {});
    expectResult(await fixture.docker("volume", "prune", "-af"), { stdout: "Total reclaimed space: 0B\n" });
    expectResult(await fixture.engine.docker(["builder", "prune", "-f"], { env: { DOCKER_BUILDKIT: "0" } }), {
      stdout: /Total( reclaimed space)?:\s+0B\n$/,
      stderr: /^(DEPRECATED: [^]*)?$/,
    });
    const { api } = fixture.engine;
    const answers: Readonly<Record<string, unknown>> = {
      "/containers/prune": { ContainersDeleted: null, SpaceReclaimed: 0 },
      "/images/prune": { ImagesDeleted: null, SpaceReclaimed: 0 },
      "/networks/prune": { NetworksDeleted: null },
      "/volumes/prune": { VolumesDeleted: [], SpaceReclaimed: 0 },
      "/build/prune?all=1": { CachesDeleted: null, SpaceReclaimed: 0 },
    };
    for (const [path, body] of Object.entries(answers)) {
      const answer = await api.post(path);
      assert.deepEqual([answer.status, answer.json()], [200, body], path);
    }
    const filters = (value: object) => encodeURIComponent(JSON.stringify(value));
    const refused: Readonly<Record<string, string>> = {
      [`/networks/prune?filters=${filters({ nosuch: ["1"] })}`]: "invalid filter 'nosuch'",
      [`/volumes/prune?filters=${filters({ until: ["1h"] })}`]: "invalid filter 'until'",
      [`/build/prune?filters=${filters({ nosuch: ["1"] })}`]: "invalid filter 'nosuch'",
      [`/containers/prune?filters=${filters({ until: ["1h", "2h"] })}`]: "more than one until filter specified",
      [`/images/prune?filters=${filters({ dangling: ["maybe"] })}`]: "invalid filter 'dangling=[maybe]'",
      "/tsd/prune?kind=nosuch": 'Cannot prune "nosuch": give container, network, volume, image, download, build-cache',
    };
    for (const [path, message] of Object.entries(refused)) {
      const answer = await api.post(path);
      assert.deepEqual([answer.status, answer.json()], [400, { message }], path);
    }
  },
}, "docker");

interface Usage {
  readonly LayersSize: number;
  readonly Images: {
    readonly Id: string;
    readonly Size: number;
    readonly SharedSize: number;
    readonly Containers: number;
  }[] | null;
  readonly Containers: { readonly Id: string; readonly SizeRw: number; readonly SizeRootFs: number }[] | null;
  readonly Volumes: unknown[] | null;
  readonly BuildCache: unknown[] | null;
}

scenario("docker: system df", {
  "rows and details": async (fixture) => {
    const { host } = fixture.registry;
    const app = await pulledApp(fixture, "app");
    await fixture.background("writer", ["sh", "-c", "head -c 5000 /dev/zero >/zeros; exec sleep 1000"]);
    await fixture.docker(
      "run",
      "--name",
      "ended",
      "--network",
      "none",
      fixture.image,
      "sh",
      "-c",
      "head -c 2000 /dev/zero >/a",
    );
    await fixture.until("the file to be there", async () => {
      return (await fixture.docker("exec", "writer", "sh", "-c", "[ $(wc -c </zeros) = 5000 ]")).code === 0;
    });
    const usage = (await fixture.engine.api.get("/system/df")).json<Usage>();
    const [base, own] = [
      usage.Images!.find(({ Id }) => Id !== app.config.digest)!,
      usage.Images!.find(({ Id }) => Id === app.config.digest)!,
    ];
    assert.equal(usage.LayersSize, base.Size + APP_BYTES);
    assert.deepEqual([own.Size, own.SharedSize, own.Containers], [base.Size + APP_BYTES, base.Size, 0]);
    assert.deepEqual([base.SharedSize, base.Containers], [base.Size, 2]);
    assert.deepEqual(usage.Containers!.map(({ SizeRw, SizeRootFs }) => [SizeRw, SizeRootFs - base.Size]), [
      [2000, 2000],
      [5000, 5000],
    ]);
    assert.deepEqual([usage.Volumes, usage.BuildCache], [[], []]);
    const table = (await fixture.docker("system", "df")).stdout.trimEnd().split("\n").map((line) =>
      line.split(/ {2,}/)
    );
    assert.deepEqual(table.map((cells) => cells.slice(0, 3)), [
      ["TYPE", "TOTAL", "ACTIVE"],
      ["Images", "2", "1"],
      ["Containers", "2", "1"],
      ["Local Volumes", "0", "0"],
      ["Build Cache", "0", "0"],
    ]);
    assert.deepEqual(table[2]!.slice(3).map((cell) => cell.trim()), ["7kB", "2kB (28%)"]);
    const details = await fixture.docker("system", "df", "-v");
    expectResult(details, {
      stdout: /^Images space usage:\n\nREPOSITORY .*\n[^]*\n\nContainers space usage:\n\nCONTAINER ID .*\n/,
    });
    assert.match(details.stdout, new RegExp(`^${host}/app\\s+1\\s+\\w{12}\\s+.*\\s1\\.234kB\\s+0\\s*$`, "m"));
    await fixture.remove("writer", "ended");
    expectResult(await fixture.docker("rmi", `${host}/app:1`), { stdout: /./ });
  },
  "requested object types": async ({ engine: { api } }) => {
    const usage = (await api.get("/system/df?type=container&type=volume")).json<Usage>();
    assert.deepEqual(usage, { LayersSize: 0, Images: null, Containers: [], Volumes: [], BuildCache: null });
    const wrong = await api.get("/system/df?type=nosuch");
    assert.deepEqual([wrong.status, wrong.json()], [400, { message: "unknown object type: nosuch" }]);
    assert.equal((await api.get("/v1.41/system/df?type=nosuch")).status, 200);
  },
}, "docker");
