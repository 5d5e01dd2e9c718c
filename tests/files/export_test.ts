/**
 * `export` with tsd's client and with docker's: the whole root file system as a tar, running or stopped, without
 * mounts.
 */
import { strict as assert } from "node:assert";
import { expectResult, scenario } from "../cli/setup.ts";
import { withBoth } from "./clients.ts";

scenario("export", {
  "the complete root file system unchanged; nothing of mounts": withBoth(async (fixture, client) => {
    const { dir } = fixture;
    await Deno.mkdir(`${dir}/bound`);
    await Deno.writeTextFile(`${dir}/bound/outside`, "");
    await fixture.background("box", undefined, ["-v", `${dir}/bound:/mnt`, "--tmpfs", "/scratch"]);
    const script =
      "mkdir -p /own; printf text >/own/f; ln /own/f /own/h; mknod /own/p p; chown 7:8 /own/f; rm /bin/ls" +
      "; touch /scratch/no /dev/shm/no; chmod 4755 /own/f";
    expectResult(await fixture.tsd("exec", "box", "sh", "-c", script), {});
    expectResult(await client.call("export", "-o", `${dir}/all.tar`, "box"), {});
    const listed = await fixture.shell(
      "tar tvf all.tar --numeric-owner | awk '{ $3 = $4 = $5 = \"\"; print }' | tr -s ' ' | grep -v bin/",
    );
    const lines = listed.stdout.trimEnd().split("\n");
    for (
      const line of [
        "-rwsr-xr-x 7/8 own/f",
        "prw-r--r-- 0/0 own/p",
        "drwxr-xr-x 0/0 mnt/",
        "drwxr-xr-x 0/0 scratch/",
        "drwxr-xr-x 0/0 proc/",
        "drwxr-xr-x 0/0 own/",
      ]
    ) assert.ok(lines.includes(line), `${line} in\n${listed.stdout}`);
    assert.ok(lines.some((line) => /own\/h link to own\/f$/.test(line)), listed.stdout);
    assert.ok(!lines.some((line) => /outside|\/no$|mnt\/.|proc\/.|sys\/.|\.\//.test(line)), listed.stdout);
    expectResult(await fixture.shell("tar xOf all.tar own/f; tar tf all.tar | grep -c '^bin/ls$' || true"), {
      stdout: /^text0\n$/,
    });
    await fixture.remove("box");
  }),
  "a stopped container; to standard output; errors": withBoth(async (fixture, client) => {
    await fixture.background("box", ["sh", "-c", "echo done >/result"]);
    expectResult(await fixture.tsd("wait", "box"), { stdout: "0\n" });
    const program = client.name === "tsd" ? "$tsd" : "docker";
    expectResult(await fixture.shell(`${program} export box | tar xO result`), { stdout: "done\n" });
    expectResult(await client.call("export", "-o", `${fixture.dir}/no/x`, "box"), {
      code: 1,
      stderr: `failed to export container: invalid output path: stat ${fixture.dir}/no: no such file or directory\n`,
    });
    expectResult(await client.call("export", "nosuch"), { code: 1, stderr: client.says("No such container: nosuch") });
    await fixture.remove("box");
  }),
  "refuses to write to a terminal": async (fixture) => {
    await fixture.background("box");
    await using screen = await fixture.screen();
    for (const program of ["$tsd", "$docker"]) {
      await screen.line(`${program} export box; echo "code: $?"`);
      await screen.see("cowardly refusing to save to a terminal. Use the -o flag or redirect");
      await screen.see("code: 1");
      await screen.clear();
    }
    await fixture.remove("box");
  },
}, "tmux");
