/** `export` with tsd's client and with docker's: the whole root as a tar, running or stopped, without what is mounted. */
import { strict as assert } from "node:assert";
import { expectResult, scenario } from "../cli/setup.ts";
import { withBoth } from "./clients.ts";

scenario("export", {
  "all of the root, as it is; nothing of what is mounted": withBoth(async (world, client) => {
    const { folder } = world;
    await Deno.mkdir(`${folder}/bound`);
    await Deno.writeTextFile(`${folder}/bound/outside`, "");
    await world.background("box", undefined, ["-v", `${folder}/bound:/mnt`, "--tmpfs", "/scratch"]);
    const script =
      "mkdir -p /own; printf text >/own/f; ln /own/f /own/h; mknod /own/p p; chown 7:8 /own/f; rm /bin/ls" +
      "; touch /scratch/no /dev/shm/no; chmod 4755 /own/f";
    expectResult(await world.tsd("exec", "box", "sh", "-c", script), {});
    expectResult(await client.call("export", "-o", `${folder}/all.tar`, "box"), {});
    const listed = await world.shell(
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
    expectResult(await world.shell("tar xOf all.tar own/f; tar tf all.tar | grep -c '^bin/ls$' || true"), {
      stdout: /^text0\n$/,
    });
    await world.remove("box");
  }),
  "a stopped container; to standard output; what can't be": withBoth(async (world, client) => {
    await world.background("box", ["sh", "-c", "echo done >/result"]);
    expectResult(await world.tsd("wait", "box"), { stdout: "0\n" });
    const program = client.name === "tsd" ? "$tsd" : "docker";
    expectResult(await world.shell(`${program} export box | tar xO result`), { stdout: "done\n" });
    expectResult(await client.call("export", "-o", `${world.folder}/no/x`, "box"), {
      code: 1,
      stderr: `failed to export container: invalid output path: stat ${world.folder}/no: no such file or directory\n`,
    });
    expectResult(await client.call("export", "nosuch"), { code: 1, stderr: client.says("No such container: nosuch") });
    await world.remove("box");
  }),
  "not to a terminal": async (world) => {
    await world.background("box");
    await using screen = await world.screen();
    for (const program of ["$tsd", "$docker"]) {
      await screen.line(`${program} export box; echo "code: $?"`);
      await screen.see("cowardly refusing to save to a terminal. Use the -o flag or redirect");
      await screen.see("code: 1");
      await screen.clear();
    }
    await world.remove("box");
  },
}, "tmux");
