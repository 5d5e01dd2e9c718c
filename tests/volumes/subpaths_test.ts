/** Subpaths of a volume while a container that mounts all of it swaps directories for symlinks to the host. */
import { strict as assert } from "node:assert";
import { expectResult, scenario } from "../cli/setup.ts";
import { hostShellImage, pushImage, Victim } from "../images/mod.ts";
import { SECRET } from "../images/victim.ts";

/** Perl calls rename(2) without a process for each call. */
const SWAPPER = String.raw`
  my ($victim) = @ARGV;
  mkdir $_ for "/d/sub", "/d/sub/deep", "/d/twins", "/d/away";
  for my $folder ("/d/sub", "/d/sub/deep") { open my $out, ">", "$folder/secret" or die $!; print $out "own" }
  symlink $victim, "/d/twins/sub";
  symlink "../../../../../../../..$victim", "/d/twins/deep";
  my @empty = map { "empty$_" } 0 .. 7;
  for (@empty) { mkdir "/d/$_"; symlink $victim, "/d/twins/$_" }
  $| = 1;
  print "ready\n";
  while (1) {
    rename "/d/sub/deep", "/d/away/deep"; rename "/d/twins/deep", "/d/sub/deep";
    rename "/d/sub/deep", "/d/twins/deep"; rename "/d/away/deep", "/d/sub/deep";
    rename "/d/sub", "/d/away/sub"; rename "/d/twins/sub", "/d/sub";
    rename "/d/sub", "/d/twins/sub"; rename "/d/away/sub", "/d/sub";
    for (@empty) { rename "/d/$_", "/d/away/$_"; rename "/d/twins/$_", "/d/$_" }
    for (@empty) { rename "/d/$_", "/d/twins/$_"; rename "/d/away/$_", "/d/$_" }
  }
`;
const ROUNDS = 8;
const REFUSED = /cannot access path|escapes the base directory|error while resolving symlinks|mount/;

scenario("subpaths of volumes", {
  "swapped-in symlinks do not lead out of the volume": async (fixture) => {
    await using victim = await Victim.create();
    const image = `${fixture.registry.host}/perl`;
    await pushImage(fixture.registry.url, "perl", "latest", await hostShellImage({ programs: ["perl"] }));
    expectResult(await fixture.tsd("pull", "-q", image), { stdout: `${image}:latest\n` });
    const swap = ["run", "-d", "--name", "swapper", "--network", "none", "-v", "data:/d", image];
    expectResult(await fixture.tsd(...swap, "perl", "-e", SWAPPER, victim.dir), { stdout: /^[0-9a-f]{64}\n$/ });
    await fixture.until("swaps", async () => (await fixture.tsd("logs", "swapper")).stdout === "ready\n");
    const outcomes: Record<string, number> = {};
    for (let round = 0; round < ROUNDS; round++) {
      const subpath = round % 2 === 0 ? "sub" : "sub/deep";
      const mount = `src=data,dst=/m,volume-subpath=${subpath}`;
      const { code, stdout, stderr } = await fixture.run(["sh", "-c", "cat /m/secret; echo x >/m/planted"], [
        "--mount",
        mount,
      ]);
      assert.ok(!stdout.includes(SECRET) && !stderr.includes(SECRET), `${subpath}: ${stdout}`);
      const outcome = stdout === "own" ? "own" : REFUSED.test(stderr) ? "refused" : stderr;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      assert.ok(outcome === "own" || outcome === "refused" || code !== 0, `${code} ${stdout} ${stderr}`);
    }
    for (let round = 0; round < ROUNDS; round++) {
      const mount = `src=data,dst=/etc,volume-subpath=empty${round}`;
      const { code, stderr } = await fixture.run(["true"], ["--mount", mount]);
      assert.ok(code === 0 || REFUSED.test(stderr), stderr);
    }
    assert.deepEqual(await victim.changes(), []);
    assert.ok((outcomes.own ?? 0) > 0, JSON.stringify(outcomes));
    await fixture.remove("swapper");
    await fixture.tsd("volume", "rm", "data");
    await fixture.tsd("rmi", image);
  },
});
