/**
 * Malicious archives, extracted into a container by the API and by both clients: the host stays unchanged, whether they
 * are refused or extracted.
 */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import type { ApiResponse } from "../harness/mod.ts";
import {
  CAP_NET_RAW,
  charDevice,
  dir,
  fifo,
  file,
  fileCapability,
  hardLink,
  HOSTILE_IMAGES,
  type HostileImage,
  readAll,
  rootFindings,
  symlink,
  tarBytes,
  type TarEntry,
  Victim,
} from "../images/mod.ts";
import { HOSTILE_WHITEOUTS } from "../images/malicious_whiteouts.ts";
import { SECRET } from "../images/victim.ts";
import { withBoth } from "./clients.ts";

const NET_RAW = fileCapability(CAP_NET_RAW);

type HostileTars = Extract<HostileImage, { kind: "layers" }>;

const put = (fixture: Fixture, path: string, body: unknown): Promise<ApiResponse> =>
  fixture.engine.api.request("PUT", `/containers/box/archive?path=${encodeURIComponent(path)}`, { body });

/** Files of the host that an escape would probably affect. */
const CANARIES = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/hosts", "/bin/busybox"];

/** Returns what can be seen of them without reading them. Nothing else changes them, unlike their directories. */
const canaries = (): string[] =>
  CANARIES.map((path) => {
    const { ino, mode, uid, gid, size, nlink, mtime } = Deno.lstatSync(path);
    return `${path} ${[ino, mode, uid, gid, size, nlink, mtime?.getTime()]}`;
  });

/** Wraps a step after which the host must be unchanged. The scenario checks the engine's mounts and processes. */
function harmless(step: (fixture: Fixture, victim: Victim) => Promise<void>) {
  return async (fixture: Fixture) => {
    await using victim = await Victim.create();
    const before = canaries();
    await step(fixture, victim);
    await fixture.remove("box");
    assert.deepEqual(await victim.changes(), []);
    assert.deepEqual(canaries(), before);
  };
}

/** Extracts the layers of a malicious image into a container's directory. */
async function putAll(fixture: Fixture, hostile: HostileTars, victim: Victim, directory: string): Promise<ApiResponse> {
  let answer: ApiResponse | undefined;
  for (const layer of (await hostile.build(victim)).layers) {
    answer = await put(fixture, directory, await readAll(layer.openTar()));
    if (answer.status !== 200) break;
  }
  assert.ok(answer);
  return answer;
}

async function tryLayers(fixture: Fixture, hostile: HostileTars, victim: Victim): Promise<void> {
  const directory = `/cases/${hostile.name.replace(/[^a-z0-9]+/g, "-")}`;
  // Removes what an earlier image put behind its links, inside the container.
  const behind = victim.dir;
  expectResult(await fixture.tsd("exec", "box", "sh", "-c", `rm -rf ${behind}; mkdir -p ${directory}`), {});
  const answer = await putAll(fixture, hostile, victim, directory);
  const [id] = await fixture.containers();
  const root = `${fixture.engine.layerRoot}/snapshots/${id}/merged${directory}`;
  // In an archive, whiteout names have no special meaning.
  const isAboutLayers = HOSTILE_WHITEOUTS.includes(hostile);
  if (answer.status === 200) {
    assert.ok(isAboutLayers || hostile.expect !== "refused", "it was taken");
    assert.deepEqual(await rootFindings(isAboutLayers ? { ...hostile, root: {} } : hostile, root), []);
  } else {
    assert.equal(answer.status, 500, answer.text());
    assert.match(answer.json<{ message: string }>().message, /^[^\n]+$/);
    assert.ok(isAboutLayers || hostile.expect !== "contained", answer.text());
    assert.deepEqual(await rootFindings({ ...hostile, root: {} }, root), []);
  }
  assert.deepEqual(await victim.changes(), []);
}

interface Case {
  readonly name: string;
  readonly entries: (victim: Victim) => readonly TarEntry[];
  /** The client's error, or the output of a script in the container. */
  readonly refused?: RegExp;
  readonly script?: string;
  readonly output?: string;
}

const CASES: readonly Case[] = [
  {
    name: "a path that leads out, after a valid one",
    entries: (victim) => [file("good", "good"), file(victim.upwards("planted"), "planted")],
    refused: /is outside of the folder that it is unpacked to/,
  },
  {
    name: "an absolute path is relative to the container",
    entries: (victim) => [file(`${victim.dir}/planted`, "planted")],
    script: "find /t -name planted | wc -l",
    output: "1\n",
  },
  {
    name: "symlinks to the host, and files through them",
    entries: (victim) => [symlink("out", victim.dir), file("out/secret", "changed"), dir("out/folder/new")],
    script: 'readlink /t/out | grep -c tsd-victim; cat "$(readlink /t/out)"/secret',
    output: "1\nchanged",
  },
  {
    name: "a hard link to the host",
    entries: (victim) => [hardLink("stolen", victim.relative("secret"))],
    refused: /no such file or directory/,
  },
  {
    name: "a device that is a whiteout for overlayfs",
    entries: () => [charDevice("gone", 0, 0)],
    refused: /it is the device 0:0/,
  },
  {
    name: "devices are created, but cannot be opened",
    entries: () => [charDevice("mem", 1, 1, { mode: 0o666 }), charDevice("null", 1, 3, { mode: 0o666 })],
    script: "head -c 1 /t/mem 2>/dev/null || echo refused; echo >/t/null; stat -c %t:%T /t/mem",
    output: "refused\n1:1\n",
  },
  {
    name: "a pipe at a file's path is not written to",
    entries: () => [fifo("pipe"), file("pipe", "plain")],
    script: "stat -c %F /t/pipe; cat /t/pipe",
    output: "regular file\nplain",
  },
  {
    name: "setuid programs and capabilities stay in the container, as with Docker",
    entries:
      () => [file("suid", "", { mode: 0o4755 }), file("able", "", { xattrs: { "security.capability": NET_RAW } })],
    script: "stat -c %a /t/suid",
    output: "4755\n",
  },
  {
    name: "attributes of the host are not set",
    entries: () => [dir("opaque", { xattrs: { "trusted.overlay.opaque": "y", "security.ima": "x" } })],
    script: "ls -d /t/opaque",
    output: "/t/opaque\n",
  },
];

scenario("malicious archives", {
  "layers of malicious images, extracted into a directory": harmless(async (fixture, victim) => {
    await fixture.background("box");
    for (const hostile of HOSTILE_IMAGES) {
      if (hostile.kind !== "layers" || hostile.name.startsWith("bomb-")) continue;
      await tryLayers(fixture, hostile, victim).catch((cause) => {
        throw new Error(`${hostile.name} (${hostile.what}): ${cause.message}`, { cause });
      });
    }
    const found = await fixture.tsd("exec", "box", "find", "/", "-xdev", "-name", "secret", "-type", "f");
    assert.doesNotMatch(found.stdout, /cases/);
  }),
  "with both clients": withBoth((fixture, client) =>
    harmless(async (_, victim) => {
      await fixture.background("box");
      for (const { name, entries, refused, script, output } of CASES) {
        await fixture.tsd("exec", "box", "sh", "-c", "rm -rf /t /tmp/*; mkdir /t");
        await Deno.writeFile(`${fixture.dir}/it.tar`, tarBytes(entries(victim)));
        const program = client.name === "tsd" ? "$tsd" : "docker";
        const copied = await fixture.shell(`${program} cp - box:/t <it.tar`);
        if (refused !== undefined) {
          assert.equal(copied.code, 1, name);
          assert.match(copied.stderr, refused, name);
        } else {
          assert.deepEqual(copied, { code: 0, stdout: "", stderr: "" }, name);
          const ran = await fixture.tsd("exec", "box", "sh", "-c", script ?? "");
          assert.deepEqual([name, ran.stdout], [name, output]);
        }
      }
    })(fixture)
  ),
  "paths of the API stay inside, whatever symlinks the container has": harmless(async (fixture, victim) => {
    await fixture.background("box");
    const up = "../".repeat(12);
    const script = `ln -s ${victim.dir} /abs; ln -s ${up}${victim.relative("")} /rel; ln -s /proc/self/root /root-link
      ln -s ${victim.dir}/secret /file; ln -s loop /loop; ln -s /proc/1/cwd /cwd`;
    expectResult(await fixture.tsd("exec", "box", "sh", "-c", script), {});
    const get = (path: string) => fixture.engine.api.get(`/containers/box/archive?path=${encodeURIComponent(path)}`);
    const paths = [
      ...[`${up}${victim.relative("secret")}`, `/etc/${victim.upwards("secret")}`, "/abs/secret", "/rel/secret"],
      ...[`/root-link${victim.dir}/secret`, `/proc/self/root${victim.dir}/secret`, `/cwd${victim.dir}/secret`],
      ...["/proc/1/root/etc/passwd", "/dev/fd/0", "/sys/kernel", "/loop/x", "/abs", "/file/."],
    ];
    for (const path of paths) {
      const { status, body } = await get(path);
      // A path whose last link dangles means the link.
      if (status !== 200) assert.ok([400, 404].includes(status), `${path}: ${status}`);
      assert.doesNotMatch(new TextDecoder().decode(body), new RegExp(SECRET.trim()), path);
      const written = await put(fixture, path, tarBytes([file("planted", "planted")]));
      assert.notEqual(written.status, 200, path);
    }
  }),
  "read-only mounts stay unchanged, also through another path": harmless(async (fixture, victim) => {
    await fixture.background("box", undefined, ["-v", `${victim.dir}:/v:ro`]);
    expectResult(await fixture.tsd("exec", "box", "ln", "-s", "/v", "/way"), {});
    const attempts: readonly TarEntry[][] = [
      ...[[file("v/planted", "x")], [file("v/secret", "x")], [symlink("v/l", "x")], [dir("v/folder", { mode: 0o777 })]],
      ...[[file("way/planted", "x")], [hardLink("stolen", "v/secret")], [hardLink("v/other", "etc/passwd")]],
      ...[[dir("v", { mode: 0o777 })], [file("v", "x")], [symlink("v", "x")]],
    ];
    for (const entries of attempts) {
      const answer = await put(fixture, "/", tarBytes(entries));
      assert.equal(answer.status, 500, `${JSON.stringify(entries)}: ${answer.text()}`);
    }
    assert.equal((await put(fixture, "/v", tarBytes([file("x")]))).status, 400);
    assert.deepEqual(await victim.changes(), []);
  }),
  "malicious names in a container, copied out": withBoth(async (fixture, client) => {
    await fixture.background("box");
    // Docker's client refuses links that lead up; they are harmless, since nothing is extracted through a link.
    const up = client.name === "tsd" ? "../../.." : "suid";
    const script = String.raw`mkdir /d && cd /d && printf 1 >-rf && printf 2 >"$(printf 'a\nb')" &&
      printf 3 >"$(printf '\377\033[31m')" && printf 4 >'..\x' && printf 5 >.wh.x && ln -s / root && ln -s ${up} up &&
      mkfifo pipe && printf 6 >suid && chmod 4755 suid`;
    expectResult(await fixture.tsd("exec", "box", "sh", "-c", script), {});
    expectResult(await client.call("cp", "box:/d", `${fixture.dir}/out`), {});
    const names = [
      ...["-rf", String.raw`..\\x`, ".wh.x", String.raw`a\nb`, "pipe", "root", "suid", "up"],
      String.raw`\377\033[31m`,
    ];
    const look = "LC_ALL=C ls -Ab out; cat out/-rf out/.*x; stat -c %F out/pipe; readlink out/root out/up";
    expectResult(await fixture.shell(look), { stdout: `${names.join("\n")}\n145fifo\n/\n${up}\n` });
    if (client.name === "tsd") expectResult(await fixture.shell("stat -c %a out/suid"), { stdout: "755\n" });
    await fixture.remove("box");
  }),
});
