import { expectResult, scenario } from "./setup.ts";

scenario("tsd diff", {
  "lists the changes of a running and a stopped container, but not what the runtime creates": async (fixture) => {
    const script =
      "echo x >/etc/new; rm /bin/ls; mkdir -p /a/b; mknod /a/pipe p; touch -d 1990-01-01 /etc/group; exec sleep 1000";
    await fixture.background("box", ["sh", "-c", script], [
      "-v",
      `${fixture.dir}/made:/mnt/bind`,
      "--tmpfs",
      "/scratch",
    ]);
    const lines = [
      ...["A /a", "A /a/b", "A /a/pipe", "C /bin", "D /bin/ls", "C /etc", "C /etc/group", "A /etc/new"],
      ...["A /mnt", "A /mnt/bind", "A /scratch"],
    ];
    const expected = { stdout: lines.map((line) => `${line}\n`).join("") };
    await fixture.until("the files", async () => (await fixture.tsd("diff", "box")).stdout === expected.stdout);
    expectResult(await fixture.docker("diff", "box"), expected);
    expectResult(await fixture.tsd("kill", "box"), { stdout: "box\n" });
    expectResult(await fixture.tsd("container", "diff", "box"), expected);
    await fixture.remove("box");
  },
  "reports no changes, and a missing container": async (fixture) => {
    expectResult(await fixture.tsd("create", "--name", "fresh", "--network", "none", fixture.image, "true"), {
      stdout: /^[0-9a-f]{64}\n$/,
    });
    expectResult(await fixture.tsd("diff", "fresh"), {});
    expectResult(await fixture.tsd("start", "fresh"), { stdout: "fresh\n" });
    expectResult(await fixture.tsd("wait", "fresh"), { stdout: "0\n" });
    expectResult(await fixture.docker("diff", "fresh"), {});
    await fixture.remove("fresh");
    expectResult(await fixture.tsd("diff", "fresh"), { code: 1, stderr: "tsd: No such container: fresh\n" });
    expectResult(await fixture.docker("diff", "fresh"), {
      code: 1,
      stderr: "Error response from daemon: No such container: fresh\n",
    });
  },
});
