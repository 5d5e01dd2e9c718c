/** `tsd prune`: what it shows is what goes, and nothing that somebody uses. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, type Image, pushImage } from "../images/mod.ts";
import { expectResult, scenario, type World } from "./setup.ts";

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

/** Pulled as `HOST/NAME:1`: busybox, and a layer of 1234 bytes of its own. */
async function pulledApp(world: World, name: string): Promise<Image> {
  const image = await busyboxBuilder().layer([file("app", name.padEnd(1234, "."))]).build();
  await pushImage(world.registry.url, name, "1", image);
  expectResult(await world.tsd("pull", "-q", `${world.registry.host}/${name}:1`), { stdout: /./ });
  return image;
}

async function stopped(world: World, name: string, image = world.image, ...command: string[]): Promise<string> {
  const run = ["run", "-d", "--network", "none", "--name", name, image, ...command];
  const id = (await world.tsd(...run)).stdout.trim();
  await world.tsd("wait", name);
  return id;
}

const planOf = async (world: World, ...args: string[]): Promise<Plan> =>
  JSON.parse((await world.tsd(...args, "--dry-run", "--format", "json")).stdout);

const QUESTION = "Are you sure you want to continue? [y/N] ";

scenario("tsd prune", {
  "shows what goes, why and how much; asks; removes exactly that": async (world) => {
    const id = await stopped(world, "ended", world.image, "sh", "-c", "head -c 5000 /dev/zero >/zeros; exit 3");
    const app = await pulledApp(world, "app");
    await world.tsd("tag", world.image, `${world.registry.host}/app:1`);
    const plan = new RegExp(
      "^KIND +ID +NAME +SIZE +WHY\n" +
        `container +${id.slice(0, 12)} +ended +5kB +exited \\(3\\) .* ago\n` +
        `image +${app.config.digest.slice(7, 19)} +${world.registry.host}/app:<none> +1.23kB +no tag points to it\n\n` +
        "1 container, 1 image: 6\\.234kB in all\\.\n",
    );
    for (
      const [stdin, rest] of [["", `${QUESTION}\nNothing was removed.\n`], [
        "no\n",
        `${QUESTION}Nothing was removed.\n`,
      ]]
    ) {
      const result = await world.engine.tsd(["prune"], { stdin });
      expectResult(result, { stdout: plan });
      assert.ok(result.stdout.endsWith(`in all.\n${rest}`), result.stdout);
    }
    expectResult(await world.tsd("system", "prune", "--dry-run"), { stdout: plan });
    expectResult(await world.tsd("inspect", "ended", app.config.digest), { stdout: /./ });
    const yes = await world.engine.tsd(["prune"], { stdin: "y\n" });
    expectResult(yes, { stdout: plan });
    assert.match(
      yes.stdout,
      new RegExp(
        `\\[y/N\\] Deleted Containers:\n${id}\n\nDeleted Images:\nuntagged: \\S+/app@sha256:\\w{64}\n` +
          `deleted: ${app.config.digest}\ndeleted: sha256:\\w{64}\n\nTotal reclaimed space: 6\\.234kB\n$`,
      ),
    );
    expectResult(await world.tsd("rmi", `${world.registry.host}/app:1`), { stdout: /^Untagged: \S+\n$/ });
    expectResult(await world.tsd("prune"), { stdout: "Nothing to remove.\n" });
    expectResult(await world.tsd("prune", "-f"), { stdout: "Total reclaimed space: 0B\n" });
  },
  "what changes between plan and removal stays, and nothing new goes": async (world) => {
    // Runs for long the second time only.
    await stopped(world, "one", world.image, "sh", "-c", "test -e /again && exec sleep 1000; touch /again");
    const dropped = await stopped(world, "two");
    const [tagged, used] = [await pulledApp(world, "tagged"), await pulledApp(world, "used")];
    for (const name of ["tagged", "used"]) {
      await world.tsd("tag", world.image, `${world.registry.host}/${name}:1`);
      await world.tsd("rmi", `${world.registry.host}/${name}:1`);
    }
    await using session = world.engine.session("tsd", ["prune"]);
    await session.waitFor(QUESTION);
    await world.tsd("start", "one");
    await world.tsd("tag", tagged.config.digest, "kept:1");
    await world.tsd("create", "--network", "none", "--name", "user", used.config.digest);
    const late = await stopped(world, "late");
    await session.write("y\n");
    const { code, stdout, stderr } = await session.wait();
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`Deleted Containers:\n${dropped}\n\nTotal reclaimed space: 0B\n$`));
    assert.deepEqual(stderr.trimEnd().split("\n"), [
      "tsd: container one stays: it is running now",
      `tsd: image ${world.registry.host}/used:<none> stays: container user uses it now`,
      `tsd: image ${world.registry.host}/tagged:<none> stays: its names have changed`,
    ]);
    assert.deepEqual((await world.containers()).includes(late), true);
    await world.remove("one", "user", "late");
    expectResult(await world.tsd("image", "prune", "-af", "--filter", "label=none"), { stdout: /^Total/ });
    expectResult(await world.tsd("rmi", "-f", tagged.config.digest, used.config.digest), { stdout: /Deleted/ });
  },
  "json and templates for programs, and the question is none of their business": async (world) => {
    const id = await stopped(world, "ended");
    const plan = await planOf(world, "container", "prune");
    assert.deepEqual(plan.Items.map(({ Kind, ID, Names, Bytes }) => [Kind, ID, Names, Bytes]), [
      ["container", id, ["ended"], 0],
    ]);
    assert.deepEqual([plan.Kept, plan.SpaceReclaimable], [[], 0]);
    expectResult(await world.tsd("prune", "--dry-run", "--format", "{{.Kind}} {{.Name}} {{.Bytes}}"), {
      stdout: "container ended 0\n",
    });
    const asked = await world.engine.tsd(["prune", "--format", "json"], { stdin: "" });
    assert.deepEqual([asked.code, asked.stderr], [0, `${QUESTION}\nNothing was removed.\n`]);
    assert.deepEqual(JSON.parse(asked.stdout).Items.length, 1);
    const pruned = JSON.parse((await world.tsd("prune", "-f", "--format", "json")).stdout);
    assert.deepEqual(pruned.Removed.map(({ ID }: { ID: string }) => ID), [id]);
    assert.equal(pruned.SpaceReclaimed, 0);
  },
  "-a takes images that only containers use which go too; a layer counts with the last that needs it": async (
    world,
  ) => {
    const [one, two] = [await pulledApp(world, "one"), await pulledApp(world, "two")];
    const id = await stopped(world, "user", `${world.registry.host}/one:1`, "true");
    await world.background("up");
    const plan = await planOf(world, "prune", "-a");
    assert.deepEqual(plan.Items.map(({ Kind, ID, Bytes }) => [Kind, ID, Bytes]), [
      ["container", id, 0],
      ["image", two.config.digest, 1234],
      ["image", one.config.digest, 1234],
    ]);
    const alone = await planOf(world, "image", "prune", "-a");
    assert.deepEqual(alone.Items.map(({ ID }) => ID), [two.config.digest], "the container stays");
    expectResult(await world.tsd("prune", "-f", "--filter", "until=10m"), { stdout: "Total reclaimed space: 0B\n" });
    await world.remove("up");
    const whole = await planOf(world, "prune", "-a");
    const last = whole.Items.at(-1)!;
    assert.ok(last.Names[0].startsWith(world.image) && last.Bytes > 100_000, "busybox's layer, which all need");
    assert.deepEqual(await world.containers(), [id]);
    const reclaimed = JSON.parse((await world.tsd("prune", "-af", "--format", "json")).stdout).SpaceReclaimed;
    assert.equal(reclaimed, whole.SpaceReclaimable);
    const layers = await Array.fromAsync(Deno.readDir(`${world.engine.layerRoot}/layers`));
    assert.deepEqual(layers, [], "nothing is left on the disk");
    expectResult(await world.tsd("pull", "-q", world.image), { stdout: /./ });
  },
  "filters of the command line, and of Docker's config.json": async (world) => {
    await world.background("one", ["true"], ["-l", "keep"]);
    await world.tsd("wait", "one");
    const config = `${world.engine.folder}/home/.docker/config.json`;
    await Deno.mkdir(config.slice(0, config.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(config, JSON.stringify({ pruneFilters: ["label!=keep"] }));
    try {
      expectResult(await world.tsd("prune", "-f"), { stdout: "Total reclaimed space: 0B\n" });
      expectResult(await world.tsd("container", "prune", "-f", "--filter", "label=keep"), { stdout: /^Deleted/ });
    } finally {
      await Deno.remove(config);
    }
    expectResult(await world.tsd("prune", "-f", "--filter", "nosuch=1"), {
      code: 1,
      stderr: "tsd: invalid filter 'nosuch'\n",
    });
    expectResult(await world.tsd("prune", "-f", "--filter", "nosuch"), {
      code: 125,
      stderr: /^invalid argument "nosuch" for "--filter" flag: bad format of filter/,
    });
    expectResult(await world.tsd("prune", "-f", "--volumes", "--filter", "until=1h"), {
      code: 1,
      stderr: 'ERROR: The "until" filter is not supported with "--volumes"\n',
    });
  },
});
