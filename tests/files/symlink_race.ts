/**
 * A container that swaps directories, files, symlinks, pipes and devices as fast as it can while its files are copied
 * in all possible ways. The symlinks have the path of a directory on the host, which no copy may reach.
 */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture } from "../cli/setup.ts";
import type { EngineApi } from "../harness/mod.ts";
import { concat, dir, file, hardLink, hostShellImage, pushImage, symlink, tarBytes, Victim } from "../images/mod.ts";
import { SECRET } from "../images/victim.ts";

/** Perl calls rename(2) without a process for each call; it needs no modules. */
const SWAPPER = String.raw`
  my ($victim, $up) = @ARGV;
  mkdir $_ for "/w", "/w/tree", "/w/twins", "/w/away", "/tmp/decoy";
  sub text { open my $out, ">", $_[0] or die "$_[0]: $!"; print $out $_[1]; close $out }
  sub folder { mkdir $_[0]; text "$_[0]/f", "own"; mkdir "$_[0]/deep"; text "$_[0]/deep/f", "own" }
  folder "/w/tree/$_" for "abs", "rel", "mid", "slash";
  symlink $victim, "/w/twins/abs";
  symlink "$up$victim", "/w/twins/rel";
  symlink "/", "/w/twins/slash";
  text "/w/tree/$_", "own" for "f", "pipe", "null";
  symlink "$victim/secret", "/w/twins/f";
  system "mkfifo", "/w/twins/pipe";
  system "mknod", "/w/twins/null", "c", "1", "3";
  $| = 1;
  print "ready\n";
  my $stop = 0;
  $SIG{TERM} = sub { $stop = 1 };
  my $count = 0;
  until ($stop) {
    for my $name ("abs", "rel", "slash", "f", "pipe", "null") {
      rename "/w/tree/$name", "/w/away/$name";
      rename "/w/twins/$name", "/w/tree/$name";
      rename "/w/away/$name", "/w/twins/$name";
    }
    # Out of the tree, so that .. of it is another folder than a moment ago.
    rename "/w/tree/mid/deep", "/w/away/deep";
    rename "/w/away/deep", "/w/tree/mid/deep";
    $count++;
  }
  print "$count rounds\n";
`;

const PATHS = ["", "/abs", "/abs/f", "/rel/deep", "/rel/deep/../f", "/slash/etc", "/f", "/pipe", "/null", "/mid/deep"];

/** The results of a race. */
export interface RaceFigures {
  /** The number of swap rounds in the container. */
  readonly rounds: number;
  /** How often each operation succeeded, or failed with a matching error. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** @throws AssertionError if anything of the host was read or changed */
export async function raceSwaps(fixture: Fixture, seconds: number): Promise<RaceFigures> {
  await using victim = await Victim.create();
  const image = `${fixture.registry.host}/perl`;
  const programs = ["perl", "mkfifo", "mknod"];
  await pushImage(fixture.registry.url, "perl", "latest", await hostShellImage({ programs }));
  expectResult(await fixture.tsd("pull", "-q", image), { stdout: `${image}:latest\n` });
  const up = "/..".repeat(8).slice(1);
  const run = ["run", "-d", "--network", "none", "--name", "swapper", image, "perl", "-e", SWAPPER, victim.dir, up];
  expectResult(await fixture.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
  const logs = async () => (await fixture.tsd("logs", "swapper")).stdout;
  await fixture.until("the swapper", async () => (await logs()).startsWith("ready"));

  const race = new Race(fixture, victim, performance.now() + seconds * 1000);
  await Promise.all([race.reads(), race.writes(), race.clients(), race.wholes()]);

  expectResult(await fixture.tsd("stop", "swapper"), { stdout: "swapper\n" });
  const [, rounds = "0"] = /(\d+) rounds/.exec(await logs()) ?? [];
  assert.deepEqual(await victim.changes(), []);
  await fixture.remove("swapper");
  expectResult(await fixture.tsd("rmi", image), { stdout: /./ });
  return { rounds: Number(rounds), outcomes: race.outcomes };
}

class Race {
  readonly outcomes: Record<string, number> = {};
  readonly #fixture: Fixture;
  readonly #victim: Victim;
  readonly #deadline: number;

  constructor(fixture: Fixture, victim: Victim, deadline: number) {
    this.#fixture = fixture;
    this.#victim = victim;
    this.#deadline = deadline;
  }

  get #api(): EngineApi {
    return this.#fixture.engine.api;
  }

  async reads(): Promise<void> {
    await this.#untilOver(async () => {
      for (const path of PATHS) {
        const { status } = await this.#api.request("HEAD", archiveOf(`/w/tree${path}`));
        this.#count("HEAD", status === 200);
        await this.#read("GET", archiveOf(`/w/tree${path}`));
      }
    });
  }

  async writes(): Promise<void> {
    const entries = [
      ...[file("abs/planted", "planted"), file("rel/deep/planted", "planted"), file("slash/tmp/planted", "planted")],
      ...[file("abs/secret", "planted"), file("rel/folder/keep", "planted"), dir("abs/folder", { mode: 0o777 })],
      ...[hardLink("linked", "f"), hardLink("abs/stolen", "rel/secret"), symlink("rel/link", "planted")],
      ...[file("f", "own"), file("mid/deep/new", "x"), file("mid/deep/../new", "x")],
    ];
    const tars = entries.map((entry) => tarBytes([entry]));
    await this.#untilOver(async () => {
      for (const body of tars) await this.#put("/w/tree", body);
      for (const path of ["/w/tree/abs", "/w/tree/rel/deep", "/w/tree/slash/tmp"]) {
        await this.#put(path, tarBytes([file("planted", "planted"), dir("folder", { mode: 0o777 })]));
      }
    });
  }

  /** Also checks what the clients write to the host. */
  async clients(): Promise<void> {
    const { dir: directory } = this.#fixture;
    await Deno.writeTextFile(`${directory}/file`, "planted");
    for (let n = 0; !this.#isOver; n++) {
      const client = n % 2 === 0 ? "tsd" : "docker";
      const call = (...args: string[]) => this.#fixture[client](...args);
      const out = await call("cp", "swapper:/w/tree", `${directory}/out${n}`);
      this.#count("copy out", out.code === 0);
      const { stdout } = await this.#fixture.shell(`grep -rl 'secret$' out${n} --devices=skip || true`);
      assert.equal(stdout, "");
      this.#count("copy in", (await call("cp", `${directory}/file`, "swapper:/w/tree/abs/planted")).code === 0);
      this.#count("copy in, linked", (await call("cp", `${directory}/file`, "swapper:/w/tree/f")).code === 0);
    }
  }

  async wholes(): Promise<void> {
    await this.#untilOver(async () => {
      await this.#read("export", "/containers/swapper/export");
      await this.#read("changes", "/containers/swapper/changes");
    });
  }

  /** A truncated response counts as refused. */
  async #read(what: string, path: string): Promise<void> {
    using stream = await this.#api.stream("GET", path);
    const chunks: Uint8Array[] = [];
    const whole = Array.fromAsync(stream.chunks(), (chunk) => void chunks.push(chunk)).then(() => true, () => false);
    this.#count(what, await whole && stream.status === 200);
    assert.ok([200, 404, 500].includes(stream.status), `${path}: ${stream.status}`);
    const text = new TextDecoder("latin1").decode(concat(chunks));
    // The symlinks in it contain the victim's path.
    assert.ok(!text.includes(SECRET), `${path} has the host's secret`);
  }

  async #put(path: string, body: Uint8Array): Promise<void> {
    const answer = await this.#api.request("PUT", archiveOf(path), { body });
    this.#count("PUT", answer.status === 200);
    assert.ok([200, 400, 404, 500].includes(answer.status), `PUT ${path}: ${answer.status} ${answer.text()}`);
  }

  async #untilOver(round: () => Promise<void>): Promise<void> {
    while (!this.#isOver) await round();
    assert.deepEqual(await this.#victim.changes(), []);
  }

  get #isOver(): boolean {
    return performance.now() > this.#deadline;
  }

  #count(what: string, wentWell: boolean): void {
    const key = `${what}: ${wentWell ? "done" : "refused"}`;
    this.outcomes[key] = (this.outcomes[key] ?? 0) + 1;
  }
}

const archiveOf = (path: string) => `/containers/swapper/archive?path=${encodeURIComponent(path)}`;
