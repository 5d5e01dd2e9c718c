/** `tsd prune` removes exactly what its plan shows, and nothing that is in use. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, type Image, pushImage } from "../images/mod.ts";
import { expectResult, type Fixture, scenario } from "./setup.ts";

interface Plan {
  readonly Items: {
    readonly Kind: string;
    readonly ID: string;
    readonly Names: string[];
    readonly Why: string;
    readonly Bytes: number;
  }[];
  readonly Kept: unknown[];
  readonly SpaceReclaimable: number;
}

/** Pulls `HOST/NAME:1`: busybox and an additional layer of 1234 bytes. */
async function pulledApp(fixture: Fixture, name: string): Promise<Image> {
  const image = await busyboxBuilder().layer([file("app", name.padEnd(1234, "."))]).build();
  await pushImage(fixture.registry.url, name, "1", image);
  expectResult(await fixture.tsd("pull", "-q", `${fixture.registry.host}/${name}:1`), { stdout: /./ });
  return image;
}

async function stopped(fixture: Fixture, name: string, image = fixture.image, ...command: string[]): Promise<string> {
  const run = ["run", "-d", "--network", "none", "--name", name, image, ...command];
  const id = (await fixture.tsd(...run)).stdout.trim();
  await fixture.tsd("wait", name);
  return id;
}

const planOf = async (fixture: Fixture, ...args: string[]): Promise<Plan> =>
  JSON.parse((await fixture.tsd(...args, "--dry-run", "--format", "json")).stdout);

const QUESTION = "Are you sure you want to continue? [y/N] ";

scenario("tsd prune", {
  "shows what will be removed, why and how much; asks for confirmation; removes exactly that": async (fixture) => {
    const id = await stopped(fixture, "ended", fixture.image, "sh", "-c", "head -c 5000 /dev/zero >/zeros; exit 3");
    const app = await pulledApp(fixture, "app");
    await fixture.tsd("tag", fixture.image, `${fixture.registry.host}/app:1`);
    const plan = new RegExp(
      "^KIND +ID +NAME +SIZE +WHY\n" +
        `container +${id.slice(0, 12)} +ended +5kB +exited \\(3\\) .* ago\n` +
        `image +${
          app.config.digest.slice(7, 19)
        } +${fixture.registry.host}/app:<none> +1.23kB +no tag points to it\n\n` +
        "1 container, 1 image: 6\\.234kB in all\\.\n",
    );
    for (
      const [stdin, rest] of [["", `${QUESTION}\nNothing was removed.\n`], [
        "no\n",
        `${QUESTION}Nothing was removed.\n`,
      ]]
    ) {
      const result = await fixture.engine.tsd(["prune"], { stdin });
      expectResult(result, { stdout: plan });
      assert.ok(result.stdout.endsWith(`in all.\n${rest}`), result.stdout);
    }
    expectResult(await fixture.tsd("system", "prune", "--dry-run"), { stdout: plan });
    expectResult(await fixture.tsd("inspect", "ended", app.config.digest), { stdout: /./ });
    const yes = await fixture.engine.tsd(["prune"], { stdin: "y\n" });
    expectResult(yes, { stdout: plan });
    assert.match(
      yes.stdout,
      new RegExp(
        `\\[y/N\\] Deleted Containers:\n${id}\n\nDeleted Images:\nuntagged: \\S+/app@sha256:\\w{64}\n` +
          `deleted: ${app.config.digest}\ndeleted: sha256:\\w{64}\n\nTotal reclaimed space: 6\\.234kB\n$`,
      ),
    );
    expectResult(await fixture.tsd("rmi", `${fixture.registry.host}/app:1`), { stdout: /^Untagged: \S+\n$/ });
    expectResult(await fixture.tsd("prune"), { stdout: "Nothing to remove.\n" });
    expectResult(await fixture.tsd("prune", "-f"), { stdout: "Total reclaimed space: 0B\n" });
  },
  "what changed between the plan and the removal stays, and nothing new is removed": async (fixture) => {
    // Runs for long on its second start only.
    await stopped(fixture, "one", fixture.image, "sh", "-c", "test -e /again && exec sleep 1000; touch /again");
    const dropped = await stopped(fixture, "two");
    const [tagged, used] = [await pulledApp(fixture, "tagged"), await pulledApp(fixture, "used")];
    for (const name of ["tagged", "used"]) {
      await fixture.tsd("tag", fixture.image, `${fixture.registry.host}/${name}:1`);
      await fixture.tsd("rmi", `${fixture.registry.host}/${name}:1`);
    }
    await using session = fixture.engine.session("tsd", ["prune"]);
    await session.waitFor(QUESTION);
    await fixture.tsd("start", "one");
    await fixture.tsd("tag", tagged.config.digest, "kept:1");
    await fixture.tsd("create", "--network", "none", "--name", "user", used.config.digest);
    const late = await stopped(fixture, "late");
    await session.write("y\n");
    const { code, stdout, stderr } = await session.wait();
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`Deleted Containers:\n${dropped}\n\nTotal reclaimed space: 0B\n$`));
    assert.deepEqual(stderr.trimEnd().split("\n"), [
      "tsd: container one stays: it is running now",
      `tsd: image ${fixture.registry.host}/used:<none> stays: container user uses it now`,
      `tsd: image ${fixture.registry.host}/tagged:<none> stays: its names have changed`,
    ]);
    assert.deepEqual((await fixture.containers()).includes(late), true);
    await fixture.remove("one", "user", "late");
    expectResult(await fixture.tsd("image", "prune", "-af", "--filter", "label=none"), { stdout: /^Total/ });
    expectResult(await fixture.tsd("rmi", "-f", tagged.config.digest, used.config.digest), { stdout: /Deleted/ });
  },
  "JSON and template output has no confirmation prompt": async (fixture) => {
    const id = await stopped(fixture, "ended");
    const plan = await planOf(fixture, "container", "prune");
    assert.deepEqual(plan.Items.map(({ Kind, ID, Names, Bytes }) => [Kind, ID, Names, Bytes]), [
      ["container", id, ["ended"], 0],
    ]);
    assert.deepEqual([plan.Kept, plan.SpaceReclaimable], [[], 0]);
    expectResult(await fixture.tsd("prune", "--dry-run", "--format", "{{.Kind}} {{.Name}} {{.Bytes}}"), {
      stdout: "container ended 0\n",
    });
    const requested = await fixture.engine.tsd(["prune", "--format", "json"], { stdin: "" });
    assert.deepEqual([requested.code, requested.stderr], [0, `${QUESTION}\nNothing was removed.\n`]);
    assert.deepEqual(JSON.parse(requested.stdout).Items.length, 1);
    const pruned = JSON.parse((await fixture.tsd("prune", "-f", "--format", "json")).stdout);
    assert.deepEqual(pruned.Removed.map(({ ID }: { ID: string }) => ID), [id]);
    assert.equal(pruned.SpaceReclaimed, 0);
  },
  "-a removes images that only pruned containers use; a layer counts for the last image that needs it": async (
    fixture,
  ) => {
    const [one, two] = [await pulledApp(fixture, "one"), await pulledApp(fixture, "two")];
    const id = await stopped(fixture, "user", `${fixture.registry.host}/one:1`, "true");
    await fixture.background("up");
    const plan = await planOf(fixture, "prune", "-a");
    assert.deepEqual(plan.Items.map(({ Kind, ID, Bytes }) => [Kind, ID, Bytes]), [
      ["container", id, 0],
      ["image", two.config.digest, 1234],
      ["image", one.config.digest, 1234],
    ]);
    const alone = await planOf(fixture, "image", "prune", "-a");
    assert.deepEqual(alone.Items.map(({ ID }) => ID), [two.config.digest], "the container stays");
    expectResult(await fixture.tsd("prune", "-f", "--filter", "until=10m"), { stdout: "Total reclaimed space: 0B\n" });
    await fixture.remove("up");
    const whole = await planOf(fixture, "prune", "-a");
    const last = whole.Items.at(-1)!;
    assert.ok(last.Names[0].startsWith(fixture.image) && last.Bytes > 100_000, "busybox's layer, which all need");
    assert.deepEqual(await fixture.containers(), [id]);
    const reclaimed = JSON.parse((await fixture.tsd("prune", "-af", "--format", "json")).stdout).SpaceReclaimed;
    assert.equal(reclaimed, whole.SpaceReclaimable);
    const layers = await Array.fromAsync(Deno.readDir(`${fixture.engine.layerRoot}/layers`));
    assert.deepEqual(layers, [], "nothing is left on the disk");
    expectResult(await fixture.tsd("pull", "-q", fixture.image), { stdout: /./ });
  },
  "filters from the command line and from Docker's config.json": async (fixture) => {
    await fixture.background("one", ["true"], ["-l", "keep"]);
    await fixture.tsd("wait", "one");
    const config = `${fixture.engine.dir}/home/.docker/config.json`;
    await Deno.mkdir(config.slice(0, config.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(config, JSON.stringify({ pruneFilters: ["label!=keep"] }));
    try {
      expectResult(await fixture.tsd("prune", "-f"), { stdout: "Total reclaimed space: 0B\n" });
      expectResult(await fixture.tsd("container", "prune", "-f", "--filter", "label=keep"), { stdout: /^Deleted/ });
    } finally {
      await Deno.remove(config);
    }
    expectResult(await fixture.tsd("prune", "-f", "--filter", "nosuch=1"), {
      code: 1,
      stderr: "tsd: invalid filter 'nosuch'\n",
    });
    expectResult(await fixture.tsd("prune", "-f", "--filter", "nosuch"), {
      code: 125,
      stderr: /^invalid argument "nosuch" for "--filter" flag: bad format of filter/,
    });
    expectResult(await fixture.tsd("prune", "-f", "--volumes", "--filter", "until=1h"), {
      code: 1,
      stderr: 'ERROR: The "until" filter is not supported with "--volumes"\n',
    });
  },
});
