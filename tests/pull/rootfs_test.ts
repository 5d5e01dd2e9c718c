/** The root file system of an image is correct file by file, seen from the host and from inside, and usable. */
import { strict as assert } from "node:assert";
import {
  containerTree,
  diffContainerTree,
  type Engine,
  listTree,
  runCommand,
  startEngine,
  storageDir,
  storageNeeds,
  type TreeEntry,
} from "../harness/mod.ts";
import { debianImage, featureImage, type ImageWithTree, pushImage } from "../images/mod.ts";
import { type RealRegistry, startRealRegistry } from "../registry/mod.ts";
import { STORAGE_DRIVERS } from "../../src/store/drivers.ts";
import { requires } from "../requires.ts";
import { pulled } from "./setup.ts";

const MINUTE_MS = 60_000;

/** Pushes an image to the registry and pulls it. */
async function pulledFrom(registry: RealRegistry, engine: Engine, repo: string, { image }: ImageWithTree) {
  await pushImage(registry.url, repo, "1", image);
  const reference = `${registry.host}/${repo}:1`;
  await pulled(engine, ["-q", reference]);
  return reference;
}

/** Starts a container that sleeps, and returns its ID. */
async function sleeping(engine: Engine, reference: string, ...flags: string[]): Promise<string> {
  const run = await engine.tsd(["run", "-d", "--network", "none", ...flags, reference, "sleep", "1000"]);
  assert.equal(run.stderr, "");
  return run.stdout.trim();
}

const mergedDir = ({ layerRoot }: Engine, id: string) => `${layerRoot}/snapshots/${id}/merged`;

/** What every container gets from outside; the kernel may change timestamps in it at any time, which makes tar fail. */
const FROM_OUTSIDE = ["tsd-out", "dev", "proc", "sys"];

/** Packs the root with the container's tar, unpacks it on the host, and compares. */
async function testTarInside(engine: Engine, reference: string, expected: readonly TreeEntry[]): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-inside-" });
  try {
    await Deno.mkdir(`${dir}/root`);
    const packed = await engine.tsd([
      ...["run", "--rm", "--network", "none", "-v", `${dir}:/tsd-out`, reference],
      ...["tar", "--create", "--file=/tsd-out/root.tar", "--format=posix", "--one-file-system", "--directory=/"],
      ...["--numeric-owner", "--xattrs", "--xattrs-include=*"],
      ...FROM_OUTSIDE.map((dir) => `--exclude=./${dir}`),
      ".",
    ], { timeoutMs: MINUTE_MS });
    assert.equal(packed.code, 0, packed.stderr);
    const unpacked = await runCommand("tar", [
      ...["--extract", `--file=${dir}/root.tar`, `--directory=${dir}/root`, "--numeric-owner", "--same-owner"],
      ...["--same-permissions", "--xattrs", "--xattrs-include=*", "--delay-directory-restore"],
    ], { timeoutMs: MINUTE_MS });
    assert.deepEqual(unpacked, { code: 0, stdout: "", stderr: "" });
    assert.deepEqual(diffContainerTree(expected, await listTree(`${dir}/root`)), []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function testPrograms(engine: Engine, reference: string): Promise<void> {
  const run = async (user: string, ...command: string[]): Promise<string> => {
    const result = await engine.tsd(["run", "--rm", "--network", "none", "-u", user, reference, ...command]);
    assert.deepEqual([result.code, result.stderr], [0, ""], command.join(" "));
    return result.stdout;
  };
  const packages = await run("root", "dpkg", "-l");
  assert.match(packages, /^ii {2}bash +\d/m);
  assert.ok((packages.match(/^ii /mg)?.length ?? 0) > 60, "all packages of debootstrap are installed");
  assert.equal(await run("root", "su", "-s", "/bin/sh", "nobody", "-c", "id -un"), "nobody\n");
  assert.match(await run("nobody", "passwd", "-S"), /^nobody L /, "setuid root: it reads /etc/shadow");
  assert.equal(await run("nobody", "setuid-id", "-u"), "0\n");
  assert.equal(await run("nobody", "setuid-id", "-ru"), "65534\n");
  assert.match(
    await run("nobody", "chage", "-l", "nobody"),
    /^Last password change/,
    "setgid shadow, moved by a layer",
  );
  assert.match(await run("nobody", "capable-cat", "/proc/self/status"), /^CapEff:\t0000000000002000$/m);
  assert.match(await run("nobody", "cat", "/proc/self/status"), /^CapEff:\t0000000000000000$/m);
  assert.equal(await run("root", "readlink", "/srv"), "opt\n");
}

async function testCapabilities(engine: Engine, id: string): Promise<void> {
  const found = await runCommand("/usr/sbin/getcap", ["-r", mergedDir(engine, id)]);
  const lines = found.stdout.replaceAll(mergedDir(engine, id), "").trimEnd().split("\n").sort();
  assert.deepEqual(lines, [
    "/features/metadata/capable cap_net_bind_service=ep",
    "/usr/local/bin/capable-cat cap_net_raw=ep",
    "/usr/local/bin/capable-id cap_net_raw=ep",
  ]);
}

for (const driver of STORAGE_DRIVERS) {
  Deno.test({
    name: `${driver}: a Debian of five layers is right file by file, and works`,
    ...requires("root", "runc", "overlay", "docker-registry", ...storageNeeds(driver)),
    fn: async (test) => {
      const debian = await debianImage();
      await using registry = await startRealRegistry();
      await using place = await storageDir(driver);
      await using engine = await startEngine(place.options);
      const reference = await pulledFrom(registry, engine, "debian", debian);
      const id = await sleeping(engine, reference);
      await test.step("seen from the host", async () => {
        assert.ok(debian.expectedTree.length > 3000);
        assert.deepEqual(diffContainerTree(debian.expectedTree, await listTree(mergedDir(engine, id))), []);
      });
      await test.step("packed by tar inside", () => testTarInside(engine, reference, debian.expectedTree));
      await test.step("file capabilities", () => testCapabilities(engine, id));
      await test.step("dpkg, su, setuid, setgid and capabilities inside", () => testPrograms(engine, reference));
    },
  });

  Deno.test({
    name: `${driver}: an image with every feature of a layer is right file by file, whatever its types`,
    ...requires("root", "runc", "overlay", "docker-registry", ...storageNeeds(driver)),
    fn: async (test) => {
      await using registry = await startRealRegistry();
      await using place = await storageDir(driver);
      await using engine = await startEngine(place.options);
      let last: { reference: string; features: ImageWithTree } | undefined;
      for (const format of ["oci", "docker"] as const) {
        await test.step(format, async () => {
          const features = await featureImage({ format });
          const reference = await pulledFrom(registry, engine, format, features);
          const id = await sleeping(engine, reference);
          assert.deepEqual(diffContainerTree(features.expectedTree, await containerTree(engine.api, id)), []);
          last = { reference, features };
        });
      }
      await test.step("after a restart of the engine", async () => {
        await engine.restart();
        const id = await sleeping(engine, last!.reference);
        assert.deepEqual(diffContainerTree(last!.features.expectedTree, await listTree(mergedDir(engine, id))), []);
      });
    },
  });
}
