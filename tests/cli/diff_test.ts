import { expectResult, scenario } from "./setup.ts";

scenario("tsd diff", {
  "what a container did to its root, running and stopped; not what the runtime needs": async (world) => {
    const script =
      "echo x >/etc/new; rm /bin/ls; mkdir -p /a/b; mknod /a/pipe p; touch -d 1990-01-01 /etc/group; exec sleep 1000";
    await world.background("box", ["sh", "-c", script], [
      "-v",
      `${world.folder}/made:/mnt/bind`,
      "--tmpfs",
      "/scratch",
    ]);
    const lines = [
      ...["A /a", "A /a/b", "A /a/pipe", "C /bin", "D /bin/ls", "C /etc", "C /etc/group", "A /etc/new"],
      ...["A /mnt", "A /mnt/bind", "A /scratch"],
    ];
    const expected = { stdout: lines.map((line) => `${line}\n`).join("") };
    await world.until("the files", async () => (await world.tsd("diff", "box")).stdout === expected.stdout);
    expectResult(await world.docker("diff", "box"), expected);
    expectResult(await world.tsd("kill", "box"), { stdout: "box\n" });
    expectResult(await world.tsd("container", "diff", "box"), expected);
    await world.remove("box");
  },
  "nothing, and no such container": async (world) => {
    expectResult(await world.tsd("create", "--name", "fresh", "--network", "none", world.image, "true"), {
      stdout: /^[0-9a-f]{64}\n$/,
    });
    expectResult(await world.tsd("diff", "fresh"), {});
    expectResult(await world.tsd("start", "fresh"), { stdout: "fresh\n" });
    expectResult(await world.tsd("wait", "fresh"), { stdout: "0\n" });
    expectResult(await world.docker("diff", "fresh"), {});
    await world.remove("fresh");
    expectResult(await world.tsd("diff", "fresh"), { code: 1, stderr: "tsd: No such container: fresh\n" });
    expectResult(await world.docker("diff", "fresh"), {
      code: 1,
      stderr: "Error response from daemon: No such container: fresh\n",
    });
  },
});
